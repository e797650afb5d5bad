package dialect

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
	"github.com/otelcol-ml/otelcol-ml/internal/suggest"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/pattern"
)

// Kinds lists the span kinds, in the order of their numbers in OTLP.
var Kinds = []string{"unspecified", "internal", "server", "client", "producer", "consumer"}

// The values of Join.Relation.
const (
	Parent  = "parent"
	Sibling = "sibling"
	// Resource: the resources of both spans have the same value of an attribute.
	Resource = "resource"
)

// The values of Rule.Attempts.
const (
	// FailedSiblings: the span is a call of a model. Calls of the same model under
	// the same parent that failed directly before it are its earlier attempts.
	FailedSiblings = "failed_siblings"
	// ChildCalls: the span repeats a call until the answer is valid. Each call of a model below it is an attempt.
	ChildCalls = "child_calls"
)

// NoDialect is the value of the label dialect, in the telemetry, for spans that no dialect recognises.
const NoDialect = "none"

// Problems returns the mistakes in the dialect, each with the rule, the key, the
// value found and what is allowed. It is not named Validate because the
// collector would call that method too, and report every mistake twice.
func (d *Dialect) Problems() []error {
	var errs []error
	if d.Name == "" {
		errs = append(errs, errors.New("name: found no value, must be a short name such as my_server"))
	}
	if d.Name == NoDialect {
		errs = append(errs, fmt.Errorf("name: found %q, must be another name: the telemetry uses it for spans that no dialect recognises", d.Name))
	}
	if len(d.Rules) == 0 {
		errs = append(errs, errors.New("rules: found no rules, must have at least one"))
	}
	seen := map[string]bool{}
	for i := range d.Rules {
		r := &d.Rules[i]
		at := fmt.Sprintf("rules[%d] (%s)", i, r.Name)
		if r.Name == "" {
			at = fmt.Sprintf("rules[%d]", i)
			errs = append(errs, fmt.Errorf("%s::name: found no value, must be a name", at))
		} else if seen[r.Name] {
			errs = append(errs, fmt.Errorf("%s::name: found %q twice in this dialect, must be unique; choose another name", at, r.Name))
		}
		seen[r.Name] = true
		for _, err := range r.problems(d) {
			errs = append(errs, knownkeys.Under(at, err))
		}
	}
	return errs
}

func (r *Rule) problems(d *Dialect) []error {
	var errs []error
	errs = append(errs, prefixed("match", r.Match.problems())...)
	if err := r.Match.tooWide("the rule"); err != nil {
		errs = append(errs, fmt.Errorf("match: %w", err))
	}
	if r.Stage != "" && !slices.Contains(vocab.Stages, r.Stage) {
		errs = append(errs, errors.New("stage: "+suggest.OneOf(r.Stage, vocab.Stages)))
	}
	if r.StageFrom != nil {
		if r.Stage != "" {
			errs = append(errs, errors.New("stage_from: found beside stage, must be the only one of the two; remove one"))
		}
		errs = append(errs, prefixed("stage_from", r.StageFrom.problems())...)
	}
	errs = append(errs, setProblems(r.Set, nil)...)
	for i, s := range r.Signals {
		if !slices.Contains(vocab.Signals, vocab.SignalPrefix+s) {
			errs = append(errs, fmt.Errorf("signals[%d]: %s", i, suggest.OneOf(s, signalNames())))
		}
	}
	if i := slices.Index(r.Signals, "cold_start"); i >= 0 && r.ColdStart != nil {
		errs = append(errs, fmt.Errorf("signals[%d]: found cold_start, must not be beside the rule's cold_start, which also sets component and duration; remove it", i))
	}
	if r.Lookup != "" && r.Lookup != CacheLookup && r.Lookup != DatabaseLookup {
		errs = append(errs, fmt.Errorf("lookup: found %q, must be %s or %s", r.Lookup, CacheLookup, DatabaseLookup))
	}
	if r.ColdStart != nil {
		errs = append(errs, prefixed("cold_start", r.ColdStart.problems())...)
	}
	if r.Join != nil {
		errs = append(errs, prefixed("join", r.Join.problems())...)
		if len(r.Join.Set) == 0 && !r.Join.OneColdStart && !d.gives(vocab.QueueWait, &r.Match) && !d.gives(vocab.ForwardPass, &r.Match) {
			errs = append(errs, fmt.Errorf("join: found no set, must have one, or a rule that sets %s on one span and %s on the other; "+
				"write a set for the join or for the rules, also where another dialect sets it. "+
				"If the span has the attribute already, match attributes: {%[1]s: \"*\"}", vocab.QueueWait, vocab.ForwardPass))
		}
	}
	if r.Attempts != "" && r.Attempts != FailedSiblings && r.Attempts != ChildCalls {
		errs = append(errs, fmt.Errorf("attempts: found %q, must be %s or %s", r.Attempts, FailedSiblings, ChildCalls))
	}
	derives := r.Attempts != "" || r.Stage != "" || r.StageFrom != nil || len(r.Set) > 0 || len(r.Signals) > 0 || r.ColdStart != nil || r.Join != nil || r.Lookup != ""
	if r.LeaveAlone && derives {
		errs = append(errs, errors.New("leave_alone: found beside settings that derive something, must be with name and match only; remove it or the others"))
	}
	if !r.LeaveAlone && !derives {
		errs = append(errs, errors.New("found a rule that derives nothing, must have stage, set, signals, cold_start, attempts, join or lookup, or leave_alone: true"))
	}
	return errs
}

