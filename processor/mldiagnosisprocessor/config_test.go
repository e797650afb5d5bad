package mldiagnosisprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

func load(t *testing.T, yaml string) (*Config, error) {
	t.Helper()
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(yaml))
	require.NoError(t, err)
	conf, err := retrieved.AsConf()
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	if err := conf.Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}

func TestDefaultConfigNeedsNoSetting(t *testing.T) {
	cfg, err := load(t, "{}")
	require.NoError(t, err)
	assert.Equal(t, createDefaultConfig(), cfg)
}

func TestConfigIsRead(t *testing.T) {
	cfg, err := load(t, `
min_share: 0.1
undivided_inference: other
without_root: any
critical_path: {max_spans: 5}
clock_skew: {tolerance: 0}
late_spans: {max_traces: 7}
`)
	require.NoError(t, err)
	assert.Equal(t, &Config{
		MinShare: 0.1, UndividedInference: "other", WithoutRoot: "any", CriticalPath: CriticalPathConfig{5},
		ClockSkew: ClockSkewConfig{0}, LateSpans: LateSpansConfig{7},
	}, cfg)
}

func TestMistakesNameTheKey(t *testing.T) {
	for yaml, want := range map[string]string{
		"min_share: -0.1":                  "min_share: found -0.1, must be a number from 0 to 1",
		"min_share: .nan":                  "min_share: found NaN, must be a number from 0 to 1",
		"undivided_inference: gpu":         `undivided_inference: found "gpu", must be gpu_compute or other`,
		"without_root: all":                `without_root: found "all", must be none, request or any`,
		"critical_path: {max_spans: 0}":    "critical_path::max_spans: found 0, must be at least 1",
		"clock_skew: {tolerance: 0.6}":     "clock_skew::tolerance: found 0.6, must be a number from 0 to 0.5",
		"late_spans: {max_traces: -1}":     "late_spans::max_traces: found -1, must be at least 1",
		"late_spans: {max_trace: 1}":       "max_trace",
		"critical_path: {max_spans: many}": "max_spans",
	} {
		_, err := load(t, yaml)
		assert.ErrorContains(t, err, want, yaml)
	}
}
