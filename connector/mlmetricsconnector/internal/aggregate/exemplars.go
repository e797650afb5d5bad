package aggregate

import (
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/exemplar"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"
)

// offer makes the span at hand an exemplar of a cell's series, if it is slow
// enough. Its time is that of its arrival here, after the decision on its trace:
// Prometheus refuses an exemplar that is older than the last one of its series.
func (s *stripe) offer(o *plan.Observation, c *cell, value float64) {
	if o.Kind == definition.Gauge || c == unknown || s.span.TraceID().IsEmpty() {
		return
	}
	if c.exemplars == nil {
		c.exemplars = s.registry.reservoirs.take()
		s.dirty = append(s.dirty, c)
	}
	bucket := 0
	if o.Kind == definition.Histogram {
		bucket = o.Index.Find(value)
	}
	c.exemplars.Offer(&exemplar.Exemplar{
		Trace: s.span.TraceID(), Span: s.span.SpanID(), Time: s.arrived,
		Value: value, Score: s.durationMS, Bucket: bucket,
	})
}

// mergeExemplars moves the exemplars to their series. What their stripe has
// counted on the way, other stripes have counted before.
func (a *Aggregator) mergeExemplars() {
	s := a.exemplars
	s.mu.Lock()
	defer s.mu.Unlock()
	pool := &a.registry.reservoirs
	for i, c := range s.dirty {
		if t := c.series; t.exemplars == nil {
			t.exemplars = c.exemplars
		} else {
			t.exemplars.Merge(c.exemplars)
			pool.give(c.exemplars)
		}
		c.exemplars, s.dirty[i] = nil, nil
	}
	s.dirty = s.dirty[:0]
	s.counts = newCounts(a.plan)
	s.period++
}
