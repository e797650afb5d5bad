package budget

import (
	"math"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

// fair is the probability of a class with this rate if each class may keep a given number of traces per second.
func (c *class) fair(rate count, each float64) float64 {
	if c.all {
		return 1
	}
	// Fewer traces arrive than may be kept. Their weights do not matter, because they only count how many were dropped
	// before.
	if rate.traces <= each {
		return c.most
	}
	return min(c.most, each/rate.weight)
}

// probability is the current probability of the class. A class that is kept whole, or at its upper limit, keeps that
// probability.
func (c *class) probability(scale float64) float64 {
	if c.p < c.most {
		return c.p * scale
	}
	return c.p
}

// solve divides the budget in two steps. First, by the rates: it finds the largest number of traces per second per
// class for which the total is within the budget. Rare classes need less and are kept whole; abundant classes share
// the rest equally. Second, by the traces that are still expected in the open window: if they would exceed the
// window's remaining budget, the shares of abundant classes are reduced.
func (a *Allocator) solve(left float64) {
	for _, c := range a.classes {
		c.rate = c.meter.rate()
	}
	a.active = a.active[:0]
	for _, s := range a.sets {
		s.rate, s.future = s.meter.rate(), s.meter.future()
		if s.rate.traces > 0 {
			a.active = append(a.active, s)
		}
	}

	a.each = largest(min(a.limits.Budget, a.limits.ClassBudget), a.limits.Budget, func(each float64) float64 {
		for _, c := range a.classes {
			c.p = c.fair(c.rate, each)
		}
		return a.kept(1, func(s *set) count { return s.rate })
	})
	coming := func(scale float64) float64 { return a.kept(scale, func(s *set) count { return s.future }) }
	left = max(left, coming(0)+a.limits.Budget*reserve)
	a.scale = largest(1, left, coming)
	a.next = a.expected + left/stages
}

// largest finds the largest x up to most for which f is within the bound, to a millionth. f is increasing. f is last
// called with the result.
func largest(most, bound float64, f func(x float64) float64) float64 {
	if f(most) <= bound {
		return most
	}
	low, high := 0.0, most
	for range 20 {
		if middle := (low + high) / 2; f(middle) <= bound {
			low = middle
		} else {
			high = middle
		}
	}
	f(low)
	return low
}

// kept returns how many traces are kept of the given number in each set.
func (a *Allocator) kept(scale float64, of func(*set) count) float64 {
	sum := 0.0
	for _, s := range a.active {
		n := of(s)
		if n.traces == 0 {
			continue
		}
		// All classes of a trace compare the same random number, so its most probable class decides.
		p := 0.0
		for _, c := range s.classes {
			p = max(p, c.probability(scale))
		}
		// A trace with adjusted count w passed an earlier sampler with probability 1/w.
		sum += n.traces * min(1, p*n.weight/n.traces)
	}
	return sum
}

const (
	// precision is the number of significant hexadecimal digits of a threshold: 1/4096 of the probability.
	precision = 4
	// leastProbability is far below the probability of any budget.
	leastProbability = 1e-9
)

// threshold returns the threshold of the W3C trace state, 2^56 - probability x 2^56.
func threshold(probability float64) sampling.Threshold {
	th, err := sampling.ProbabilityToThresholdWithPrecision(math.Max(probability, leastProbability), precision)
	if err != nil { // above 1 because of rounding
		return sampling.AlwaysSampleThreshold
	}
	return th
}
