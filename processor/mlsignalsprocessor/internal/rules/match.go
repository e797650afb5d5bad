package rules

import (
	mathbits "math/bits"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// match reads the span in one pass and returns the rules that apply, the most specific first.
func (s *Compiled) match(span ptrace.Span, sc *Scratch) []int32 {
	sc.Values.Reset()
	sc.BadSources = sc.BadSources[:0]
	sc.stamp++
	if sc.stamp == 0 { // wrapped around: old stamps could equal new ones
		clear(sc.values)
		clear(sc.hits)
		sc.stamp = 1
	}
	sc.span, sc.name = span, span.Name()
	sc.start, sc.end = span.StartTimestamp(), span.EndTimestamp()
	if sc.DurationMS, sc.Lasting = vocab.Duration(sc.start, sc.end); sc.Lasting != vocab.Lasts {
		sc.DurationMS = -1
	}
	sc.trail = sc.trail[:0]
	named := s.named(sc)
	previous := -1
	for name, v := range span.Attributes().All() {
		next := sc.keys.After(previous)
		if next.Key != name && !sc.keys.Find(name, next) {
			continue
		}
		previous = next.Position
		k := &s.keyInfo[previous]
		if k.slot >= 0 {
			if sc.values[k.slot].stamp == sc.stamp {
				continue // a duplicate key: the first value counts, as in every component
			}
			sc.values[k.slot] = stampedValue{sc.stamp, v}
		}
		if k.canonical >= 0 {
			sc.Read(k.canonical, v)
		}
		if k.asked {
			sc.trail = k.checks.hold(v, sc.trail)
		}
	}
	if events := span.Events(); events.Len() > 0 {
		s.matchEvents(events, sc)
	}
	// Spans of one name nearly always meet the same conditions in the same order, so the same rules apply.
	kind := min(uint8(span.Kind()), kinds)
	if x := &named.seen[named.recent&1]; x.is(sc.around.id, kind, sc.trail) {
		return x.rules
	}
	named.recent ^= 1
	x := &named.seen[named.recent&1]
	if !x.is(sc.around.id, kind, sc.trail) {
		s.settle(x, named.atoms, kind, sc)
	}
	return x.rules
}

// settle finds the rules that apply to the span. If it has the same atoms in another order, the rules stay the same.
func (s *Compiled) settle(x *seen, ofName []atom, kind uint8, sc *Scratch) {
	x.around, x.kind = sc.around.id, kind
	x.trail = append(x.trail[:0], sc.trail...)
	if kind < kinds {
		copy(sc.bits, s.kinds[kind])
	} else {
		clear(sc.bits)
	}
	for _, atoms := range [][]atom{sc.around.atoms, ofName, sc.trail} {
		for _, a := range atoms {
			setBit(a, sc.bits)
		}
	}
	if !slices.Equal(x.bits, sc.bits) {
		x.bits = append(x.bits[:0], sc.bits...)
		x.rules = s.applicable(sc.bits, x.rules[:0])
	}
}

func (s *Compiled) matchEvents(events ptrace.SpanEventSlice, sc *Scratch) {
	for i := range events.Len() {
		e := events.At(i)
		j := s.events.Index(e.Name())
		if j < 0 {
			continue
		}
		for k := range s.eventInfo[j].conditions {
			if with := &s.eventInfo[j].conditions[k]; with.hold(e.Attributes()) {
				sc.trail = append(sc.trail, with.atom)
			}
		}
		h := &sc.hits[j]
		if h.stamp == sc.stamp {
			h.count++
			continue
		}
		*h = stampedEvent{sc.stamp, 1, e}
		sc.trail = append(sc.trail, s.eventInfo[j].atoms...)
	}
}

func (with *eventConditions) hold(attrs pcommon.Map) bool {
	for i, key := range with.keys {
		if v, ok := attrs.Get(key); !ok || !with.conditions[i].Holds(v) {
			return false
		}
	}
	return true
}

func setBit(a atom, bits []uint64) { bits[a/64] |= 1 << (a % 64) }

// applicable appends the rules all of whose conditions hold, the most specific first.
func (s *Compiled) applicable(bits []uint64, rules []int32) []int32 {
	for w, word := range bits {
		for ; word != 0; word &= word - 1 {
			for _, i := range s.triggers[64*w+mathbits.TrailingZeros64(word)] {
				if r := &s.rules[i]; holds(r.need, bits) && !meets(r.forbid, bits) {
					rules = append(rules, i)
				}
			}
		}
	}
	slices.Sort(rules)
	return rules
}

// meets reports whether any of the bits is forbidden.
func meets(forbid, bits []uint64) bool {
	for w, f := range forbid {
		if f&bits[w] != 0 {
			return true
		}
	}
	return false
}

func holds(need, bits []uint64) bool {
	for w, n := range need {
		if n&^bits[w] != 0 {
			return false
		}
	}
	return true
}
