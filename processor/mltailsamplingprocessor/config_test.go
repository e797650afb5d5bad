package mltailsamplingprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/otel/attribute"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

func attributes(labels ...string) attribute.Set {
	all := []attribute.KeyValue{attribute.String("processor", "mltailsampling")}
	for i := 0; i < len(labels); i += 2 {
		all = append(all, attribute.String(labels[i], labels[i+1]))
	}
	return attribute.NewSet(all...)
}

func TestConfig(t *testing.T) {
	for _, test := range []struct {
		name     string
		settings map[string]any
		want     string // of the error
	}{
		{"none", map[string]any{}, ""},
		{"all", map[string]any{
			"max_bytes": 1 << 30, "num_traces": 10, "decision_wait_after_root_received": "1s",
			"pass_on": map[string]any{"any": []any{
				map[string]any{"attribute": "a", "values": []any{"b"}}, map[string]any{"attribute": "a", "regex": "^b"},
			}, "remember_for": "1h", "max_traces": 5},
		}, ""},
		{"settings of an extension's policy", map[string]any{"policies": []any{map[string]any{"name": "x", "type": "other", "other": map[string]any{"a": 1}}}}, ""},
		{"settings of another type", map[string]any{"policies": []any{map[string]any{"name": "x", "type": "latency", "latncy": map[string]any{"threshold_ms": 1}}}},
			"policies[0]::latncy: found settings, must be those of the policy's type, latency; rename or remove the key"},
		{"max_bytes", map[string]any{"max_bytes": 1000}, "max_bytes: found 1000, must be at least 16777216; leave it out for a quarter of the memory"},
		{"pressure_heap_bytes", map[string]any{"pressure_heap_bytes": 1}, "pressure_heap_bytes: found 1, must be at least 16777216; leave it out for a third of the memory"},
		{"num_traces", map[string]any{"num_traces": 0}, "num_traces: found 0, must be at least 1; write the largest number of buffered traces, such as 50000"},
		{"strategy", map[string]any{"sampling_strategy": "x"}, `invalid sampling_strategy "x"`},
		{"numeric_attribute", map[string]any{"policies": []any{policy("x", "numeric_attribute", map[string]any{"key": "a", "min_value": 0})}},
			"policies[0]::numeric_attribute: found neither min_value nor max_value other than 0, must have one; tail_sampling reads 0 as not set"},
		{"no attribute", map[string]any{"pass_on": map[string]any{"any": []any{map[string]any{"values": []any{"b"}}}}},
			"pass_on::any[0]::attribute: found none, must be the key of an attribute, such as ml.stage"},
		{"neither", map[string]any{"pass_on": map[string]any{"any": []any{map[string]any{"attribute": "a"}}}},
			`pass_on::any[0]: found 0 values and regex "", must have either values or a regex; remove one or add one`},
		{"both", map[string]any{"pass_on": map[string]any{"any": []any{map[string]any{"attribute": "a", "values": []any{"b"}, "regex": "c"}}}},
			`pass_on::any[0]: found 1 values and regex "c", must have either values or a regex`},
		{"regex", map[string]any{"pass_on": map[string]any{"any": []any{map[string]any{"attribute": "a", "regex": "("}}}},
			`pass_on::any[0]::regex: found "(", must be a regular expression of RE2`},
		{"remember_for", map[string]any{"pass_on": map[string]any{"remember_for": 24}}, "pass_on::remember_for: found 24ns, must be at least 1s; write it with its unit, such as 24h"},
		{"max_traces", map[string]any{"pass_on": map[string]any{"max_traces": 0}}, "pass_on::max_traces: found 0, must be at least 1"},
		{"mistyped", map[string]any{"max_byte": 1}, "max_bytes"},
		{"mistyped below", map[string]any{"pass_on": map[string]any{"all": 1}}, "any"},
		{"mistyped of contrib's", map[string]any{"num_trace": 1}, "num_traces"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := createDefaultConfig().(*Config)
			err := confmap.NewFromStringMap(test.settings).Unmarshal(cfg)
			if err == nil {
				err = cfg.Validate()
			}
			if test.want == "" {
				assert.NoError(t, err)
				return
			}
			require.Error(t, err)
			assert.Contains(t, err.Error(), test.want)
		})
	}
}

func TestMaxBytes(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	n, err := cfg.maxBytes()
	require.NoError(t, err)
	assert.GreaterOrEqual(t, n, int64(minMaxBytes))
	cfg.MaxBytes = 1 << 25
	n, err = cfg.maxBytes()
	require.NoError(t, err)
	assert.EqualValues(t, 1<<25, n)
}

var settingMeanings = map[string]string{
	"max_bytes":             "memory for buffered spans, in bytes; 0: a quarter of the memory limit of the container, or of the machine",
	"pressure_heap_bytes":   "live heap of the process, in bytes, above which new traces are dropped, except one in 16; 0: a third of that memory",
	"pass_on::any":          "pass a trace on if one of these conditions holds for an `attribute` of a span or its resource: its value is one of `values`, or `regex` matches it",
	"pass_on::remember_for": "how long after the trace's last span later spans are still passed on; at least 1s",
	"pass_on::max_traces":   "number of such traces that are remembered; the least recently seen are evicted",
}

// TestReadme fails where the table of our own settings differs from the code. `go test -update` writes it.
func TestReadme(t *testing.T) {
	type own struct {
		MaxBytes          int64        `mapstructure:"max_bytes"`
		PressureHeapBytes int64        `mapstructure:"pressure_heap_bytes"`
		PassOn            PassOnConfig `mapstructure:"pass_on"`
	}
	d := createDefaultConfig().(*Config)
	golden.EqualSchema(t, "config.schema.json", d, settingMeanings)
	golden.EqualSections(t, "README.md", map[string]string{
		"settings": golden.SettingsTable(t, &own{d.MaxBytes, d.PressureHeapBytes, d.PassOn}, settingMeanings),
	})
}
