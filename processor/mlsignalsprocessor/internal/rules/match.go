package rules

import (
	mathbits "math/bits"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Resource takes in the resource of the spans that follow. Call Scope for each of its scopes.
func (s *Set) Resource(attrs pcommon.Map, sc *Scratch) {
	clear(sc.resource)
	clear(sc.resourceHas)
	for name, v := range attrs.All() {
		i := s.resources.Index(name)
		if i < 0 {
			continue
		}
		k := &s.resourceInfo[i]
		if !sc.resourceHas[k.slot] {
			sc.resourceHas[k.slot], sc.resourceValues[k.slot] = true, v
			hold(k.conditions, v, sc.resource)
		}
	}
}

// Scope takes in the instrumentation scope of the spans that follow, one of the resource taken in last.
func (s *Set) Scope(name string, sc *Scratch) {
	for kind, base := range sc.base {
		copy(base, sc.resource)
		if kind < kinds {
			for w, bits := range s.kinds[kind] {
				base[w] |= bits
			}
		}
	}
	for i := range s.scopes {
		if s.scopes[i].Matches(name) {
			for _, base := range sc.base {
				setBit(s.scopes[i].atom, base)
			}
		}
	}
}

// match reads the span in one pass and returns the rules that apply, the most specific first.
func (s *Set) match(span ptrace.Span, sc *Scratch) []int32 {
	sc.Readings.Reset()
	sc.BadSources = sc.BadSources[:0]
	sc.stamp++
	if sc.stamp == 0 { // wrapped around: stamps of old would be taken for this span's
		clear(sc.values)
		clear(sc.hits)
		sc.stamp = 1
	}
	sc.span, sc.name = span, span.Name()
	sc.start, sc.end = span.StartTimestamp(), span.EndTimestamp()
	if sc.DurationMS, sc.Lasting = vocab.Duration(sc.start, sc.end); sc.Lasting != vocab.Lasts {
		sc.DurationMS = -1
	}
	copy(sc.bits, sc.base[min(uint(span.Kind()), kinds)])
	named := s.named(sc)
	for _, a := range named.atoms {
		setBit(a, sc.bits)
	}
	previous := 0
	for name, v := range span.Attributes().All() {
		// Spans of a kind have their attributes in the same order: guess before searching.
		next := &sc.after[previous]
		if next.name != name {
			i := s.keys.Index(name)
			if i < 0 {
				continue
			}
			*next = guess{s.keys.Key(i), i}
		}
		k := &s.keyInfo[next.key]
		previous = next.key + 1
		if k.slot >= 0 {
			if sc.values[k.slot].stamp == sc.stamp {
				continue // the span has the key twice: the first counts, as in every component
			}
			sc.values[k.slot] = stampedValue{sc.stamp, v}
		}
		if k.canonical >= 0 {
			sc.Read(k.canonical, v)
		}
		if len(k.conditions) > 0 {
			hold(k.conditions, v, sc.bits)
		}
	}
	if events := span.Events(); events.Len() > 0 {
		s.matchEvents(events, sc)
	}
	// Spans of a name nearly always fulfil the same conditions, so the same rules apply.
	if !slices.Equal(named.bits, sc.bits) {
		named.bits = append(named.bits[:0], sc.bits...)
		named.rules = s.applicable(sc.bits, named.rules[:0])
	}
	return named.rules
}

func (s *Set) matchEvents(events ptrace.SpanEventSlice, sc *Scratch) {
	for i := range events.Len() {
		e := events.At(i)
		j := s.events.Index(e.Name())
		if j < 0 {
			continue
		}
		h := &sc.hits[j]
		if h.stamp == sc.stamp {
			h.count++
			continue
		}
		*h = stampedEvent{sc.stamp, 1, e}
		for _, a := range s.eventInfo[j].atoms {
			setBit(a, sc.bits)
		}
	}
}

func hold(conditions []keyCondition, v pcommon.Value, bits []uint64) {
	for i := range conditions {
		if conditions[i].Holds(v) {
			setBit(conditions[i].atom, bits)
		}
	}
}

func setBit(a atom, bits []uint64) { bits[a/64] |= 1 << (a % 64) }

// applicable appends the rules whose every condition holds, the most specific first.
func (s *Set) applicable(bits []uint64, rules []int32) []int32 {
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
