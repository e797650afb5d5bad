package mlmetricsconnector

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
)

// condition makes a condition of a metric that looks at an event, or at spans where event is empty.
func (cc *ConditionConfig) condition(path, event string, p *problems) definition.Condition {
	if cc.Attribute == "" {
		p.add(path+"::attribute", "is missing; write the key of an attribute, or span.name, span.kind or status.code")
	}
	d := definition.Condition{Field: field(cc.Attribute, cc.From, event, path, p), Exists: cc.Exists, Min: cc.Min, Max: cc.Max}
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
	checkIntrinsic(&d, path, p)
	tests := len(d.In) + len(d.NotIn)
	for _, set := range []bool{cc.Matches != "", d.Min != nil, d.Max != nil} {
		if set {
			tests++
		}
	}
	if tests == 0 && cc.Exists == nil {
		p.add(path, "tests nothing; write one of exists, equals, not_equals, in, not_in, matches, min, max")
	}
	if tests > 0 && cc.Exists != nil && !*cc.Exists {
		p.add(path+"::exists", "false excludes the other tests; an attribute that does not exist passes none of them")
	}
	return d
}

// intrinsicValues are what span.kind and status.code can be.
var intrinsicValues = map[string][]string{
	definition.StatusCode: {"UNSET", "OK", "ERROR"},
	definition.SpanKind:   {"Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"},
}

// checkIntrinsic finds values that span.kind and status.code never have, such as error for ERROR.
func checkIntrinsic(d *definition.Condition, path string, p *problems) {
	values, ok := intrinsicValues[d.Field.Key]
	if !ok || d.Field.Origin != definition.Intrinsic {
		return
	}
	for _, text := range slices.Concat(d.In, d.NotIn) {
		if !slices.Contains(values, text) {
			p.add(path, "%s is never %q; write one of %s", d.Field.Key, text, strings.Join(values, ", "))
		}
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
