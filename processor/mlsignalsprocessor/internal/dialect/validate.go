package dialect

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/pattern"
)

// Kinds lists the span kinds that a match can name, in the order of OTLP's enumeration.
var Kinds = []string{"unspecified", "internal", "server", "client", "producer", "consumer"}

// The relations of a join.
const (
	Parent  = "parent"
	Sibling = "sibling"
	// Resource: the two spans are of one resource, as far as an attribute of it tells.
	Resource = "resource"
)

// Which calls of a model are attempts at the same.
const (
	// FailedSiblings: the span is a call of a model. Calls of the same under the
	// same parent that failed right before it were the attempts before.
	FailedSiblings = "failed_siblings"
	// ChildCalls: the span asks until the answer is valid. Each call of a model below it is an attempt.
	ChildCalls = "child_calls"
)

// NoDialect is what the telemetry says of spans that no dialect recognises.
const NoDialect = "none"

// Problems are the mistakes in the dialect, each with the rule, the key, the
// value found and what is allowed. A method Validate the collector would call
// by itself, and so tell every mistake twice.
func (d *Dialect) Problems() []error {
	var errs []error
	if d.Name == "" {
		errs = append(errs, errors.New("name: must not be empty; give the dialect a short name such as my_server"))
	}
	if d.Name == NoDialect {
		errs = append(errs, fmt.Errorf("name: %q is what the telemetry says of spans that no dialect recognises; choose another name", d.Name))
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
		for _, err := range r.problems(d) {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
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
		errs = append(errs, fmt.Errorf("stage: %q is not a stage; use one of %s", r.Stage, strings.Join(vocab.Stages, ", ")))
	}
	if r.StageFrom != nil {
		if r.Stage != "" {
			errs = append(errs, errors.New("stage_from: set either stage or stage_from, not both"))
		}
		errs = append(errs, prefixed("stage_from", r.StageFrom.problems())...)
	}
	errs = append(errs, setProblems(r.Set, nil)...)
	for i, s := range r.Signals {
		if !slices.Contains(vocab.Signals, vocab.SignalPrefix+s) {
			errs = append(errs, fmt.Errorf("signals[%d]: %q is not a signal; use one of %s", i, s, strings.Join(signalNames(), ", ")))
		}
	}
	if i := slices.Index(r.Signals, "cold_start"); i >= 0 && r.ColdStart != nil {
		errs = append(errs, fmt.Errorf("signals[%d]: cold_start would take the place of the rule's cold_start, with its component and duration; remove it", i))
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
			errs = append(errs, fmt.Errorf("join: without a set it puts the wait of one span beside the compute of the other, and no rule of this dialect gives these spans either; "+
				"give the join a set, or the rule one of %s or %s. Where another dialect sets it, set it here too; "+
				"where the span has it already, match attributes: {%[1]s: \"*\"}", vocab.QueueWait, vocab.ForwardPass))
		}
	}
	if r.Attempts != "" && r.Attempts != FailedSiblings && r.Attempts != ChildCalls {
		errs = append(errs, fmt.Errorf("attempts: %q is not known; use %s or %s", r.Attempts, FailedSiblings, ChildCalls))
	}
	derives := r.Attempts != "" || r.Stage != "" || r.StageFrom != nil || len(r.Set) > 0 || len(r.Signals) > 0 || r.ColdStart != nil || r.Join != nil || r.Lookup != ""
	if r.LeaveAlone && derives {
		errs = append(errs, errors.New("leave_alone: has nothing beside it but name and match; remove it, or what the rule derives"))
	}
	if !r.LeaveAlone && !derives {
		errs = append(errs, errors.New("the rule derives nothing; give it a stage, set, signals, cold_start, attempts, join or lookup, or leave_alone: true"))
	}
	return errs
}

func (j *Join) problems() []error {
	var errs []error
	if j.Relation != Parent && j.Relation != Sibling && j.Relation != Resource {
		errs = append(errs, fmt.Errorf("relation: %q is not known; use parent, sibling or resource", j.Relation))
	}
	if (j.Relation == Resource) != (j.SameResourceAttribute != "") {
		errs = append(errs, errors.New("same_resource_attribute: belongs to relation: resource; give both or neither"))
	}
	if err := exactName(j.SameResourceAttribute); j.SameResourceAttribute != "" && err != nil {
		errs = append(errs, fmt.Errorf("same_resource_attribute: %w", err))
	}
	if j.OneColdStart && len(j.Set) > 0 {
		errs = append(errs, errors.New("one_cold_start: has no set beside it; remove one of them"))
	}
	if j.After && j.Relation != Sibling {
		errs = append(errs, errors.New("after: only siblings can follow one another; remove it or set relation: sibling"))
	}
	errs = append(errs, prefixed("match", j.Match.problems())...)
	if err := j.Match.tooWide("the join"); err != nil {
		errs = append(errs, fmt.Errorf("match: %w", err))
	}
	errs = append(errs, setProblems(j.Set, j)...)
	return append(errs, j.timePointProblems()...)
}

