package dialect

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
	"github.com/otelcol-ml/otelcol-ml/internal/suggest"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Units lists the units of a source. All are units of time.
var Units = []string{"ns", "us", "ms", "s", "duration"}

// scales are the units in which every number from 0 on is valid, the smallest first.
var scales = []string{"us", "ms", "s"}

func isTime(a *vocab.Attribute) bool { return strings.HasSuffix(a.Key, "_ms") }

func isNumber(a *vocab.Attribute) bool { return a.Type == vocab.Int || a.Type == vocab.Double }

// problems returns the mistakes in a source for an attribute. joined reports whether it is in the set of a join.
func (s *Source) problems(to *vocab.Attribute, joined bool) []error {
	errs := s.kindProblems(joined)
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	reads := s.Attribute != "" || s.ResourceAttribute != ""

	for _, key := range []struct{ key, name string }{
		{"attribute", s.Attribute}, {"json", s.JSON}, {"event", s.Event}, {"resource_attribute", s.ResourceAttribute},
		{"count_events", s.CountEvents}, {"minus", s.Minus},
	} {
		if err := exactName(key.name); key.name != "" && err != nil {
			bad("%s: %w", key.key, err)
		}
	}
	if s.Event != "" && s.Attribute == "" {
		bad("event: found without attribute, must have it beside it; write the key to read from the event")
	}
	if s.JSON != "" && s.Attribute == "" {
		bad("json: found without attribute, must have it beside it; write the key of the attribute with the JSON text")
	}
	if s.Attribute == to.Key && s.Event == "" && s.JSON == "" {
		bad("attribute: found %s, must be another key than to: values on the span are never overwritten", to.Key)
	}
	if s.SpanDuration && !isTime(to) {
		bad("span_duration: found for %s, must be for a time in ms; set an attribute that ends in _ms", to.Key)
	}
	if s.CountEvents != "" && to.Type != vocab.Int {
		bad("count_events: found for %s, which is a %s, must be for a count; set an attribute of type int", to.Key, to.Type)
	}
	if len(s.Gap) > 0 {
		errs = append(errs, gapProblems(s.Gap, joined)...)
		if !isTime(to) {
			bad("gap: found for %s, must be for a time in ms; set an attribute that ends in _ms", to.Key)
		}
	}
	if s.Value != nil {
		if err := constantProblem(s.Value, to); err != nil {
			bad("value: %w", err)
		}
	}
	errs = append(errs, conditionProblems("only_if", s.OnlyIf)...)
	if len(s.OnlyIf) > 0 && joined {
		bad("only_if: found in a join, must be outside of it: a join buffers no attributes; move the condition to the match of the rule or the join")
	}
	if len(s.Between) > 0 {
		switch {
		case len(s.Between) != 2 || s.Between[0] == "" || s.Between[1] == "":
			bad("between: found %q, must be two texts, such as [/models/, /]", s.Between)
		case !reads:
			bad("between: found without attribute or resource_attribute, must have one; write the key of the text to cut")
		case to.Type != vocab.String:
			bad("between: found for %s, which is a %s, must be for a text; set an attribute of type string", to.Key, to.Type)
		}
	}
	errs = append(errs, s.unitProblems(to, reads)...)

	if !isNumber(to) && (s.Minus != "" || s.Plus != 0) {
		bad("minus and plus: found for %s, which is a %s, must be for numbers; remove them", to.Key, to.Type)
	}
	if s.Minus != "" && s.Attribute == "" {
		bad("minus: found without attribute, must have it beside it; write the key to subtract from")
	} else if s.Minus != "" && s.Minus == s.Attribute && s.Event == "" {
		bad("minus: found %q, must be another key than attribute", s.Minus)
	}
	if len(s.Values) > 0 && (!reads || len(s.Units) > 0) {
		bad("values: found with units or without an attribute, must be beside attribute or resource_attribute and without units")
	}
	for _, text := range slices.Sorted(maps.Keys(s.Values)) {
		if err := constantProblem(s.Values[text], to); err != nil {
			bad("values::%s: %w", text, err)
		}
	}
	if s.Times != 0 && (!(s.Times > 0) || math.IsInf(s.Times, 0)) {
		bad("times: found %v, must be a finite number above 0", s.Times)
	}
	if s.Times != 0 && (!reads || !isNumber(to) || isTime(to)) {
		bad("times: found for %s, must be for a number in an attribute that is not a time; remove it, or write units", to.Key)
	}
	switch {
	case math.IsNaN(s.Plus) || math.IsInf(s.Plus, 0):
		bad("plus: found %v, must be a finite number", s.Plus)
	case s.Plus != 0 && s.Value != nil:
		bad("plus: found %v, must not be beside value; write the sum as value", s.Plus)
	case to.Type == vocab.Int && s.Plus != math.Trunc(s.Plus):
		bad("plus: found %v, must be a whole number: %s is an int", s.Plus, to.Key)
	}
	for i, v := range s.Unknown {
		text, isText := v.(string)
		_, finite := number(v)
		switch {
		case to.Type == vocab.String && (!isText || text == ""):
			bad("unknown[%d]: found %s, must be a text in quotes: %s is a string", i, knownkeys.Found(v), to.Key)
		case to.Type != vocab.String && !finite:
			bad("unknown[%d]: found %s, must be a finite number", i, knownkeys.Found(v))
		case to.Type == vocab.Bool:
			bad("unknown[%d]: found %s, must be for numbers and texts, but %s is a bool; remove it", i, knownkeys.Found(v), to.Key)
		}
	}
	if len(s.Unknown) > 0 && !reads {
		bad("unknown: found without attribute or resource_attribute, must have one of them; remove it")
	}
	return errs
}

