// Package budget decides which traces are kept, so that their number per second
// stays within a budget. Rare classes are kept whole; frequent ones share the rest.
//
// New returns an Allocator. Call Decide for each trace. Stats returns its state.
// All methods may be called concurrently.
package budget

import (
	"slices"
	"sync"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

// Limits are the settings of an Allocator.
type Limits struct {
	// Budget is the number of traces to keep per second, without the classes in KeepAll.
	Budget float64
	// ClassBudget is the largest number of traces to keep per second because of one class; +Inf: no limit but the
	// budget.
	ClassBudget float64
	// Baseline is the signal of traces without a signal, BaselineShare the largest share of them that is kept, 0 to
	// 1.
	Baseline      string
	BaselineShare float64
	// KeepAll are signals whose traces are always kept and do not count against the budget.
	KeepAll []string
	// Known are the signals that always have a class of their own.
	Known []string
	// MaxClasses is the number of classes with a rate of their own; further classes share one for each signal.
	MaxClasses int
}

func (l *Limits) known(signal string) bool {
	return signal == l.Baseline || signal == Other || slices.Contains(l.Known, signal)
}

// Trace has the input of the decision on a trace.
type Trace struct {
	// Classes has from one to MaxPerTrace classes, sorted and distinct.
	Classes []Class
	// Randomness is compared with the threshold: the trace is kept if it is not below it.
	Randomness sampling.Randomness
	// Before is the sampling threshold that was applied before the collector.
	Before sampling.Threshold
}

// Tally counts the decisions on traces with a signal.
type Tally struct{ Kept, Dropped int64 }

// Stats is the state of an Allocator. Rates are traces per second, without those of KeepAll.
type Stats struct {
	EvaluatedRate, KeptRate float64
	// EachClass is the number of traces per second that are kept of one class.
	EachClass float64
	Classes   int
	// Overflows counts memberships in a shared class.
	Overflows int64
	// Signals has a Tally for each signal, Probability the current probability of each class.
	Signals     map[string]Tally
	Probability map[Class]float64
}

// Allocator divides a budget among classes. It is safe for concurrent use.
type Allocator struct {
	mu     sync.Mutex
	now    func() time.Time
	limits Limits

	classes        map[Class]*class
	sets           map[setKey]*set
	unknownSignals map[string]bool
	shared         int // number of shared classes
	lastID         uint32
	members        []*class // scratch
	active         []*set   // scratch

	opened            time.Time // start of the open window
	evaluated, stored meter
	each              float64 // traces per second for each class
	scale             float64 // share of each that abundant classes get in the rest of the window, 0 to 1
	saved             float64 // traces that could be kept when the window started
	expected          float64 // mean of the traces kept in the window, over random numbers
	next              float64 // value of expected at which the rates are computed again

	tallies map[string]*Tally
	stats   Stats
}

// New returns an Allocator that reads the time from now.
func New(limits Limits, now func() time.Time) *Allocator {
	a := &Allocator{
		now: now, limits: limits,
		classes: map[Class]*class{}, sets: map[setKey]*set{}, unknownSignals: map[string]bool{}, tallies: map[string]*Tally{},
	}
	a.saved = limits.Budget * nominal
	a.solve(a.saved)
	return a
}

const (
	// stages: the rates are computed again whenever 1/stages of the remaining budget of the window is used.
	stages = 4
	// reserve is the share of a second's budget that always remains available. A window with more traces than
	// forecast exceeds the budget by about this much each time their number triples. With a smaller reserve, the last
	// traces of the window would get probabilities so low that probably none is kept, and neither an estimate nor its
	// error would show that: at 1/12 one estimate in ten is off by more than five standard deviations, at 1/3 one in
	// a hundred, for a flood of 50 times the budget.
	reserve = 1.0 / 3
	// repay is the largest share of a second's budget that is deducted for overruns of earlier seconds.
	repay = 0.5
	// late is the largest delay of a batch of decisions in seconds; the next batch then follows that much sooner.
	late = 0.5
	// maxWeight limits the adjusted count of a trace: a wrong threshold in one trace
	// state must not use the budget of all others.
	maxWeight = 10_000
)

// Decide counts a trace, and returns the threshold of its classes and whether the trace is kept. A trace is kept if
// any of its classes keeps it. All classes compare the same random number, so the trace is kept with the largest of
// their probabilities, and the threshold corresponds to that probability.
func (a *Allocator) Decide(t *Trace) (sampling.Threshold, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.advance()

	a.members = a.members[:0]
	all := false
	for _, c := range t.Classes {
		if member := a.class(c); !slices.Contains(a.members, member) { // shared classes can repeat
			a.members = append(a.members, member)
			all = all || member.all
		}
	}
	if all {
		a.count(true, all)
		for _, c := range a.members {
			c.meter.idle = 0
		}
		return sampling.AlwaysSampleThreshold, true
	}

	weight := min(t.Before.AdjustedCount(), maxWeight)
	if t.Before == sampling.NeverSampleThreshold {
		weight = 1
	}
	p, winner := -1.0, 0
	for i, c := range a.members {
		c.meter.add(weight)
		if q := c.probability(a.scale); q > p {
			p, winner = q, i
		}
	}
	s := a.set(a.members)
	if s == nil {
		s = a.set(a.members[winner : winner+1])
	}
	s.meter.add(weight)
	a.evaluated.add(1)

	// The decision must not depend on the random numbers of other traces, or counts would be biased. So the
	// probabilities are summed, not the kept traces.
	a.expected += min(1, p*weight)
	if a.expected > a.next {
		a.solve(a.opening() + a.limits.Budget*a.now().Sub(a.opened).Seconds() - a.expected)
	}
	th := threshold(p)
	keep := th.ShouldSample(t.Randomness)
	a.count(keep, all)
	return th, keep
}

// advance closes the window if it is over.
func (a *Allocator) advance() {
	now := a.now()
	if a.opened.IsZero() {
		a.opened = now
	}
	elapsed := now.Sub(a.opened)
	if elapsed < window {
		return
	}
	seconds := elapsed.Seconds()
	for _, c := range a.classes {
		c.meter.close(seconds)
	}
	for _, s := range a.sets {
		s.meter.close(seconds)
	}
	a.evaluated.close(seconds)
	a.stored.close(seconds)
	a.opened = now
	// Unused budget is not saved. An overrun is deducted from the next windows.
	most := nominal
	if seconds <= nominal+late {
		most = max(most, seconds)
	}
	a.saved = max(-2*a.limits.Budget, min(a.saved+a.limits.Budget*seconds-a.expected, a.limits.Budget*most))
	a.expected = 0
	a.expire()
	a.solve(a.opening())
}

// opening is the number of traces that the window can keep at its start.
func (a *Allocator) opening() float64 { return max(a.saved, a.limits.Budget*(nominal-repay)) }

// count adds a decision on the trace of a.members to the statistics.
func (a *Allocator) count(keep, all bool) {
	if keep && !all {
		a.stored.add(1)
	}
	for i, c := range a.members {
		if i > 0 && slices.ContainsFunc(a.members[:i], func(d *class) bool { return d.signal == c.signal }) {
			continue // the same signal in another service
		}
		if keep {
			c.signal.Kept++
		} else {
			c.signal.Dropped++
		}
	}
}

// tally returns the counts of a signal.
func (a *Allocator) tally(signal string) *Tally {
	t := a.tallies[signal]
	if t == nil {
		t = &Tally{}
		a.tallies[signal] = t
	}
	return t
}

// Stats returns the state as of now.
func (a *Allocator) Stats() Stats {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.opened.IsZero() {
		a.advance() // or the last rates would be reported forever
	}
	s := a.stats
	s.EvaluatedRate, s.KeptRate = a.evaluated.known().traces, a.stored.known().traces
	s.EachClass, s.Classes = a.each, len(a.classes)
	s.Signals = make(map[string]Tally, len(a.tallies))
	for signal, t := range a.tallies {
		s.Signals[signal] = *t
	}
	s.Probability = make(map[Class]float64, len(a.classes))
	for key, c := range a.classes {
		s.Probability[key] = max(c.p, leastProbability)
	}
	return s
}
