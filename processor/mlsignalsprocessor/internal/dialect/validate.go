package dialect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Kinds lists the span kinds that a match can name, in the order of OTLP's enumeration.
var Kinds = []string{"unspecified", "internal", "server", "client", "producer", "consumer"}

// Units lists the units that a source can name.
var Units = []string{"ns", "us", "ms", "s", "duration"}

// The relations of a join.
const (
	Parent  = "parent"
	Sibling = "sibling"
)

// Check tells everything that is wrong with the dialect, each with the rule, the
// key, the value found and what is allowed. Under the name Validate the collector
// would call it once more, and tell every mistake twice.
func (d *Dialect) Check() error {
	var errs []error
	if d.Name == "" {
		errs = append(errs, errors.New("name: must not be empty; give the dialect a short name such as my_server"))
	}
	if len(d.Rules) == 0 {
		errs = append(errs, errors.New("rules: must have at least one rule"))
	}
	seen := map[string]bool{}
	for i := range d.Rules {
		r := &d.Rules[i]
		at := fmt.Sprintf("rules[%d] (%s)", i, r.Name)
		if r.Name == "" {
			at = fmt.Sprintf("rules[%d]", i)
			errs = append(errs, fmt.Errorf("%s: name: must not be empty", at))
		} else if seen[r.Name] {
			errs = append(errs, fmt.Errorf("%s: name: %q stands twice in this dialect; every rule needs its own", at, r.Name))
		}
		seen[r.Name] = true
		for _, err := range r.problems() {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
	}
	return errors.Join(errs...)
}

func (r *Rule) problems() []error {
	var errs []error
	errs = append(errs, prefixed("match", r.Match.problems())...)
	if r.Match.empty() {
		errs = append(errs, errors.New("match: must have at least one condition, or the rule would apply to every span"))
	}
	if r.Stage != "" && !slices.Contains(vocab.Stages, r.Stage) {
		errs = append(errs, fmt.Errorf("stage: %q is not a stage; use one of %s", r.Stage, strings.Join(vocab.Stages, ", ")))
	}
	if r.StageFrom != nil {
		if r.Stage != "" {
			errs = append(errs, errors.New("stage_from: set either stage or stage_from, not both"))
		}
		for word, stage := range r.StageFrom.Words {
			if !slices.Contains(vocab.Stages, stage) {
				errs = append(errs, fmt.Errorf("stage_from: words: %s: %q is not a stage; use one of %s", word, stage, strings.Join(vocab.Stages, ", ")))
			}
		}
	}
	for i := range r.Set {
		errs = append(errs, prefixed(fmt.Sprintf("set[%d]", i), r.Set[i].problems(false))...)
	}
	for i, s := range r.Signals {
		if !slices.Contains(vocab.Signals, vocab.SignalPrefix+s) {
			errs = append(errs, fmt.Errorf("signals[%d]: %q is not a signal; use one of %s", i, s, strings.Join(signalNames(), ", ")))
		}
	}
	if c := r.ColdStart; c != nil {
		if c.Component != "" && c.ComponentFrom != "" {
			errs = append(errs, errors.New("cold_start: set either component or component_from, not both"))
		}
		if !(c.MinMS >= 0) {
			errs = append(errs, fmt.Errorf("cold_start: min_ms: found %v, must be 0 or more milliseconds", c.MinMS))
		}
		if c.Duration != nil {
			errs = append(errs, prefixed("cold_start: duration", c.Duration.problems(vocab.Lookup(vocab.ColdStartDuration), false))...)
		}
	}
	if r.Join != nil {
		errs = append(errs, prefixed("join", r.Join.problems())...)
	}
	if r.Stage == "" && r.StageFrom == nil && len(r.Set) == 0 && len(r.Signals) == 0 && r.ColdStart == nil && r.Join == nil {
		errs = append(errs, errors.New("the rule derives nothing; give it a stage, set, signals, cold_start or join"))
	}
	return errs
}

func (j *Join) problems() []error {
	var errs []error
	if j.Relation != Parent && j.Relation != Sibling {
		errs = append(errs, fmt.Errorf("relation: %q is not known; use parent or sibling", j.Relation))
	}
	if j.After && j.Relation != Sibling {
		errs = append(errs, errors.New("after: only siblings can follow one another; remove it or set relation: sibling"))
	}
	errs = append(errs, prefixed("match", j.Match.problems())...)
	if j.Match.empty() {
		errs = append(errs, errors.New("match: must have at least one condition for the other span"))
	}
	for i := range j.Set {
		at := fmt.Sprintf("set[%d]", i)
		errs = append(errs, prefixed(at, j.Set[i].problems(true))...)
		if len(j.Set[i].Gap) == 0 && j.Set[i].Value == nil {
			errs = append(errs, fmt.Errorf("%s: a join can set a gap or a value only, because one of the spans is gone by then", at))
		}
	}
	return errs
}

func (s *Set) problems(joined bool) []error {
	a := vocab.Lookup(s.To)
	if a == nil {
		return []error{fmt.Errorf("to: %q is not in the vocabulary; see docs/vocabulary.md for the attributes that can be set", s.To)}
	}
	if a.Key == vocab.Stage {
		return []error{fmt.Errorf("to: use the rule's stage instead of setting %s", vocab.Stage)}
	}
	if strings.HasPrefix(a.Key, vocab.SignalPrefix) {
		return []error{fmt.Errorf("to: use the rule's signals instead of setting %s", a.Key)}
	}
	return s.Source.problems(a, joined)
}

func (s *Source) problems(to *vocab.Attribute, joined bool) []error {
	var errs []error
	kinds := 0
	for _, set := range []bool{s.Attribute != "", s.ResourceAttribute != "", s.CountEvents != "", s.SpanDuration, len(s.Gap) > 0, s.Value != nil} {
		if set {
			kinds++
		}
	}
	if kinds != 1 {
		errs = append(errs, fmt.Errorf("has %d sources; give exactly one of attribute, resource_attribute, count_events, span_duration, gap, value", kinds))
	}
	if s.Event != "" && s.Attribute == "" {
		errs = append(errs, errors.New("event: needs attribute, the key to read of the event"))
	}
	for i, u := range s.Units {
		if !slices.Contains(Units, u) {
			errs = append(errs, fmt.Errorf("units[%d]: %q is not known; use one of %s", i, u, strings.Join(Units, ", ")))
		}
	}
	if len(s.Units) > 0 && s.Attribute == "" && s.ResourceAttribute == "" {
		errs = append(errs, errors.New("units: only an attribute has units; durations and gaps are taken in ms"))
	}
	if strings.HasSuffix(to.Key, "_ms") && len(s.Units) == 0 && (s.Attribute != "" || s.ResourceAttribute != "") {
		errs = append(errs, fmt.Errorf("units: missing, but %s is a duration; say in which unit the attribute is: %s", to.Key, strings.Join(Units, ", ")))
	}
	if s.Minus != "" && s.Attribute == "" {
		errs = append(errs, errors.New("minus: needs attribute, the key to subtract from"))
	}
	if to.Type != vocab.Int && to.Type != vocab.Double && (len(s.Units) > 0 || s.Minus != "" || s.Plus != 0 || len(s.Unknown) > 0) {
		errs = append(errs, fmt.Errorf("units, minus, plus and unknown are for numbers, but %s is a %s", to.Key, to.Type))
	}
	if len(s.Gap) > 0 {
		errs = append(errs, gapProblems(s.Gap, joined)...)
	}
	switch s.Value.(type) {
	case nil, string, bool, int, float64:
	default:
		errs = append(errs, fmt.Errorf("value: %v must be a string, a number or a bool", s.Value))
	}
	return errs
}

func gapProblems(gap []string, joined bool) []error {
	if len(gap) != 2 {
		return []error{fmt.Errorf("gap: has %d moments; give two: [from, to]", len(gap))}
	}
	var errs []error
	for i, text := range gap {
		m, err := ParseMoment(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("gap[%d]: %w", i, err))
		} else if m.Other && !joined {
			errs = append(errs, fmt.Errorf("gap[%d]: %q speaks of another span; only the set of a join can", i, text))
		}
	}
	return errs
}

