package dialect

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Units lists the units that a source can name. All are of times.
var Units = []string{"ns", "us", "ms", "s", "duration"}

// scales are the units that every number of at least 0 can be in, the smallest first.
var scales = []string{"us", "ms", "s"}

func isTime(a *vocab.Attribute) bool { return strings.HasSuffix(a.Key, "_ms") }

func isNumber(a *vocab.Attribute) bool { return a.Type == vocab.Int || a.Type == vocab.Double }

// problems are those of a source for an attribute, in the set of a join or elsewhere.
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
		bad("event: needs attribute, the key to read of the event")
	}
	if s.JSON != "" && s.Attribute == "" {
		bad("json: needs attribute, the key of the attribute that holds the JSON text")
	}
	if s.Attribute == to.Key && s.Event == "" && s.JSON == "" {
		bad("attribute: %s is the attribute to set, and what a span has already is never overwritten; read another attribute", to.Key)
	}
	if s.SpanDuration && !isTime(to) {
		bad("span_duration: is a time in ms, but %s is not; set an attribute that ends in _ms", to.Key)
	}
	if s.CountEvents != "" && to.Type != vocab.Int {
		bad("count_events: is a number of events, but %s is a %s; set an attribute of type int", to.Key, to.Type)
	}
	if len(s.Gap) > 0 {
		errs = append(errs, gapProblems(s.Gap, joined)...)
		if !isTime(to) {
			bad("gap: is a time in ms, but %s is not; set an attribute that ends in _ms", to.Key)
		}
	}
	if s.Value != nil {
		if err := constantProblem(s.Value, to); err != nil {
			errs = append(errs, err)
		}
	}
	errs = append(errs, conditionProblems("only_if", s.OnlyIf)...)
	if len(s.OnlyIf) > 0 && joined {
		bad("only_if: a join keeps no attributes; put the condition into the rule's or the join's match")
	}
	if len(s.Between) > 0 {
		switch {
		case len(s.Between) != 2 || s.Between[0] == "" || s.Between[1] == "":
			bad("between: found %q, must be two texts, such as [/models/, /]", s.Between)
		case !reads:
			bad("between: needs attribute or resource_attribute, the text that it is a part of")
		case to.Type != vocab.String:
			bad("between: is a text, but %s is a %s; set an attribute of type string", to.Key, to.Type)
		}
	}
	errs = append(errs, s.unitProblems(to, reads)...)

	if !isNumber(to) && (s.Minus != "" || s.Plus != 0) {
		bad("minus and plus are for numbers, but %s is a %s; remove them", to.Key, to.Type)
	}
	if s.Minus != "" && s.Attribute == "" {
		bad("minus: needs attribute, the key to subtract from")
	} else if s.Minus != "" && s.Minus == s.Attribute && s.Event == "" {
		bad("minus: %q is the attribute itself, so that nothing would be left; name another key", s.Minus)
	}
	if len(s.Values) > 0 && (!reads || len(s.Units) > 0) {
		bad("values: maps texts of an attribute, without units; give attribute or resource_attribute")
	}
	for _, text := range slices.Sorted(maps.Keys(s.Values)) {
		if err := constantProblem(s.Values[text], to); err != nil {
			bad("values: %s: %w", text, err)
		}
	}
	if s.Times != 0 && (!(s.Times > 0) || math.IsInf(s.Times, 0)) {
		bad("times: found %v, must be a finite number above 0", s.Times)
	}
	if s.Times != 0 && (!reads || !isNumber(to) || isTime(to)) {
		bad("times: is for a number that an attribute holds and that is no time; remove it, or give units")
	}
	switch {
	case math.IsNaN(s.Plus) || math.IsInf(s.Plus, 0):
		bad("plus: found %v, must be a finite number", s.Plus)
	case s.Plus != 0 && s.Value != nil:
		bad("plus: found %v, but nothing is added to a constant; write the sum as value", s.Plus)
	case to.Type == vocab.Int && s.Plus != math.Trunc(s.Plus):
		bad("plus: found %v, but %s is an int; add a whole number", s.Plus, to.Key)
	}
	for i, v := range s.Unknown {
		text, isText := v.(string)
		_, finite := number(v)
		switch {
		case to.Type == vocab.String && (!isText || text == ""):
			bad("unknown[%d]: found %s, but %s is a text; give a text in quotes", i, knownkeys.Found(v), to.Key)
		case to.Type != vocab.String && !finite:
			bad("unknown[%d]: found %s, must be a finite number", i, knownkeys.Found(v))
		case to.Type == vocab.Bool:
			bad("unknown[%d]: is for numbers and texts, but %s is a bool; remove it", i, to.Key)
		}
	}
	if len(s.Unknown) > 0 && !reads {
		bad("unknown: needs attribute or resource_attribute; nothing else says that it does not know")
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
		return []error{fmt.Errorf("a join can set a gap or a value only, because one of the spans is gone by then; " +
			"set what one span tells alone in the set of a rule for that span, and its duration by gap: [start, end]")}
	}
	if kinds != 1 {
		allowed := "attribute, resource_attribute, count_events, span_duration, gap, value"
		if joined {
			allowed = "gap, value"
		}
		return []error{fmt.Errorf("has %d sources; give exactly one of %s", kinds, allowed)}
	}
	return nil
}

func (s *Source) unitProblems(to *vocab.Attribute, reads bool) []error {
	if len(s.Units) == 0 {
		if isTime(to) && reads && len(s.Values) == 0 {
			return []error{fmt.Errorf("units: missing, but %s is a duration; say in which unit the attribute is: %s", to.Key, strings.Join(Units, ", "))}
		}
		return nil
	}
	if !isTime(to) {
		return []error{fmt.Errorf("units: found [%s], but %s is no time and is taken as it is; remove them, or set an attribute that ends in _ms",
			strings.Join(s.Units, ", "), to.Key)}
	}
	if !reads {
		return []error{fmt.Errorf("units: only an attribute has units; durations, gaps and constants are taken in ms")}
	}
	var errs []error
	for i, u := range s.Units {
		scale := slices.Index(scales, u)
		switch before := s.Units[:i]; {
		case !slices.Contains(Units, u):
			errs = append(errs, fmt.Errorf("units[%d]: %q is not known; use one of %s", i, u, strings.Join(Units, ", ")))
		case slices.Contains(before, u):
			errs = append(errs, fmt.Errorf("units[%d]: %s stands there already; remove it", i, u))
		case scale > 0 && slices.ContainsFunc(before, func(b string) bool { return slices.Contains(scales[:scale], b) }):
			errs = append(errs, fmt.Errorf("units[%d]: %s is never reached, because whatever fits into the span in it fits in a smaller unit too; put the largest unit first", i, u))
		}
	}
	return errs
}
