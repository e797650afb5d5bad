package e2e

import (
	"context"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestConfigErrors: what is wrong in the configuration ends the start with an exit code and a message that names the
// key and the value.
func TestConfigErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		setting stack.Setting
		says    []string
	}{
		"mistyped key of mlsignals": {
			"yaml:processors::mlsignals::signal::high_queue_wait::threshold: 200ms",
			[]string{"mlsignals", "signal: found an unknown key, must be one of", "signals"},
		},
		"mistyped key of mlmetrics": {
			"yaml:connectors::mlmetrics::flush_intervall: 15s",
			[]string{"mlmetrics", "flush_intervall: found an unknown key, must be one of", "metrics_flush_interval"},
		},
		"text for a duration": {
			"yaml:processors::mlsignals::signals::high_queue_wait::threshold: long",
			[]string{"mlsignals", "signals::high_queue_wait::threshold", `"long"`, "300ms"},
		},
		"negative threshold": {
			"yaml:processors::mlsignals::signals::high_queue_wait::threshold: -5ms",
			[]string{"mlsignals", "signals::high_queue_wait::threshold", "-5ms"},
		},
		"share over one": {
			"yaml:processors::mlsignals::signals::feature_cascade::db_share: 50",
			[]string{"mlsignals", "signals::feature_cascade::db_share", "50"},
		},
		"exemplar settings of earlier versions": {
			"yaml:connectors::mlmetrics::exemplars::latency_threshold: 500ms",
			[]string{"mlmetrics", "exemplars: found settings that are gone", "put the exporter mlexemplars into the pipeline behind the sampler"},
		},
		"no time to remember training runs for": {
			"yaml:processors::mltailsampling::pass_on::remember_for: 0s",
			[]string{"mltailsampling", "pass_on::remember_for: found 0s, must be at least 1s"},
		},
		"interval of nothing": {
			"yaml:connectors::mlmetrics::metrics_flush_interval: 0s",
			[]string{"mlmetrics", "metrics_flush_interval", "0s"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			process, err := collector.Launch(stack.CollectorOptions(t, test.setting))
			require.NoError(t, err)
			t.Cleanup(func() { stack.Stop(t, process.Process) })
			ctx, cancel := context.WithTimeout(t.Context(), stack.Patience)
			defer cancel()
			select {
			case <-process.Exited():
			case <-ctx.Done():
				t.Fatal("the collector started all the same")
			}
			assert.Equal(t, 1, process.ExitCode())
			for _, words := range test.says {
				assert.Contains(t, process.Log(), words)
			}
		})
	}
}

// TestNoConfig: whoever starts the collector without a configuration is told which flag to give.
func TestNoConfig(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"validate"}, {"print-config"}, {"--feature-gates", "x"}} {
		output, err := exec.Command(stack.CollectorBinary(t), args...).CombinedOutput()
		assert.Error(t, err, "%v", args)
		assert.Equal(t, "Error: --config: found none, must be at least one file; run: otelcol-ml --config otelcol.yaml\n", string(output), "%v", args)
	}
	for _, args := range [][]string{{"--help"}, {"--version"}, {"components"}, {"featuregate"}, {"help", "validate"}} {
		output, err := exec.Command(stack.CollectorBinary(t), args...).CombinedOutput()
		assert.NoError(t, err, "%v: %s", args, output)
	}
}
