package mlmetricsconnector

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/suggest"
)

// condition builds a condition of a metric. event is the name of the events that the metric observes, "" for spans.
func (cc *ConditionConfig) condition(path, event string, p *problems) metric.Condition {
	if cc.Attribute == "" {
		p.add(path+"::attribute", "found no value, must be the key of an attribute, or span.name, span.kind or status.code")
	}
	d := metric.Condition{Field: field(cc.Attribute, cc.From, event, path, p), Exists: cc.Exists, Min: cc.Min, Max: cc.Max}
	text := func(key string, value any) string {
		t, ok := asText(value)
		if !ok {
			p.add(path+"::"+key, "found %v, must be a text, a number or a bool", value)
		}
		return t
	}
	if cc.Equals != nil {
		d.In = append(d.In, text("equals", cc.Equals))
	}
	for _, v := range cc.In {
		d.In = append(d.In, text("in", v))
	}
	if cc.Equals != nil && len(cc.In) > 0 {
		p.add(path+"::equals", "found beside in, must be the only one of the two; remove one")
	}
	if cc.NotEquals != nil {
		d.NotIn = append(d.NotIn, text("not_equals", cc.NotEquals))
	}
	for _, v := range cc.NotIn {
		d.NotIn = append(d.NotIn, text("not_in", v))
	}
	if cc.Matches != "" {
		r, err := regexp.Compile(cc.Matches)
		if err != nil {
			p.add(path+"::matches", "found %q, must be a regular expression of RE2: %v", cc.Matches, err)
		}
		d.Matches = r
	}
	if checkRange(cc.Min, cc.Max, path, p) && cc.Min != nil && cc.Max != nil && *cc.Min > *cc.Max {
		p.add(path+"::max", "found %v, must be at least min, %v", *cc.Max, *cc.Min)
	}
	tests := len(d.In) + len(d.NotIn)
	for _, set := range []bool{cc.Matches != "", d.Min != nil, d.Max != nil} {
		if set {
			tests++
		}
	}
	if tests == 0 && cc.Exists == nil {
		p.add(path, "found no test, must have one of exists, equals, not_equals, in, not_in, matches, min, max")
	}
	switch {
	case cc.Exists != nil && d.Field.Origin == metric.Intrinsic:
		p.add(path+"::exists", "found for %s, which every span has, must be for another attribute; remove it", cc.Attribute)
	case tests > 0 && cc.Exists != nil && !*cc.Exists:
		p.add(path+"::exists", "found false beside other tests, must be alone: an attribute that does not exist passes none of them; remove it or the others")
	default:
		checkPossible(&d, path, p)
	}
	return d
}

// intrinsicValues are the values of span.kind and status.code.
var intrinsicValues = map[string][]string{
	metric.StatusCode: {"UNSET", "OK", "ERROR"},
	metric.SpanKind:   {"Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"},
}

// checkPossible finds tests that no value passes: error instead of ERROR, a range for a text, tests that exclude each
// other.
func checkPossible(d *metric.Condition, path string, p *problems) {
	var known []string // values of the field
	if d.Field.Origin == metric.Intrinsic {
		known = intrinsicValues[d.Field.Key]
	}
	if known != nil {
		before := len(p.list)
		for _, text := range slices.Concat(d.In, d.NotIn) {
			if !slices.Contains(known, text) {
				p.add(path, "found %[2]q for %[1]s, must be one of %[3]s%[4]s", d.Field.Key, text, strings.Join(known, ", "), suggest.Hint(text, known))
			}
		}
		if d.Min != nil || d.Max != nil {
			p.add(path, "found min or max for %s, must be equals or in, with one of %s", d.Field.Key, strings.Join(known, ", "))
		}
		if len(p.list) > before {
			return
		}
	}
	values := d.In
	if len(values) == 0 {
		values = known
	}
	holds := func(text string) bool { return d.Holds(text, true) }
	switch {
	case len(values) == 0 || slices.ContainsFunc(values, holds):
	case known != nil:
		p.add(path, "found tests that no value of %s passes, must allow one of %s", d.Field.Key, strings.Join(known, ", "))
	default:
		p.add(path, "found tests that exclude %s, must allow one value; remove one of the tests", strings.Join(values, ", "))
	}
}

// asText formats a YAML scalar like the value of an attribute. It reports false for lists and blocks.
func asText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case int, int64, uint64:
		return fmt.Sprint(v), true
	default:
		return "", false
	}
}
