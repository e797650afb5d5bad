package budget

import (
	"math"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

// probability is that with which a class of this rate is kept when each class may have so many traces per second.
func (c *class) probability(rate count, each float64) float64 {
	if c.all {
		return 1
	}
	// Fewer come than may be kept. The weights do not matter then: they only say how many were dropped before.
	if rate.traces <= each {
		return c.most
	}
	return min(c.most, each/rate.weight)
}

// probability is that with which the class is kept now.
func (a *Allocator) probability(c *class) float64 { return c.probability(c.meter.rate(), a.each) }

// solve finds the largest number of traces per second that each class may have
// without the total going over the budget: rare classes need less and are whole,
// what they leave is shared equally by the abundant ones.
func (a *Allocator) solve() {
	for _, c := range a.classes {
		c.trial.rate = c.meter.rate()
	}
	active := a.active[:0]
	for _, s := range a.sets {
		if s.rate = s.meter.rate(); s.rate.traces > 0 {
			active = append(active, s)
		}
	}
	a.active = active
	total := func(each float64) float64 {
		for _, c := range a.classes {
			c.trial.p = c.probability(c.trial.rate, each)
		}
		sum := 0.0
		for _, s := range active {
			sum += s.kept()
		}
		return sum
	}
	most := min(a.limits.Budget, a.limits.ClassBudget)
	a.each = most
	if total(most) <= a.limits.Budget {
		return
	}
	low, high := 0.0, most
	for range 30 { // to a billionth of the budget
		if middle := (low + high) / 2; total(middle) <= a.limits.Budget {
			low = middle
		} else {
			high = middle
		}
	}
	a.each = low
}

// kept is how many traces per second of a set are kept. With one random number per trace, a trace is kept
// as soon as its most probable class is.
func (s *set) kept() float64 {
	p := 0.0
	for _, c := range s.classes {
		p = max(p, c.trial.p)
	}
	// A trace that stands for w came through a sampler with the probability 1/w.
	return s.rate.traces * min(1, p*s.rate.weight/s.rate.traces)
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
