package rules

import (
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Resource takes in the resource of the spans that follow.
func (s *Set) Resource(attrs pcommon.Map, sc *Scratch) {
	clear(sc.scope)
	clear(sc.resourceHas)
	sc.scopeRules = sc.scopeRules[:0]
	for name, v := range attrs.All() {
		i := s.resources.Index(name)
		if i < 0 {
			continue
		}
		k := &s.resourceInfo[i]
		if !sc.resourceHas[k.slot] {
			sc.resourceHas[k.slot], sc.resourceValues[k.slot] = true, v
			s.hold(k.conditions, v, sc.scope, &sc.scopeRules)
		}
	}
}

// Scope takes in the instrumentation scope of the spans that follow. Call
// Resource before, for each scope anew.
func (s *Set) Scope(name string, sc *Scratch) {
	for i := range s.scopes {
		if s.scopes[i].Matches(name) {
			s.setBit(s.scopes[i].atom, sc.scope, &sc.scopeRules)
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
	sc.DurationMS = durationMS(span)
	copy(sc.bits, sc.scope)
	if kind := int(span.Kind()); kind >= 0 && kind < len(s.kinds) {
		for w, bits := range s.kinds[kind] {
			sc.bits[w] |= bits
		}
	}
	sc.candidates = append(sc.candidates[:0], sc.scopeRules...)

	for _, a := range s.named(sc).atoms {
		s.setBit(a, sc.bits, &sc.candidates)
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
		if k.canonical >= 0 {
			sc.Read(k.canonical, v)
		}
		if k.slot >= 0 && sc.values[k.slot].stamp != sc.stamp {
			sc.values[k.slot] = stampedValue{sc.stamp, v}
		}
		if len(k.conditions) > 0 {
			s.hold(k.conditions, v, sc.bits, &sc.candidates)
		}
	}
	s.matchEvents(sc)
	return s.applicable(sc)
}

func (s *Set) matchEvents(sc *Scratch) {
	events := sc.span.Events()
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
			s.setBit(a, sc.bits, &sc.candidates)
		}
	}
}

func (s *Set) hold(conditions []keyCondition, v pcommon.Value, bits []uint64, triggered *[]int32) {
	for i := range conditions {
		if conditions[i].Holds(v) {
			s.setBit(conditions[i].atom, bits, triggered)
		}
	}
}

// setBit sets an atom and triggers its rules, the first time only.
func (s *Set) setBit(a atom, bits []uint64, triggered *[]int32) {
	word, bit := &bits[a/64], uint64(1)<<(a%64)
	if *word&bit != 0 {
		return
	}
	*word |= bit
	*triggered = append(*triggered, s.triggers[a]...)
}

// applicable keeps the candidates whose every condition holds.
func (s *Set) applicable(sc *Scratch) []int32 {
	kept := sc.candidates[:0]
	for _, i := range sc.candidates {
		if holds(s.rules[i].need, sc.bits) {
			kept = append(kept, i)
		}
	}
	if len(kept) > 1 {
		slices.Sort(kept)
	}
	sc.candidates = kept
	return kept
}

func holds(need, bits []uint64) bool {
	for w, n := range need {
		if n&^bits[w] != 0 {
			return false
		}
	}
	return true
}
