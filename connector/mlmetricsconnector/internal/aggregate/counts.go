package aggregate

import "github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"

// Counts is what the connector tells about itself: increases since the last time, unless said otherwise.
type Counts struct {
	MLSpans, OtherSpans uint64
	// Observed, Overflowed and Expired are by metric: observations, those that went to the overflow series, series dropped.
	Observed, Overflowed, Expired []uint64
	// Active is the number of series of each metric now.
	Active []int
	// LabelValues estimates, for each metric that has overflowed, the number of values of each of its labels now.
	LabelValues [][]uint64
	// InvalidDurations counts spans that have no start, end before it, or take longer than vocab.Longest.
	InvalidDurations uint64
	// InvalidStates counts spans with a sampling threshold that cannot be true in their trace state.
	InvalidStates uint64
	// RepairedLabels counts texts of labels that were not UTF-8, each time that a series was looked up with one.
	RepairedLabels uint64
	// InvalidSpans, InvalidResources and InvalidEvents count values that cannot be true, by the plan's slots.
	InvalidSpans, InvalidResources, InvalidEvents []uint64
}

func newCounts(p *plan.Plan) Counts {
	n := len(p.Metrics)
	return Counts{
		Observed: make([]uint64, n), Overflowed: make([]uint64, n), Expired: make([]uint64, n),
		Active: make([]int, n), LabelValues: make([][]uint64, n),
		InvalidSpans: make([]uint64, p.Span.Len()), InvalidResources: make([]uint64, p.Resource.Len()), InvalidEvents: make([]uint64, p.Event.Len()),
	}
}

// take moves the increases of other to c.
func (c *Counts) take(other *Counts) {
	for _, pair := range [][2]*uint64{
		{&c.MLSpans, &other.MLSpans}, {&c.OtherSpans, &other.OtherSpans}, {&c.InvalidDurations, &other.InvalidDurations}, {&c.InvalidStates, &other.InvalidStates},
		{&c.RepairedLabels, &other.RepairedLabels},
	} {
		*pair[0] += *pair[1]
		*pair[1] = 0
	}
	for _, pair := range [][2][]uint64{
		{c.Observed, other.Observed}, {c.Overflowed, other.Overflowed}, {c.Expired, other.Expired},
		{c.InvalidSpans, other.InvalidSpans}, {c.InvalidResources, other.InvalidResources}, {c.InvalidEvents, other.InvalidEvents},
	} {
		for i := range pair[0] {
			pair[0][i] += pair[1][i]
			pair[1][i] = 0
		}
	}
}

// TakeCounts calls f with what was counted since the last call.
func (a *Aggregator) TakeCounts(f func(*Counts)) {
	a.flushing.Lock()
	defer a.flushing.Unlock()
	a.registry.mu.Lock()
	for i, m := range a.registry.metrics {
		if m.overflow != nil {
			a.counts.LabelValues[i] = m.labelValues()
		}
	}
	a.registry.mu.Unlock()
	f(&a.counts)
	a.counts = newCounts(a.plan)
}
