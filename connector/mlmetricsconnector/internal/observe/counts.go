package observe

import "github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"

// Counts is what the observers report about themselves: increases since the last call of TakeCounts.
type Counts struct {
	MLSpans, OtherSpans uint64
	// RepairedLabels and CutLabels count values of labels that were not UTF-8 or too long, each time that a series was looked up with one.
	RepairedLabels, CutLabels uint64
	// Invalid counts, by the plan's Invalid, values that are no number or out of range, spans without a duration (they
	// have no start, end before it, or last longer than vocab.LongestMS), and trace states with a sampling threshold that cannot be read.
	Invalid []uint64
}

func newCounts(p *compiled.Plan) Counts { return Counts{Invalid: make([]uint64, len(p.Invalid))} }

// take moves the counts of other to c.
func (c *Counts) take(other *Counts) {
	c.MLSpans += other.MLSpans
	c.OtherSpans += other.OtherSpans
	c.RepairedLabels += other.RepairedLabels
	c.CutLabels += other.CutLabels
	for i, n := range other.Invalid {
		c.Invalid[i] += n
	}
	clear(other.Invalid)
	*other = Counts{Invalid: other.Invalid}
}
