package prefilter

import (
	"fmt"
	"math"
	"regexp"
	"testing"

	tailsampling "github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/otlpwire"
)

// policies decodes policies as the configuration has them.
func policies(t *testing.T, list ...map[string]any) []tailsampling.PolicyCfg {
	all := make([]any, len(list))
	for i, p := range list {
		if p["name"] == nil {
			p["name"] = fmt.Sprint(i)
		}
		all[i] = p
	}
	cfg := tailsampling.NewFactory().CreateDefaultConfig().(*tailsampling.Config)
	require.NoError(t, confmap.NewFromStringMap(map[string]any{"policies": all}).Unmarshal(cfg))
	return cfg.PolicyCfgs
}

func part(kind string, settings map[string]any) map[string]any {
	p := map[string]any{"name": kind, "type": kind}
	if settings != nil {
		p[kind] = settings
	}
	return p
}

func all(kind string, parts ...any) map[string]any {
	return map[string]any{"type": kind, kind: map[string]any{kind + "_sub_policy": parts}}
}

func not(p map[string]any) map[string]any {
	return map[string]any{"name": "not", "type": "not", "not": map[string]any{"not_sub_policy": p}}
}

var (
	errors = part("status_code", map[string]any{"status_codes": []any{"ERROR"}})
	ottl   = part("ottl_condition", map[string]any{"span": []any{"true"}})
	rate   = part("rate_limiting", map[string]any{"spans_per_second": 1})
)

// TestUnknown: a policy that cannot be excluded has every trace evaluated, and reports it by its name.
func TestUnknown(t *testing.T) {
	for name, tc := range map[string]struct {
		policy  map[string]any
		unknown bool
	}{
		"always":                         {part("always_sample", nil), true},
		"errors":                         {errors, false},
		"OTTL":                           {ottl, true},
		"rate":                           {rate, true},
		"bytes":                          {part("bytes_limiting", map[string]any{"bytes_per_second": 1}), true},
		"an extension's":                 {map[string]any{"type": "mlsampling"}, true},
		"composite":                      {map[string]any{"type": "composite"}, true},
		"inverted":                       {part("boolean_attribute", map[string]any{"key": "a", "value": true, "invert_match": true}), true},
		"not":                            {not(errors), true},
		"and of what is known and not":   {all("and", ottl, errors), false},
		"and of what is not known":       {all("and", ottl, not(errors)), true},
		"and with a limit in front":      {all("and", rate, errors), true},
		"and with a limit behind":        {all("and", errors, rate), false},
		"and of nothing":                 {all("and"), true},
		"drop":                           {all("drop", errors), false},
		"drop with a limit":              {all("drop", rate), true},
		"drop with a limit in a not":     {all("drop", not(rate)), true},
		"drop with a limit behind":       {all("drop", errors, rate), false},
		"a bad regular expression":       {part("string_attribute", map[string]any{"key": "a", "values": []any{"("}, "enabled_regex_matching": true}), true},
		"regular expressions":            {part("string_attribute", map[string]any{"key": "a", "values": []any{"b"}, "enabled_regex_matching": true}), false},
		"trace state":                    {part("trace_state", map[string]any{"key": "a", "values": []any{"b"}}), false},
		"flags":                          {part("trace_flags", nil), false},
		"a number":                       {part("numeric_attribute", map[string]any{"key": "a", "min_value": 1}), false},
		"latency with an upper bound":    {part("latency", map[string]any{"threshold_ms": 1, "upper_threshold_ms": 5}), false},
		"probabilistic":                  {part("probabilistic", map[string]any{"sampling_percentage": 5}), false},
		"one that a later version knows": {map[string]any{"type": "new_policy", "new_policy": map[string]any{"a": 1}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			tc.policy["name"] = "the policy"
			f := New(policies(t, tc.policy), nil)
			if tc.unknown {
				assert.Equal(t, []string{"the policy"}, f.Unknown())
			} else {
				assert.Empty(t, f.Unknown())
			}
			assert.Equal(t, tc.unknown, f.MayKeep(&Facts{ID: [16]byte{1}, Earliest: 1, Latest: 1, Seen: 0}))
		})
	}
}

// keyValue encodes an attribute whose value is text.
func keyValue(key, value string) []byte {
	text := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte(value))
	kv := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte(key))
	return protowire.AppendBytes(protowire.AppendTag(kv, 2, protowire.BytesType), text)
}

func TestPassOn(t *testing.T) {
	f := New(policies(t, errors), []Condition{
		{Attribute: "ml.stage", Values: []string{"training", "evaluation"}},
		{Attribute: "ml.pipeline.name", Regex: regexp.MustCompile(`(?i)(^|[^a-z])train`)},
	})
	for _, tc := range []struct {
		key, value string
		passes     bool
	}{
		{"ml.stage", "training", true}, {"ml.stage", "evaluation", true}, {"ml.stage", "inference", false}, {"ml.stage", "", false},
		{"ml.pipeline.name", "churn-Training", true}, {"ml.pipeline.name", "constraint", false}, {"ml.pipeline", "training", false},
	} {
		assert.Equal(t, tc.passes, f.Attribute(keyValue(tc.key, tc.value))&f.PassOn() != 0, "%s=%s", tc.key, tc.value)
	}
	assert.False(t, f.MayKeep(&Facts{Seen: f.PassOn()}), "passing on is no policy")
}

// TestMoreTestsThanBits: policies beyond the last bit are ones that cannot be excluded.
func TestMoreTestsThanBits(t *testing.T) {
	var list []map[string]any
	for i := range 70 {
		list = append(list, part("string_attribute", map[string]any{"key": fmt.Sprintf("key %d", i), "values": []any{"x"}}))
		list[i]["name"] = fmt.Sprint(i)
	}
	f := New(policies(t, list...), nil)
	assert.Len(t, f.Unknown(), 70-63)
	assert.True(t, f.MayKeep(&Facts{}))
}

func TestTimesThatDoNotFit(t *testing.T) {
	f := New(policies(t, part("latency", map[string]any{"threshold_ms": 800})), nil)
	at := func(start, end uint64) bool { return f.MayKeep(&Facts{Earliest: start, Latest: end}) }
	assert.False(t, at(1e18, 1e18+800_999_999))
	assert.True(t, at(1e18, 1e18+801_000_000))
	assert.False(t, at(1e18+5, 1e18), "ends before it starts")
	assert.True(t, at(0, 1e18), "the policy skips a start of zero, or not")
	assert.True(t, at(1, math.MaxUint64), "the policy computes with 63 bits")
}

func TestStates(t *testing.T) {
	f := New(policies(t, part("trace_state", map[string]any{"key": "vendor", "values": []any{"x"}}),
		part("probabilistic", map[string]any{"sampling_percentage": 0})), nil)
	assert.False(t, f.MayKeep(&Facts{Seen: f.Span(&otlpwire.Span{TraceState: []byte("other=x")})}))
	assert.True(t, f.MayKeep(&Facts{Seen: f.Span(&otlpwire.Span{TraceState: []byte("vendor=x")})}))
	assert.True(t, f.MayKeep(&Facts{Seen: f.Span(&otlpwire.Span{TraceState: []byte("a=b,ot=th:8")})}), "the policy goes by the trace state")
}
