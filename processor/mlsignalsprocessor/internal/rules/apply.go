package rules

import (
	"slices"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/lookup"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// None is the dialect of a span that no rule recognises.
const None = -1

// The values of Outcome.Attempts, as in package dialect; 0 if no rule has one.
const (
	FailedSiblings = 1 + iota
	ChildCalls
)

// Outcome is the result of the rules for a span beside its readings.
type Outcome struct {
	// Dialect is the position of the most specific dialect that recognises the span, or None.
	Dialect int
	// Signals are the signals that rules set.
	Signals values.Set
	// WaitOnly reports whether the forward pass that belongs to the span's wait is on another span.
	WaitOnly bool
	// Attempts is dialect.Rule.Attempts as a number.
	Attempts uint8
	// MarkedElsewhere: the cold start is marked on another span.
	MarkedElsewhere bool
	// Cold reports whether the span loads a component.
	Cold bool
	// Component is what was loaded.
	Component string
	// Instance identifies the process that loaded it, if the rule reads that from the span.
	Instance string
	// ReloadUnknown reports whether the span does not show if this is a reload.
	ReloadUnknown bool
	// ColdMS is the duration of the load in ms.
	ColdMS float64
	// Joins are the joins that the span takes part in.
	Joins []*joinSide
	// Call reports whether the span is a call of a model. ByCall has the attributes that rules for calls derived.
	Call   bool
	ByCall values.Set
	// Lookup is the kind of store that the span reads, None if no rule has one.
	Lookup lookup.Kind
}

// Apply finds the rules for a span and fills its readings. The outcome is
// valid until the next call with the same Scratch and Outcome.
func (s *Compiled) Apply(span ptrace.Span, sc *Scratch, out *Outcome) {
	*out = Outcome{Dialect: None, Joins: out.Joins[:0]}
	for _, i := range s.match(span, sc) {
		r := &s.rules[i]
		if r.leave {
			if out.Dialect == None {
				out.Dialect = r.dialect
			}
			return
		}
		if r.join != nil {
			out.Joins = append(out.Joins, r.join)
		}
		if out.Lookup == lookup.None {
			out.Lookup = r.lookup
		}
		if (r.join != nil && r.join.other || r.lookup != lookup.None) && len(r.sets) == 0 && r.stage == "" {
			continue // lookups and the other side of a join do not count as recognised
		}
		if out.Dialect == None {
			out.Dialect = r.dialect
		}
		if !r.call {
			s.applyRule(r, sc, out)
			continue
		}
		before := sc.Derived
		s.applyRule(r, sc, out)
		out.Call = true
		out.ByCall = out.ByCall.Or(sc.Derived.Without(before))
	}
}

func (s *Compiled) applyRule(r *rule, sc *Scratch, out *Outcome) {
	if r.stage != "" {
		sc.FillText(values.Stage, r.stage)
	} else if r.stageFrom != nil {
		if stage := r.stageFrom.stage(sc); stage != "" {
			sc.FillText(values.Stage, stage)
		}
	}
	for i := range r.sets {
		r.sets[i].apply(sc)
	}
	out.Signals = out.Signals.Or(r.signals)
	out.WaitOnly = out.WaitOnly || r.waitOnly
	out.Attempts = max(out.Attempts, r.attempts)
	if r.cold != nil && !out.Cold {
		r.cold.apply(sc, out)
	}
}

func (s *setter) apply(sc *Scratch) {
	a := &vocab.Attributes[s.target]
	if !sc.Missing(s.target) && !(a.Type == vocab.String && sc.hasEmpty(s.target)) || !s.holds(sc) {
		return
	}
	switch a.Type {
	case vocab.String:
		if v, ok := s.value(sc); ok {
			if text := s.text(v); text != "" && !slices.Contains(s.texts, text) {
				sc.ReplaceText(s.target, text)
			}
		}
	case vocab.Bool:
		if v, ok := s.value(sc); ok {
			if b, readable := vocab.ReadBool(v); readable {
				sc.FillBool(s.target, b)
			} else {
				sc.bad(&s.source)
			}
		}
	default:
		f, got := s.numeric(sc)
		if got == invalid || got == found && !fitsType(a, f) {
			sc.bad(&s.source)
		} else if got == found {
			sc.Fill(s.target, f)
		}
	}
}

// hasEmpty reports whether the span has a string without a text under the key.
func (sc *Scratch) hasEmpty(i int) bool {
	return sc.Known.Has(i) && !sc.Derived.Has(i) && sc.TextOf(i, sc.span.Attributes()) == ""
}

// fitsType reports whether a number can be the attribute's value.
func fitsType(a *vocab.Attribute, f float64) bool {
	return a.InRange(f) && (a.Type != vocab.Int || f == float64(int64(f)))
}

// bad records the key of an invalid value, once per span and key.
func (sc *Scratch) bad(s *source) {
	key := s.key
	if key == "" {
		return // a gap that ends before it starts has no key
	}
	for _, k := range sc.BadSources {
		if k == key {
			return
		}
	}
	sc.BadSources = append(sc.BadSources, key)
}

func (c *coldStart) apply(sc *Scratch, out *Outcome) {
	ms := sc.DurationMS
	if c.duration != nil {
		switch f, got := c.duration.numeric(sc); {
		case got == invalid || got == found && f > vocab.LongestMS:
			sc.bad(c.duration)
		case got == found:
			ms = f
		}
	}
	if ms < 0 || ms < c.minMS {
		return
	}
	out.Cold, out.ColdMS, out.Component = true, ms, c.component
	if c.from >= 0 {
		if v, ok := sc.attribute(c.from); ok {
			out.Component = v.AsString()
		}
	}
	if out.Component == "" {
		out.Component = sc.name
	}
	for _, slot := range c.instance {
		if v, ok := sc.attribute(slot); ok && out.Instance == "" {
			out.Instance = v.AsString()
		}
	}
	out.ReloadUnknown = c.reloadUnknown || len(c.instance) > 0 && out.Instance == ""
}
