package aggregate

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"
	"github.com/otelcol-ml/otelcol-ml/internal/validtext"
)

// observeAll makes the observations of one slot, whose value is v, or those of
// every span. The common reads are here; observe has the general case.
func (s *stripe) observeAll(r *row, observations []*plan.Observation, v pcommon.Value) {
	for _, o := range observations {
		value := 1.0
		switch o.Read {
		case plan.ReadCount:
		case plan.ReadDuration:
			if !s.durationValid {
				continue
			}
			value = s.durationMS
		case plan.ReadNumber:
			var ok bool
			if v.Type() == pcommon.ValueTypeDouble && !o.Whole {
				value, ok = v.Double(), true // the bounds are finite: a NaN is not within
			} else {
				value, ok = number(v, o.Whole)
			}
			if !ok || !(value >= o.Min && value <= o.Max) {
				s.counts.InvalidSpans[o.Slot]++
				continue
			}
		case plan.ReadFlag:
			if !isTrue(v) {
				continue
			}
		default:
			s.observe(r, o)
			continue
		}
		c := r.cells[o.Cell]
		if c == nil {
			c = s.resolve(r, o)
		}
		if c != skipped {
			s.record(o, c, value)
		}
	}
}

// observe makes one observation.
func (s *stripe) observe(r *row, o *plan.Observation) {
	var c *cell
	if o.Cell >= 0 {
		if c = r.cells[o.Cell]; c == skipped {
			return
		}
	}
	// Where the row decides and the cell is known, the conditions held.
	if (!o.ByRow || c == nil) && !s.holds(o) {
		if o.ByRow {
			s.skip(r, o)
		}
		return
	}
	value, ok := s.value(o)
	if !ok {
		return
	}
	if o.Scale != 0 {
		value *= o.Scale
	}
	if o.Cell < 0 {
		c = s.findExtra(r, o)
	} else if c == nil {
		c = s.findByRow(r, o)
	}
	s.record(o, c, value)
}

// resolve finds the cell of an observation that the row has not made before.
func (s *stripe) resolve(r *row, o *plan.Observation) *cell {
	if o.ByRow && !s.holds(o) {
		s.skip(r, o)
		return skipped
	}
	return s.findByRow(r, o)
}

// findByRow is find for an observation whose cell the row leads to from now on.
func (s *stripe) findByRow(r *row, o *plan.Observation) *cell {
	c := s.find(o)
	if c != unknown {
		r.cells[o.Cell] = c
	}
	return c
}

// skip notes that the row fails an observation's conditions, and no longer
// looks at an attribute of which the row fails all observations.
func (s *stripe) skip(r *row, o *plan.Observation) {
	r.cells[o.Cell] = skipped
	if o.Slot < 0 || o.Event != "" {
		return
	}
	for _, other := range s.work.BySlot[o.Slot] {
		if other.Cell < 0 || r.cells[other.Cell] != skipped {
			return
		}
	}
	r.slots.Remove(int(o.Slot))
}

// record adds a value to a cell.
func (s *stripe) record(o *plan.Observation, c *cell, value float64) {
	if s.exemplify {
		s.offer(o, c, value)
		return
	}
	if c.n == 0 {
		s.dirty = append(s.dirty, c)
	}
	c.n++
	switch o.Kind {
	case definition.Histogram:
		c.observeHistogram(value, s.weight, o.Index.Find(value))
	case definition.Counter:
		c.observeCounter(value, s.weight)
	case definition.Gauge:
		// A clock that is ahead must not make its value the newest for ever.
		c.observeGauge(value, uint64(min(s.span.EndTimestamp(), s.arrived)))
	}
}

// holds tests the conditions of an observation.
func (s *stripe) holds(o *plan.Observation) bool {
	for i := range o.When {
		c := &o.When[i]
		text, present := s.read(&c.Field)
		if !c.Test.Holds(text, present) {
			return false
		}
	}
	return true
}

// find returns the cell of the series that an observation's labels name.
func (s *stripe) find(o *plan.Observation) *cell {
	m := s.registry.metrics[o.Metric.Number]
	s.labels = s.labels[:0]
	h := mix(s.seed^uint64(m.plan.Number), prime1)
	for i := range o.Metric.Labels {
		l := &o.Metric.Labels[i]
		text, _ := s.read(&l.Field)
		if text == "" {
			text = l.Default
		}
		if !validtext.Is(text) { // the exporters of metrics refuse it
			text = validtext.Repair(text)
			s.counts.RepairedLabels++
		}
		s.labels = append(s.labels, text)
		h = hashString(h, text)
	}
	if o.Metric.SplitLabel != "" {
		s.labels = append(s.labels, o.Split)
		h = hashString(h, o.Split)
	}
	for c, i := s.cells.first(h); c != nil; c, i = s.cells.next(h, i) {
		if c.series.is(m, s.labels) {
			return c
		}
	}
	c := s.registry.cell(m, h, s.labels, s)
	if c == nil {
		return unknown
	}
	if !c.series.overflow {
		s.cells.add(h, c)
	}
	return c
}