func (s *Source) kindProblems(joined bool) []error {
	read := []bool{s.Attribute != "", s.ResourceAttribute != "", s.CountEvents != "", s.SpanDuration}
	kinds := 0
	for _, given := range append(read, len(s.Gap) > 0, s.Value != nil) {
		if given {
			kinds++
		}
	}
	if joined && slices.Contains(read, true) {
		return []error{errors.New("found another source than gap or value, must be gap or value: a join buffers only times of the other span; " +
			"move the attribute to the set of the rule that matches that span, and read a duration by gap: [start, end]")}
	}
	if kinds != 1 {
		allowed := "attribute, resource_attribute, count_events, span_duration, gap, value"
		if joined {
			allowed = "gap, value"
		}
		return []error{fmt.Errorf("found %d sources, must be exactly one of %s", kinds, allowed)}
	}
	return nil
}

func (s *Source) unitProblems(to *vocab.Attribute, reads bool) []error {
	if len(s.Units) == 0 {
		if isTime(to) && reads && len(s.Values) == 0 {
			return []error{fmt.Errorf("units: found no value, must be the unit of the attribute, because %s is a duration; write one of %s", to.Key, strings.Join(Units, ", "))}
		}
		return nil
	}
	if !isTime(to) {
		return []error{fmt.Errorf("units: found [%s], must be for a time, and %s is not one; remove them, or set an attribute that ends in _ms",
			strings.Join(s.Units, ", "), to.Key)}
	}
	if !reads {
		return []error{fmt.Errorf("units: found [%s], must be beside attribute or resource_attribute: durations, gaps and constants are in ms; remove them", strings.Join(s.Units, ", "))}
	}
	var errs []error
	for i, u := range s.Units {
		scale := slices.Index(scales, u)
		switch before := s.Units[:i]; {
		case !slices.Contains(Units, u):
			errs = append(errs, fmt.Errorf("units[%d]: %s", i, suggest.OneOf(u, Units)))
		case slices.Contains(before, u):
			errs = append(errs, fmt.Errorf("units[%d]: found %s twice, must be unique; remove one", i, u))
		case scale > 0 && slices.ContainsFunc(before, func(b string) bool { return slices.Contains(scales[:scale], b) }):
			errs = append(errs, fmt.Errorf("units[%d]: found %s after a smaller unit, must be before it, or it is never used; put the largest unit first", i, u))
		}
	}
	return errs
}
