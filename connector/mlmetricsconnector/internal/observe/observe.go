package observe

import (
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/series"
)

// observe makes an observation where its conditions hold.
func (o *observer) observe(s *span, g *group, of *compiled.Observation) {
	var a *series.Accumulator
	if of.InGroup >= 0 {
		if a = g.accumulators[of.InGroup]; a == skipped {
			return
		}
	}
	// Where the group decides and the accumulator is known, the conditions held.
	if (a == nil || !of.ByGroup) && !holds(s, of) {
		if of.ByGroup {
			g.accumulators[of.InGroup] = skipped
		}
		return
	}
	value, ok := o.value(s, of)
	switch {
	case !ok:
		return
	case of.InGroup < 0:
		a = o.findExtra(s, g, of)
	case a == nil || a.Retired():
		a = o.find(s, of)
		g.accumulators[of.InGroup] = a
	}
	bucket := 0
	if of.Kind == metric.Histogram {
		bucket = of.Index.Find(value)
	}
	switch {
	case o.exemplify:
		o.offer(s, of, a, bucket, value)
	case of.Kind == metric.Histogram:
		o.shard.AddToBucket(a, bucket, value, s.weight)
	case of.Kind == metric.Counter:
		o.shard.Add(a, value, s.weight)
	default:
		// A clock that is ahead must not make its value the newest for ever.
		o.shard.Set(a, value, min(s.EndTimestamp(), s.arrived))
	}
}

// value returns what to observe, and whether there is something.
func (o *observer) value(s *span, of *compiled.Observation) (value float64, ok bool) {
	if of.Source == metric.Count {
		return 1, true
	}
	value, ok = s.durationMS, s.lasts
	if of.Source == metric.Attribute {
		v, present := s.value(&of.Read)
		if present {
			if value, ok = read(v, of); !ok {
				o.counts.Invalid[of.Invalid]++
			}
		} else if !of.OrDuration {
			return 0, false
		}
	}
	if of.Seconds {
		value /= 1000
	}
	return value, ok
}

// offer offers the span as an exemplar to an accumulator, nil where there is no series. The exemplar's time is that of
// its arrival here, after the decision on its trace: Prometheus refuses an exemplar that is older than the last one of
// its series.
func (o *observer) offer(s *span, of *compiled.Observation, a *series.Accumulator, bucket int, value float64) {
	if of.Kind == metric.Gauge || a == nil || s.TraceID().IsEmpty() {
		return
	}
	o.shard.Offer(a, &series.Exemplar{
		Trace: s.TraceID(), Span: s.SpanID(), Time: s.arrived, Value: value, DurationMS: s.durationMS, Bucket: bucket,
	})
}

// holds reports whether a span passes the conditions of an observation.
func holds(s *span, of *compiled.Observation) bool {
	for i := range of.Conditions {
		c := &of.Conditions[i]
		text, present := s.text(&c.Field)
		if !c.Test.Holds(text, present) {
			return false
		}
	}
	return true
}