func (j *Join) problems() []error {
	var errs []error
	if j.Relation != Parent && j.Relation != Sibling && j.Relation != Resource {
		errs = append(errs, fmt.Errorf("relation: found %q, must be parent, sibling or resource", j.Relation))
	}
	if (j.Relation == Resource) != (j.SameResourceAttribute != "") {
		errs = append(errs, errors.New("same_resource_attribute: found one without the other, must be together with relation: resource; write both or neither"))
	}
	if err := exactName(j.SameResourceAttribute); j.SameResourceAttribute != "" && err != nil {
		errs = append(errs, fmt.Errorf("same_resource_attribute: %w", err))
	}
	if j.OneColdStart && len(j.Set) > 0 {
		errs = append(errs, errors.New("one_cold_start: found beside set, must be without it; remove one of the two"))
	}
	if j.After && j.Relation != Sibling {
		errs = append(errs, errors.New("after: found with another relation, must be with relation: sibling; remove it or change the relation"))
	}
	errs = append(errs, prefixed("match", j.Match.problems())...)
	if err := j.Match.tooWide("the join"); err != nil {
		errs = append(errs, fmt.Errorf("match: %w", err))
	}
	errs = append(errs, setProblems(j.Set, j)...)
	return append(errs, j.timePointProblems()...)
}

// timePointProblems returns an error for each span of which the join reads more than MaxTimePoints.
func (j *Join) timePointProblems() []error {
	seen := map[TimePoint]bool{}
	var names [2][]string // 0 this span, 1 the other one
	for i := range j.Set {
		for _, text := range j.Set[i].Gap {
			if m, err := ParseTimePoint(text); err == nil && !seen[m] {
				seen[m] = true
				side := 0
				if m.Other {
					side = 1
				}
				names[side] = append(names[side], text)
			}
		}
	}
	var errs []error
	for _, side := range names {
		if len(side) > MaxTimePoints {
			errs = append(errs, fmt.Errorf("set: found %d points in time of one span (%s), must be at most %d; "+
				"leave some out, or add a second rule with its own join", len(side), strings.Join(side, ", "), MaxTimePoints))
		}
	}
	return errs
}

