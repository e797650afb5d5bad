package observe

import "github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"

// Counts is what the observers report about themselves: increases since the last call of TakeCounts.
type Counts struct {
	MLSpans, OtherSpans uint64
	// InvalidDurations counts spans without a duration: they have no start, end before it, or last longer than vocab.LongestMS.
	InvalidDurations uint64
	// InvalidStates counts spans whose trace state has a sampling threshold that cannot be read.
	InvalidStates uint64
	// RepairedLabels and CutLabels count values of labels that were not UTF-8 or too long, each time that a series was looked up with one.
	RepairedLabels, CutLabels uint64
	// InvalidSpans, InvalidResources and InvalidEvents count values that are no number or out of range, by the plan's slots.
	InvalidSpans, InvalidResources, InvalidEvents []uint64
}

func newCounts(p *compiled.Plan) Counts {
	return Counts{
		InvalidSpans: make([]uint64, p.Span.Len()), InvalidResources: make([]uint64, p.Resource.Len()), InvalidEvents: make([]uint64, p.Event.Len()),
	}
}

// take moves the counts of other to c.
func (c *Counts) take(other *Counts) {
	for _, pair := range [][2]*uint64{
		{&c.MLSpans, &other.MLSpans}, {&c.OtherSpans, &other.OtherSpans}, {&c.InvalidDurations, &other.InvalidDurations},
		{&c.InvalidStates, &other.InvalidStates}, {&c.RepairedLabels, &other.RepairedLabels}, {&c.CutLabels, &other.CutLabels},
	} {
		*pair[0] += *pair[1]
		*pair[1] = 0
	}
	for _, pair := range [][2][]uint64{
		{c.InvalidSpans, other.InvalidSpans}, {c.InvalidResources, other.InvalidResources}, {c.InvalidEvents, other.InvalidEvents},
	} {
		for i := range pair[0] {
			pair[0][i] += pair[1][i]
			pair[1][i] = 0
		}
	}
}
