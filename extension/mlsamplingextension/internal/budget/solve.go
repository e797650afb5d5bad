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

// plan divides the budget at the start of a window.
func (a *Allocator) plan() {
	a.expected, a.planned = 0, min(a.limits.Budget, a.limits.ClassBudget)
	a.solve(min(a.saved, a.limits.Budget*nominal))
	a.planned = a.each
	for _, c := range a.classes {
		c.planned = c.p
	}
}

// revise divides what is left of it.
func (a *Allocator) revise() {
	a.solve(a.saved + a.limits.Budget*a.now().Sub(a.opened).Seconds() - a.expected)
}

// solve finds the largest number of traces per second that each class may have
// without what is still to come in the open window going over what is left of its
// budget: rare classes need less and are whole, what they leave is shared equally by
// the abundant ones. What was not used early is not thrown after the last traces of a
// window, so the number is at most what was planned.
func (a *Allocator) solve(left float64) {
	left = max(left, a.limits.Budget*reserve)
	a.next = a.expected + left/stages

	for _, c := range a.classes {
		c.rate = c.meter.rate()
	}
	active := a.active[:0]
	for _, s := range a.sets {
		if s.future = s.meter.future(); s.future.traces > 0 {
			active = append(active, s)
		}
	}
	a.active = active
	total := func(each float64) float64 {
		for _, c := range a.classes {
			c.p = c.probability(c.rate, each)
		}
		sum := 0.0
		for _, s := range active {
			sum += s.kept()
		}
		return sum
	}
	a.each = a.planned
	if total(a.each) <= left {
		return
	}
	low, high := 0.0, a.each
	for range 30 { // to a billionth of the budget
		if middle := (low + high) / 2; total(middle) <= left {
			low = middle
		} else {
			high = middle
		}
	}
	a.each = low
	total(low)
}

// kept is how many traces of a set are kept of those that are still to come in the open window. With one random number
// per trace, a trace is kept as soon as its most probable class is.
func (s *set) kept() float64 {
	p := 0.0
	for _, c := range s.classes {
		p = max(p, c.p)
	}
	// A trace that stands for w came through a sampler with the probability 1/w.
	return s.future.traces * min(1, p*s.future.weight/s.future.traces)
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