func (s *Assignment) problems(join *Join) []error {
	a := vocab.Lookup(s.To)
	if a == nil {
		return []error{fmt.Errorf("to: found %q, must be an attribute of the vocabulary%s", s.To, cmp.Or(suggest.Hint(s.To, vocab.AttributeKeys()), vocabularyHelp))}
	}
	if a.Key == vocab.Stage {
		return []error{fmt.Errorf("to: found %s, must be another attribute; write the rule's stage instead", vocab.Stage)}
	}
	if strings.HasPrefix(a.Key, vocab.SignalPrefix) {
		return []error{fmt.Errorf("to: found %s, must be another attribute; write the rule's signals instead", a.Key)}
	}
	errs := s.Source.problems(a, join != nil)
	if join != nil {
		errs = append(errs, orderProblems(s.Gap, join)...)
	}
	return errs
}

// setProblems returns the mistakes in each entry, and in entries that follow a constant for the same attribute.
func setProblems(sets []Assignment, join *Join) []error {
	var errs []error
	constant := map[string]int{}
	for i := range sets {
		at := fmt.Sprintf("set[%d]", i)
		errs = append(errs, prefixed(at, sets[i].problems(join))...)
		if first, ok := constant[sets[i].To]; ok {
			errs = append(errs, fmt.Errorf("%s: found after set[%d], a constant for %s, must be before it, or it is never used; put the constant last", at, first, sets[i].To))
		} else if sets[i].Value != nil {
			constant[sets[i].To] = i
		}
	}
	return errs
}

// gives reports whether a rule that matches or sets the attribute can apply to spans that meet the conditions of m.
func (d *Dialect) gives(key string, m *Match) bool {
	return slices.ContainsFunc(d.Rules, func(r Rule) bool {
		joined := r.Join != nil && sets(r.Join.Set, key)
		return r.Match.overlaps(m) && (r.Match.finds(key) || sets(r.Set, key) || joined) ||
			joined && r.Join.Match.overlaps(m)
	})
}

func sets(all []Assignment, key string) bool {
	return slices.ContainsFunc(all, func(s Assignment) bool { return s.To == key })
}

// finds reports whether a condition of the match requires the attribute.
func (m *Match) finds(key string) bool {
	_, asked := m.Attributes[key]
	_, oneOf := m.AnyOf[key]
	if _, like := m.AttributePatterns[key]; like {
		return true
	}
	return asked || oneOf || slices.Contains(m.AnyAttribute, key)
}

func (f *StageFrom) problems() []error {
	var errs []error
	if err := exactName(f.Attribute); f.Attribute != "" && err != nil {
		errs = append(errs, fmt.Errorf("attribute: %w", err))
	}
	for _, word := range slices.Sorted(maps.Keys(f.Words)) {
		if stage := f.Words[word]; !slices.Contains(vocab.Stages, stage) {
			errs = append(errs, fmt.Errorf("words::%s: %s", word, suggest.OneOf(stage, vocab.Stages)))
		}
		switch parts := slices.Collect(pattern.Words(word)); {
		case len(parts) == 0:
			errs = append(errs, fmt.Errorf("words: found %q, must have a letter from a to z or a digit; remove it", word))
		case len(parts) > 1 || parts[0] != word:
			errs = append(errs, fmt.Errorf("words: found %q, must be one word of a to z and 0 to 9; write %s",
				word, strings.Join(parts, " or ")))
		}
	}
	return errs
}

// tooWide returns an error if the conditions do not select spans by anything but their kind.
func (m *Match) tooWide(of string) error {
	const add = "span_names, any_spelling, scopes, attributes, attribute_patterns, any_attribute, any_of, resource_attributes or events"
	switch {
	case len(m.SpanNames)+len(m.AnySpelling)+len(m.Scopes)+len(m.Attributes)+len(m.AttributePatterns)+len(m.AnyAttribute)+len(m.AnyOf)+len(m.ResourceAttributes)+len(m.Events) > 0:
		return nil
	case len(m.Kinds) > 0:
		return fmt.Errorf("found kinds only, must have another condition, or %s would apply to every span of kind %s; add %s", of, strings.Join(m.Kinds, ", "), add)
	default:
		return fmt.Errorf("found no condition, must have at least one, or %s would apply to every span; write %s", of, add)
	}
}

