package mlmetricsconnector

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
)

// condition makes a condition of a metric that looks at an event, or at spans where event is empty.
func (cc *ConditionConfig) condition(path, event string, p *problems) metric.Condition {
	if cc.Attribute == "" {
		p.add(path+"::attribute", "is missing; write the key of an attribute, or span.name, span.kind or status.code")
	}
	d := metric.Condition{Field: field(cc.Attribute, cc.From, event, path, p), Exists: cc.Exists, Min: cc.Min, Max: cc.Max}
	text := func(key string, value any) string {
		t, ok := asText(value)
		if !ok {
			p.add(path+"::"+key, "%v is no text, number or bool", value)
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
		p.add(path+"::equals", "excludes in; keep one of them")
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
			p.add(path+"::matches", "%q is no regular expression: %v", cc.Matches, err)
		}
		d.Matches = r
	}
	if checkRange(cc.Min, cc.Max, path, p) && cc.Min != nil && cc.Max != nil && *cc.Min > *cc.Max {
		p.add(path+"::max", "%v is below min, %v", *cc.Max, *cc.Min)
	}
	tests := len(d.In) + len(d.NotIn)
	for _, set := range []bool{cc.Matches != "", d.Min != nil, d.Max != nil} {
		if set {
			tests++
		}
	}
	if tests == 0 && cc.Exists == nil {
		p.add(path, "tests nothing; write one of exists, equals, not_equals, in, not_in, matches, min, max")
	}
	switch {
	case cc.Exists != nil && d.Field.Origin == metric.Intrinsic:
		p.add(path+"::exists", "every span has %s; leave exists out", cc.Attribute)
	case tests > 0 && cc.Exists != nil && !*cc.Exists:
		p.add(path+"::exists", "false excludes the other tests; an attribute that does not exist passes none of them")
	default:
		checkPossible(&d, path, p)
	}
	return d
}

// intrinsicValues are what span.kind and status.code can be.
var intrinsicValues = map[string][]string{
	metric.StatusCode: {"UNSET", "OK", "ERROR"},
	metric.SpanKind:   {"Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"},
}

// checkPossible finds tests that nothing passes: error for ERROR, a number where there is none, tests that exclude
// each other.
func checkPossible(d *metric.Condition, path string, p *problems) {
	var known []string // what the field can be
	if d.Field.Origin == metric.Intrinsic {
		known = intrinsicValues[d.Field.Key]
	}
	if known != nil {
		before := len(p.list)
		for _, text := range slices.Concat(d.In, d.NotIn) {
			if !slices.Contains(known, text) {
				p.add(path, "%s is never %q; write one of %s", d.Field.Key, text, strings.Join(known, ", "))
			}
		}
		if d.Min != nil || d.Max != nil {
			p.add(path, "%s is no number, so it has no min or max; write equals or in, with %s", d.Field.Key, strings.Join(known, ", "))
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
		p.add(path, "never holds: %s is one of %s, and no one of these passes", d.Field.Key, strings.Join(known, ", "))
	default:
		p.add(path, "never holds: the other tests exclude %s; leave one of them out", strings.Join(values, ", "))
	}
}

// asText writes a YAML scalar the way that attribute values are written.
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
