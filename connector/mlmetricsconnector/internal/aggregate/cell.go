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

// newCell returns an empty cell. floor is -Inf where exemplars are wanted, +Inf where not.
func newCell(s *series, floor float64) *cell {
	c := &cell{series: s, buckets: make([]bucket, 1+len(s.metric.plan.Buckets))}
	for i := range c.buckets {
		c.buckets[i].floor = floor
	}
	if s.exponential != nil {
		c.exponential = exponential.New(s.metric.maxSize)
	}
	return c
}

// keep puts an exemplar into the cell's reservoir.
func (c *cell) keep(e *exemplar.Exemplar) {
	if c.exemplars == nil {
		c.exemplars = &exemplar.Reservoir{}
	}
	c.exemplars.Offer(e)
	for i := range c.buckets {
		c.buckets[i].floor = c.exemplars.Floor(i)
	}
}

// mergeExemplars moves the exemplars to the series.
func (s *series) mergeExemplars(c *cell) {
	if c.exemplars == nil || c.exemplars.Len() == 0 {
		return
	}
	if s.exemplars == nil {
		s.exemplars = &exemplar.Reservoir{}
	}
	s.exemplars.Merge(c.exemplars)
	c.exemplars.Reset()
	for i := range c.buckets {
		c.buckets[i].floor = math.Inf(-1)
	}
}