func (m *Match) problems() []error {
	var errs []error
	for i, name := range m.SpanNames {
		if _, err := pattern.Parse(name); err != nil {
			errs = append(errs, fmt.Errorf("span_names[%d]: %w", i, err))
		}
	}
	for i, name := range m.AnySpelling {
		if _, ok := pattern.Fold(nil, name); !ok {
			errs = append(errs, fmt.Errorf("any_spelling[%d]: found %q, must be a name of letters, digits and word separators, at most %d bytes, without a *", i, name, pattern.MaxFold))
		}
	}
	for i, scope := range m.Scopes {
		if _, err := pattern.Parse(scope); err != nil {
			errs = append(errs, fmt.Errorf("scopes[%d]: %w", i, err))
		}
	}
	for i, kind := range m.Kinds {
		if !slices.Contains(Kinds, kind) {
			errs = append(errs, fmt.Errorf("kinds[%d]: %s", i, suggest.OneOf(kind, Kinds)))
		}
	}
	errs = append(errs, conditionProblems("attributes", m.Attributes)...)
	for _, key := range slices.Sorted(maps.Keys(m.AttributePatterns)) {
		if err := exactName(key); err != nil {
			errs = append(errs, fmt.Errorf("attribute_patterns: %w", err))
		}
		if len(m.AttributePatterns[key]) == 0 {
			errs = append(errs, fmt.Errorf("attribute_patterns::%s: found an empty list, must have patterns such as \"*Model\"", key))
		}
		for i, text := range m.AttributePatterns[key] {
			if _, err := pattern.Parse(text); err != nil {
				errs = append(errs, fmt.Errorf("attribute_patterns::%s[%d]: %w", key, i, err))
			}
		}
	}
	for i, key := range m.AnyAttribute {
		if err := exactName(key); err != nil {
			errs = append(errs, fmt.Errorf("any_attribute[%d]: %w", i, err))
		}
	}
	for i, key := range m.Without {
		if err := exactName(key); err != nil {
			errs = append(errs, fmt.Errorf("without[%d]: %w", i, err))
		}
		if m.finds(key) {
			errs = append(errs, fmt.Errorf("without[%d]: found %s, which another condition requires, must be another key, or the rule never applies; remove one of the two", i, key))
		}
	}
	errs = append(errs, conditionProblems("any_of", m.AnyOf)...)
	if len(m.AnyOf) == 1 {
		errs = append(errs, errors.New("any_of: found one condition, must be at least two; add one, or write attributes"))
	}
	errs = append(errs, conditionProblems("resource_attributes", m.ResourceAttributes)...)
	for i, name := range m.Events {
		if err := exactName(name); err != nil {
			errs = append(errs, fmt.Errorf("events[%d]: %w", i, err))
		}
	}
	errs = append(errs, conditionProblems("event_attributes", m.EventAttributes)...)
	if len(m.EventAttributes) > 0 && len(m.Events) == 0 {
		errs = append(errs, errors.New("event_attributes: found without events, must have them beside it; write the names of the events"))
	}
	return errs
}

func conditionProblems(at string, conditions map[string]any) []error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(conditions)) {
		if err := exactName(key); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
		if _, err := ParseCondition(conditions[key]); err != nil {
			errs = append(errs, knownkeys.Under(knownkeys.Below(at, key), err))
		}
	}
	return errs
}

func prefixed(at string, errs []error) []error {
	for i, err := range errs {
		errs[i] = knownkeys.Under(at, err)
	}
	return errs
}

// vocabularyHelp is where the attributes are listed.
const vocabularyHelp = "; see https://github.com/otelcol-ml/otelcol-ml/blob/main/docs/vocabulary.md"

func signalNames() []string {
	names := make([]string, len(vocab.Signals))
	for i, s := range vocab.Signals {
		names[i] = vocab.SignalName(s)
	}
	return names
}
