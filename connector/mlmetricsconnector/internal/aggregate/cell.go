package aggregate

import (
	"math"

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
	// buckets are a histogram's, one more than its bounds. A counter has one, for the exemplars' sake.
	buckets []bucket
	// newest is the end time of a gauge's span, in ns since the epoch.
	newest uint64
	series *series
	// exponential is nil where the histogram has explicit buckets only.
	exponential *exponential.Histogram
	// exemplars is nil until there is one.
	exemplars *exemplar.Reservoir
}

type bucket struct {
	// count is a float because the spans of sampled traces count for more than one.
	count float64
	// floor is the score that an exemplar must exceed.
	floor float64
}

// skipped stands in a row for an observation whose conditions the row fails.
var skipped = &cell{}

// newCell returns an empty cell of the stripe.
func (s *stripe) newCell(of *series) *cell {
	c := s.cellChunk.one()
	c.series, c.buckets = of, s.bucketChunk.take(1+len(of.metric.plan.Buckets))
	c.resetFloors(s.registry.floor)
	if of.exponential != nil {
		c.exponential = exponential.New(of.metric.maxSize)
	}
	return c
}

func (c *cell) resetFloors(floor float64) {
	for i := range c.buckets {
		c.buckets[i].floor = floor
	}
}

// keep puts an exemplar into the cell's reservoir.
func (s *stripe) keep(c *cell, e *exemplar.Exemplar) {
	if c.exemplars == nil {
		c.exemplars = s.registry.reservoirs.take()
	}
	c.exemplars.Offer(e)
	for i := range c.buckets {
		c.buckets[i].floor = c.exemplars.Floor(i)
	}
}

// mergeExemplars moves the exemplars to the series.
func (s *series) mergeExemplars(c *cell, pool *reservoirs) {
	if c.exemplars == nil {
		return
	}
	if s.exemplars == nil {
		s.exemplars = c.exemplars
	} else {
		s.exemplars.Merge(c.exemplars)
		pool.give(c.exemplars)
	}
	c.exemplars = nil
	c.resetFloors(math.Inf(-1))
}
