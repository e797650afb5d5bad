package rules

import (
	"hash/fnv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/join"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// Join looks up the other span of each join of the span. If it has arrived
// before, the result is set on this span. Call it after Apply.
func (s *Compiled) Join(span ptrace.Span, sc *Scratch, out *Outcome, tables join.Tables, now time.Time) {
	for _, m := range out.Joins {
		at, ok := m.place(span, sc)
		if !ok {
			continue
		}
		own := m.snapshot(sc)
		which := pick(m.other, 1, 0)
		mode := join.Mode{After: m.after, Once: m.once}
		if other, met := tables.Match(at, which, mode, own, now); met {
			m.setJoined(sc, &own, &other)
			out.MarkedElsewhere = out.MarkedElsewhere || m.oneCold
		}
	}
}

// place returns the key that both spans of the join have. It reports false if this span has none.
func (m *joinSide) place(span ptrace.Span, sc *Scratch) (join.Key, bool) {
	k := join.Key{Trace: span.TraceID(), Span: span.SpanID(), Join: m.id}
	if m.resource >= 0 {
		v, ok := sc.resourceAttribute(m.resource)
		if !ok {
			return k, false
		}
		k.Trace, k.Span = sumOf(v.AsString()), pcommon.SpanID{}
		return k, true
	}
	if m.atParent {
		k.Span = span.ParentSpanID()
	}
	return k, !k.Span.IsEmpty() && !k.Trace.IsEmpty()
}

// sumOf hashes a text to the size of a trace ID.
func sumOf(text string) (id pcommon.TraceID) {
	h := fnv.New128a()
	h.Write([]byte(text))
	h.Sum(id[:0])
	return id
}

// snapshot returns what is buffered of this span.
func (m *joinSide) snapshot(sc *Scratch) join.Side {
	side := join.Side{Span: sc.span.SpanID(), Start: sc.start, End: sc.end, QueueWait: -1, ForwardPass: -1}
	for i, one := range m.timePoints[pick(m.other, 1, 0)] {
		if t, ok := one.of(sc); ok {
			side.TimePoints[i] = t
		}
	}
	if sc.Known.Has(values.QueueWait) {
		side.QueueWait = sc.Number[values.QueueWait]
	}
	if sc.Known.Has(values.ForwardPass) {
		side.ForwardPass = sc.Number[values.ForwardPass]
	}
	if m.oneCold {
		return side
	}
	if len(m.sets) > 0 {
		side.Done = true
		for i := range m.sets {
			side.Done = side.Done && !sc.Missing(m.sets[i].target)
		}
	} else {
		// A wait with a forward pass of 0 ms has no ratio, but is queue bound.
		side.Done = sc.Known.Has(values.QueueComputeRatio) || sc.IsTrue(values.QueueBound)
	}
	return side
}

// setJoined sets the result of the join on this span.
func (m *joinSide) setJoined(sc *Scratch, own, other *join.Side) {
	sides := [2]*join.Side{own, other}
	if m.other {
		sides = [2]*join.Side{other, own}
	}
	for i := range m.sets {
		set := &m.sets[i]
		if set.from != fromGap {
			set.apply(sc)
			continue
		}
		from, to := set.from1.buffered(sides), set.to.buffered(sides)
		if from != 0 && to != 0 && to >= from {
			sc.Fill(set.target, milliseconds(from, to)+set.plus)
		}
	}
	if m.oneCold {
		return
	}
	if other.QueueWait >= 0 {
		sc.Borrow(values.QueueWait, other.QueueWait)
	}
	if other.ForwardPass >= 0 {
		sc.Borrow(values.ForwardPass, other.ForwardPass)
	}
}

// buffered returns the point in time from the buffered sides: 0 this span, 1 the other one.
func (m timePoint) buffered(sides [2]*join.Side) pcommon.Timestamp {
	return sides[pick(m.Other, 1, 0)].TimePoints[m.index]
}
