package observe

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/series"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// observeAll makes the observations of one slot, whose value is v, or those of
// every span. The common cases are here; observe has the general one.
func (o *observer) observeAll(s *span, g *group, work *compiled.Work, observations []*compiled.Observation, v pcommon.Value) {
	for _, of := range observations {
		value := 1.0
		switch of.Read {
		case compiled.ReadCount:
		case compiled.ReadDuration:
			if !s.lasts {
				continue
			}
			value = s.durationMS
		case compiled.ReadNumber:
			var ok bool
			if v.Type() == pcommon.ValueTypeDouble && !of.Whole {
				value = v.Double()
				ok = value >= of.Min && value <= of.Max // a NaN is not
			} else {
				value, ok = read(v, of)
			}
			if !ok {
				o.counts.InvalidSpans[of.Slot]++
				continue
			}
		case compiled.ReadFlag:
			if is, _ := vocab.ReadBool(v); !is {
				continue
			}
		default:
			o.observe(s, g, work, of)
			continue
		}
		a := g.accumulators[of.InGroup]
		if a == nil || a.Retired() {
			if of.ByGroup && !holds(s, of) {
				g.skip(work, of)
				continue
			}
			a = o.findByGroup(s, g, of)
		}
		if a != skipped {
			o.record(s, of, a, value)
		}
	}
}

// observe makes one observation.
func (o *observer) observe(s *span, g *group, work *compiled.Work, of *compiled.Observation) {
	var a *series.Accumulator
	if of.InGroup >= 0 {
		if a = g.accumulators[of.InGroup]; a == skipped {
			return
		}
	}
	// Where the group decides and the accumulator is known, the conditions held.
	if (!of.ByGroup || a == nil) && !holds(s, of) {
		if of.ByGroup {
			g.skip(work, of)
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
		a = o.findByGroup(s, g, of)
	}
	o.record(s, of, a, value)
}

// value returns what to observe, and whether there is something.
func (o *observer) value(s *span, of *compiled.Observation) (float64, bool) {
	value, ok, absent := 1.0, true, false
	switch of.Source {
	case metric.Count:
	case metric.Duration:
		return s.duration(of), s.lasts
	default:
		value, ok, absent = s.number(of, &o.counts)
		if absent && of.OrDuration {
			return s.duration(of), s.lasts
		}
	}
	if of.Scale != 0 {
		value *= of.Scale
	}
	return value, ok
}

// findByGroup is find for an observation whose accumulator the group leads to from now on.
func (o *observer) findByGroup(s *span, g *group, of *compiled.Observation) *series.Accumulator {
	a := o.find(s, of)
	g.accumulators[of.InGroup] = a
	return a
}

// skip notes that the group fails an observation's conditions, and no longer
// looks at an attribute of which the group fails all observations.
func (g *group) skip(work *compiled.Work, of *compiled.Observation) {
	g.accumulators[of.InGroup] = skipped
	if of.Slot < 0 || of.Event != "" {
		return
	}
	for _, other := range work.BySlot[of.Slot] {
		if other.InGroup < 0 || g.accumulators[other.InGroup] != skipped {
			return
		}
	}
	g.slots.Remove(int(of.Slot))
}

// record adds a value to an accumulator, nil where an exemplar has no series.
func (o *observer) record(s *span, of *compiled.Observation, a *series.Accumulator, value float64) {
	switch {
	case o.exemplify:
		o.offer(s, of, a, value)
	case of.Kind == metric.Histogram:
		o.shard.AddToBucket(a, of.Index.Find(value), value, s.weight)
	case of.Kind == metric.Counter:
		o.shard.Add(a, value, s.weight)
	default:
		// A clock that is ahead must not make its value the newest for ever.
		o.shard.Set(a, value, min(s.EndTimestamp(), s.arrived))
	}
}

// offer offers the span as an exemplar. The exemplar's time is that of its
// arrival here, after the decision on its trace: Prometheus refuses an exemplar
// that is older than the last one of its series.
func (o *observer) offer(s *span, of *compiled.Observation, a *series.Accumulator, value float64) {
	if of.Kind == metric.Gauge || a == nil || s.TraceID().IsEmpty() {
		return
	}
	e := series.Exemplar{Trace: s.TraceID(), Span: s.SpanID(), Time: s.arrived, Value: value, DurationMS: s.durationMS}
	if of.Kind == metric.Histogram {
		e.Bucket = of.Index.Find(value)
	}
	o.shard.Offer(a, &e)
}

// holds reports whether a span passes the conditions of an observation.
func holds(s *span, of *compiled.Observation) bool {
	for i := range of.When {
		c := &of.When[i]
		text, present := s.text(&c.Field)
		if !c.Test.Holds(text, present) {
			return false
		}
	}
	return true
}
