package mlmetricsconnector

import (
	"regexp"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/suggest"
)

// validate checks a condition of a metric that observes events of a name, "" for spans.
func (cc *ConditionConfig) validate(path, event string, p *problems) {
	checkKey(cc.Attribute, path, p)
	checkField(cc.Attribute, cc.From, event, path, p)
	for _, setting := range []struct {
		key    string
		values []any
	}{{"equals", one(cc.Equals)}, {"in", cc.In}, {"not_equals", one(cc.NotEquals)}, {"not_in", cc.NotIn}} {
		for _, value := range setting.values {
			_, ok := asText(value)
			p.check(ok, path+"::"+setting.key, "found %v, must be a text, a number or a bool", value)
		}
	}
	p.check(cc.Equals == nil || len(cc.In) == 0, path+"::equals", "found beside in, must be the only one of the two; remove one")
	_, err := regexp.Compile(cc.Matches)
	p.check(err == nil, path+"::matches", "found %q, must be a regular expression of RE2: %v", cc.Matches, err)
	checkRange(p, path, cc.Min, cc.Max)
	d := cc.condition(event)
	tests := len(d.In)+len(d.NotIn) > 0 || cc.Matches != "" || cc.Min != nil || cc.Max != nil
	p.check(tests || cc.Exists != nil, path, "found no test, must have one of exists, equals, not_equals, in, not_in, matches, min, max")
	if p.check(cc.Exists == nil || d.Field.Origin != metric.Intrinsic, path+"::exists", "found for %s, which every span has, must be for another attribute; remove it", cc.Attribute) &&
		p.check(!tests || cc.Exists == nil || *cc.Exists, path+"::exists", "found false beside other tests, must be alone: an attribute that does not exist passes none of them; remove it or the others") {
		checkPossible(&d, path, p)
	}
}

// intrinsicValues are the values of span.kind and status.code.
var intrinsicValues = map[string][]string{
	metric.StatusCode: {"UNSET", "OK", "ERROR"},
	metric.SpanKind:   {"Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"},
}

// checkPossible finds tests that no value passes: error instead of ERROR, a range for a text, tests that exclude each
// other.
func checkPossible(d *metric.Condition, path string, p *problems) {
	values, allowed, message := d.In, d.In, "found tests that exclude %s, must allow one value; remove one of the tests"
	if known := intrinsicValues[d.Field.Key]; known != nil && d.Field.Origin == metric.Intrinsic {
		all := strings.Join(known, ", ")
		right := p.check(d.Min == nil && d.Max == nil, path, "found min or max for %s, must be equals or in, with one of %s", d.Field.Key, all)
		for _, text := range slices.Concat(d.In, d.NotIn) {
			right = p.check(slices.Contains(known, text), path, "found %q for %s, must be one of %s%s", text, d.Field.Key, all, suggest.Hint(text, known)) && right
		}
		if !right {
			return
		}
		allowed, message = known, "found tests that no value of "+d.Field.Key+" passes, must allow one of %s"
		if len(values) == 0 {
			values = known
		}
	}
	holds := func(text string) bool { return d.Holds(text, true) }
	p.check(len(values) == 0 || slices.ContainsFunc(values, holds), path, message, strings.Join(allowed, ", "))
}
