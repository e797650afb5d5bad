package mlexemplarsconverter

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/featuregate"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector"
)

func file(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", path))
	require.NoError(t, err)
	return string(text)
}

// shipped are the rules of otelcol.yaml.
var shipped = m{
	"signals": []any{"queue_bound", "high_queue_wait", "feature_cascade", "features_unavailable", "revalidated", "cold_start"},
	"stages":  []any{"data_ingestion", "feature_engineering", "training", "evaluation", "model_registration", "deployment"},
	"errors":  true, "latency_threshold": "800ms", "sampling_percentage": 3.0, "hash_seed": "", "decision_wait": "10s",
}

// TestShipped holds the rules against what the policies of otelcol.yaml and its overlays say.
func TestShipped(t *testing.T) {
	tested := map[string]m{
		"":                                      {},
		"deploy/tempo/otelcol.yaml":             {},
		"deploy/jaeger/otelcol.yaml":            {},
		"deploy/two-tier/sampler.yaml":          {"decision_wait": "15s"},
		"deploy/kafka/sampler.yaml":             {"decision_wait": "15s"},
		"deploy/adaptive-sampling/otelcol.yaml": {"signals": []any{}, "errors": false, "latency_threshold": "0s", "sampling_percentage": 0.0},
	}
	for _, pattern := range []string{"otelcol.yaml", "sampler.yaml"} {
		overlays, err := filepath.Glob("../../deploy/*/" + pattern)
		require.NoError(t, err)
		require.NotEmpty(t, overlays)
		for _, overlay := range overlays {
			require.Contains(t, tested, filepath.ToSlash(overlay[len("../../"):]))
		}
	}
	for path, changes := range tested {
		t.Run(path, func(t *testing.T) {
			files := []string{file(t, "otelcol.yaml")}
			require.NotContains(t, files[0], "exemplars:", "set in one place, the policies")
			if path != "" {
				files = append(files, file(t, path))
				require.NotContains(t, files[1], "exemplars:")
			}
			conf, warnings, err := resolve(t, files...)
			require.NoError(t, err)
			assert.Empty(t, warnings)
			assert.Equal(t, none(shipped, changes), rules(t, conf, "mlmetrics"))
		})
	}

	t.Setenv("OTELCOL_ML_DECISION_WAIT", "40s")
	conf, _, err := resolve(t, file(t, "otelcol.yaml"))
	require.NoError(t, err)
	assert.Equal(t, "40s", rules(t, conf, "mlmetrics")["decision_wait"])
}

// TestDefaultsAreTheRulesOfOtelcolYAML: where sampling is in another process, it is expected to be the same.
func TestDefaultsAreTheRulesOfOtelcolYAML(t *testing.T) {
	conf := confmap.NewFromStringMap(map[string]any{"exemplars": shipped})
	factory := mlmetricsconnector.NewFactory()
	followed, defaults := factory.CreateDefaultConfig().(*mlmetricsconnector.Config), factory.CreateDefaultConfig().(*mlmetricsconnector.Config)
	require.NoError(t, conf.Unmarshal(followed))
	require.NoError(t, followed.Validate())
	require.Equal(t, []string{"all"}, defaults.Exemplars.Signals)
	defaults.Exemplars.Signals = followed.Exemplars.Signals
	require.Equal(t, defaults, followed)
}

// TestRulesAreAccepted: whatever the converter writes, the connector reads.
func TestRulesAreAccepted(t *testing.T) {
	for _, policies := range []string{"", usual, `{name: a, type: always_sample}`} {
		conf, _, err := resolve(t, one, sampling(policies))
		require.NoError(t, err)
		sub, err := conf.Sub("connectors::mlmetrics")
		require.NoError(t, err)
		config := mlmetricsconnector.NewFactory().CreateDefaultConfig().(*mlmetricsconnector.Config)
		require.NoError(t, sub.Unmarshal(config))
		require.NoError(t, config.Validate())
	}
}

// TestTraceState: with that feature gate the probabilistic policy does not decide by the hash alone.
func TestTraceState(t *testing.T) {
	const gate = "processor.tailsamplingprocessor.usetracestate"
	_, err := featuregate.GlobalRegistry().Register(gate, featuregate.StageAlpha)
	require.NoError(t, err)
	require.NoError(t, featuregate.GlobalRegistry().Set(gate, true))
	t.Cleanup(func() { require.NoError(t, featuregate.GlobalRegistry().Set(gate, false)) })
	conf, _, err := resolve(t, one, sampling(slow+","+baseline))
	require.NoError(t, err)
	assert.Equal(t, none(m{"latency_threshold": "800ms"}), rules(t, conf, "mlmetrics"))
}