func (m *Match) empty() bool {
	return len(m.SpanNames)+len(m.Scopes)+len(m.Attributes)+len(m.AnyAttribute)+len(m.ResourceAttributes)+len(m.Events) == 0
}

func (m *Match) problems() []error {
	var errs []error
	for i, name := range m.SpanNames {
		if _, err := ParsePattern(name); err != nil {
			errs = append(errs, fmt.Errorf("span_names[%d]: %w", i, err))
		}
	}
	for i, scope := range m.Scopes {
		if _, err := ParsePattern(scope); err != nil {
			errs = append(errs, fmt.Errorf("scopes[%d]: %w", i, err))
		}
	}
	for i, kind := range m.Kinds {
		if !slices.Contains(Kinds, kind) {
			errs = append(errs, fmt.Errorf("kinds[%d]: %q is not a span kind; use one of %s", i, kind, strings.Join(Kinds, ", ")))
		}
	}
	for key, want := range m.Attributes {
		if _, err := ParseCondition(want); err != nil {
			errs = append(errs, fmt.Errorf("attributes: %s: %w", key, err))
		}
	}
	for key, want := range m.ResourceAttributes {
		if _, err := ParseCondition(want); err != nil {
			errs = append(errs, fmt.Errorf("resource_attributes: %s: %w", key, err))
		}
	}
	return errs
}

func prefixed(at string, errs []error) []error {
	for i, err := range errs {
		errs[i] = fmt.Errorf("%s: %w", at, err)
	}
	return errs
}

func signalNames() []string {
	names := make([]string, len(vocab.Signals))
	for i, s := range vocab.Signals {
		names[i] = strings.TrimPrefix(s, vocab.SignalPrefix)
	}
	return names
}
