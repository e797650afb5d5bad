package budget

import (
	"math"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

// fair is the probability for a class of this rate when each class may have so many traces per second.
func (c *class) fair(rate count, each float64) float64 {
	if c.all {
		return 1
	}
	// Fewer come than may be kept. The weights do not matter then: they only say how many were dropped before.
	if rate.traces <= each {
		return c.most
	}
	return min(c.most, each/rate.weight)
}

// probability is that with which the class is kept now. What is kept whole, or as far as it ever is, stays so.
func (c *class) probability(scale float64) float64 {
	if c.p < c.most {
		return c.p * scale
	}
	return c.p
}

// solve divides the budget, in two steps. The first is by the rates: it finds the largest
// number of traces per second that each class may have without the total going over the
// budget. Rare classes need less and are whole, what they leave is shared equally by the
// abundant ones. The second is by what is still to come in the open window: where that
// is more than is left of its budget, the abundant classes have less than their share.
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

// largest finds the largest x up to most for which f is within the bound, to a millionth. f rises. It is called with
// the result last.
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

// kept is how many of so many traces of each set are kept.
func (a *Allocator) kept(scale float64, of func(*set) count) float64 {
	sum := 0.0
	for _, s := range a.active {
		n := of(s)
		if n.traces == 0 {
			continue
		}
		// With one random number per trace, a trace is kept as soon as its most probable class is.
		p := 0.0
		for _, c := range s.classes {
			p = max(p, c.probability(scale))
		}
		// A trace that stands for w came through a sampler with the probability 1/w.
		sum += n.traces * min(1, p*n.weight/n.traces)
	}
	return sum
}

const (
	// precision is the hexadecimal digits of a threshold that matter: 1/4096 of the probability.
	precision = 4
	// leastProbability is far below any that a budget asks for.
	leastProbability = 1e-9
)

// threshold is the one of W3C trace state, of which 2^56 - probability x 2^56 numbers are below.
func threshold(probability float64) sampling.Threshold {
	th, err := sampling.ProbabilityToThresholdWithPrecision(math.Max(probability, leastProbability), precision)
	if err != nil { // above 1 by rounding
		return sampling.AlwaysSampleThreshold
	}
	return th
}