// timePointProblems tells where more moments of one span are asked for than a join keeps.
func (j *Join) timePointProblems() []error {
	seen := map[TimePoint]bool{}
	var names [2][]string // of this span, of the other one
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
	for _, moments := range names {
		if len(moments) > MaxTimePoints {
			errs = append(errs, fmt.Errorf("set: found %d moments of one span (%s), at most %d are kept; "+
				"leave some out, or set them in a second rule with a join of its own", len(moments), strings.Join(moments, ", "), MaxTimePoints))
		}
	}
	return errs
}

func (s *Assignment) problems(join *Join) []error {
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
	errs := s.Source.problems(a, join != nil)
	if join != nil {
		errs = append(errs, orderProblems(s.Gap, join)...)
	}
	return errs
}

// setProblems are those of each entry, and of entries that come behind a constant for the same attribute.
func setProblems(sets []Assignment, join *Join) []error {
	var errs []error
	constant := map[string]int{}
	for i := range sets {
		at := fmt.Sprintf("set[%d]", i)
		errs = append(errs, prefixed(at, sets[i].problems(join))...)
		if first, ok := constant[sets[i].To]; ok {
			errs = append(errs, fmt.Errorf("%s: is never reached, because set[%d] has a constant for %s; put the constant last", at, first, sets[i].To))
		} else if sets[i].Value != nil {
			constant[sets[i].To] = i
		}
	}
	return errs
}

// gives tells whether spans that fulfil a match can have an attribute, by a rule that finds or sets it.
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

// finds tells whether spans that fulfil the match can have an attribute by that.
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
			errs = append(errs, fmt.Errorf("words: %s: %q is not a stage; use one of %s", word, stage, strings.Join(vocab.Stages, ", ")))
		}
		switch parts := slices.Collect(pattern.Words(word)); {
		case len(parts) == 0:
			errs = append(errs, fmt.Errorf("words: %q has no letter of a to z and no digit, so no name has it as a word; remove it", word))
		case len(parts) > 1 || parts[0] != word:
			errs = append(errs, fmt.Errorf("words: %q is never found, because names are put in lower case and taken apart at all but a to z and 0 to 9; write %s",
				word, strings.Join(parts, " or ")))
		}
	}
	return errs
}

// tooWide tells why the conditions are not enough for a rule or a join, nil where they are.
func (m *Match) tooWide(of string) error {
	const add = "span_names, any_spelling, scopes, attributes, attribute_patterns, any_attribute, any_of, resource_attributes or events"
	switch {
	case len(m.SpanNames)+len(m.AnySpelling)+len(m.Scopes)+len(m.Attributes)+len(m.AttributePatterns)+len(m.AnyAttribute)+len(m.AnyOf)+len(m.ResourceAttributes)+len(m.Events) > 0:
		return nil
	case len(m.Kinds) > 0:
		return fmt.Errorf("kinds alone is not enough, %s would apply to every span of kind %s; add %s", of, strings.Join(m.Kinds, ", "), add)
	default:
		return fmt.Errorf("must have at least one condition, or %s would apply to every span; give %s", of, add)
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
			errs = append(errs, fmt.Errorf("any_spelling[%d]: found %q, must be a name of letters, digits and what separates words, %d bytes at most, without a *", i, name, pattern.MaxFold))
		}
	}
	for i, scope := range m.Scopes {
		if _, err := pattern.Parse(scope); err != nil {
			errs = append(errs, fmt.Errorf("scopes[%d]: %w", i, err))
		}
	}
	for i, kind := range m.Kinds {
		if !slices.Contains(Kinds, kind) {
			errs = append(errs, fmt.Errorf("kinds[%d]: %q is not a span kind; use one of %s", i, kind, strings.Join(Kinds, ", ")))
		}
	}
	errs = append(errs, conditionProblems("attributes", m.Attributes)...)
	for _, key := range slices.Sorted(maps.Keys(m.AttributePatterns)) {
		if err := exactName(key); err != nil {
			errs = append(errs, fmt.Errorf("attribute_patterns: %w", err))
		}
		if len(m.AttributePatterns[key]) == 0 {
			errs = append(errs, fmt.Errorf("attribute_patterns: %s: the list is empty; give patterns such as \"*Model\"", key))
		}
		for i, text := range m.AttributePatterns[key] {
			if _, err := pattern.Parse(text); err != nil {
				errs = append(errs, fmt.Errorf("attribute_patterns: %s[%d]: %w", key, i, err))
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
			errs = append(errs, fmt.Errorf("without[%d]: %s is asked for too, so the rule would never apply; remove one of the two", i, key))
		}
	}
	errs = append(errs, conditionProblems("any_of", m.AnyOf)...)
	if len(m.AnyOf) == 1 {
		errs = append(errs, errors.New("any_of: has one condition; give another one, or write attributes"))
	}
	errs = append(errs, conditionProblems("resource_attributes", m.ResourceAttributes)...)
	for i, name := range m.Events {
		if err := exactName(name); err != nil {
			errs = append(errs, fmt.Errorf("events[%d]: %w", i, err))
		}
	}
	errs = append(errs, conditionProblems("event_attributes", m.EventAttributes)...)
	if len(m.EventAttributes) > 0 && len(m.Events) == 0 {
		errs = append(errs, errors.New("event_attributes: needs events, the names of the events that must have them"))
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
			errs = append(errs, fmt.Errorf("%s: %s: %w", at, key, err))
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
		names[i] = vocab.SignalName(s)
	}
	return names
}
