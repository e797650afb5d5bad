package aggregate

import (
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/exemplar"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/exponential"
)

// cell is what one stripe has observed of one series since the last flush.
// The stripe's lock guards it.
type cell struct {
	// n is the number of observations; 0 means that there is nothing to merge.
	n uint64
	// total is a histogram's sum, a counter's increase or a gauge's value.
	total float64
	// buckets are a histogram's counts, one more than its bounds. They are floats
	// because the spans of sampled traces count for more than one.
	buckets []float64
	// newest is the end time of a gauge's span, in ns since the epoch.
	newest uint64
	series *series
	// exponential is nil where the histogram has explicit buckets only.
	exponential *exponential.Histogram
	// exemplars is nil until there is one.
	exemplars *exemplar.Reservoir
}

// skipped stands in a row for an observation whose conditions the row fails.
var skipped = &cell{}

// unknown stands for the cell of a series that does not exist, where none is to be created.
var unknown = &cell{}

// newCell returns an empty cell of the stripe.
func (s *stripe) newCell(of *series) *cell {
	c := s.cellChunk.one()
	c.series = of
	if s.exemplify {
		return c
	}
	if of.metric.plan.Kind == definition.Histogram {
		c.buckets = s.bucketChunk.take(1 + len(of.metric.plan.Buckets))
	}
	if of.exponential != nil {
		c.exponential = exponential.New(of.metric.maxSize)
	}
	return c
}
