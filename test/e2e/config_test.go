package e2e

import (
	"context"
	"errors"
	"os/exec"
	"strings"
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
		"policy on a misspelt signal": {
			"yaml:processors::mltailsampling::policies: [{name: a, type: boolean_attribute, boolean_attribute: {key: ml.signal.queue_bounded, value: true}}]",
			[]string{"processors::mltailsampling::policies[0]::boolean_attribute::key", `did you mean "ml.signal.queue_bound"?`},
		},
		"wait without a unit": {
			"yaml:processors::mltailsampling::decision_wait: 10",
			[]string{"processors::mltailsampling::decision_wait: found 10 without a unit", "10s"},
		},
		"mistyped dialect": {
			"yaml:processors::mlsignals::dialects: [vlm]",
			[]string{`dialects[0]: found "vlm", must be one of`, `did you mean "vllm"?`},
		},
		"mistyped metric": {
			"yaml:connectors::mlmetrics::metrics::ml.inference.queue_wait::enabled: true",
			[]string{`metrics::ml.inference.queue_wait::kind: found no value`, `did you mean "ml.inference.queue_wait_ms"?`},
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
				t.Fatal("the collector started nevertheless")
			}
			assert.Equal(t, 1, process.ExitCode())
			for _, words := range test.says {
				assert.Contains(t, process.Log(), words)
			}
		})
	}
}

// TestConfigWarnings: what can work but is rarely meant is printed by validate and logged at the start, which also says
// where kept traces go. A variable that is set to nothing has its default.
func TestConfigWarnings(t *testing.T) {
	t.Parallel()
	const (
		namespace = "yaml:exporters::prometheus::namespace: acme"
		warning   = `exporters::prometheus::namespace: found "acme", must be none`
		variable  = "OTELCOL_ML_OTLP_ENDPONT"
	)
	command := exec.Command(stack.CollectorBinary(t), "validate", "--config", stack.Root(t, "otelcol.yaml"), "--config", namespace)
	command.Env = append(command.Environ(), variable+"=http://tempo:4318", "OTELCOL_ML_GRPC_ENDPOINT=", "OTELCOL_ML_DECISION_WAIT=")
	output, err := command.CombinedOutput()
	require.NoError(t, err, string(output))
	assert.Contains(t, string(output), "Warning: "+warning)
	assert.Contains(t, string(output), "Warning: "+variable+`: found a variable that no file of the configuration reads, must be one that it reads; `+
		`did you mean "OTELCOL_ML_OTLP_ENDPOINT"?`)

	options := stack.CollectorOptions(t, namespace)
	options.Env = append(options.Env, variable+"=http://tempo:4318", "OTELCOL_ML_GENAI=")
	running := stack.StartCollector(t, options)
	assert.Contains(t, running.Log(), warning)
	assert.Contains(t, running.Log(), variable+": found a variable")
	assert.Contains(t, running.Log(), "Kept traces go to file/kept ("+options.DataDir+"/kept-traces.jsonl)")
}

// TestURLPasswords: the password of a backend's URL is in no log, also where sending fails, and not in what print-config prints.
func TestURLPasswords(t *testing.T) {
	t.Parallel()
	const password = "hunter-2"
	options := stack.CollectorOptions(t, stack.Root(t, "deploy/backend/otelcol.yaml"))
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s", "OTELCOL_ML_OTLP_ENDPOINT=http://gateway:" + password + "@127.0.0.1:9/tempo"}
	running := stack.StartCollector(t, options)
	require.NotEmpty(t, sendSome(t, running, 50))
	stack.Until(t, running.Process, "a log line about the backend", func(context.Context) error {
		if !strings.Contains(running.Log(), "Exporting failed") {
			return errors.New("none yet")
		}
		return nil
	})
	assert.NotContains(t, running.Log(), password)
	assert.Contains(t, running.Log(), "http://gateway:[REDACTED]@127.0.0.1:9/tempo")

	for _, format := range []string{"yaml", "json"} {
		command := exec.Command(stack.CollectorBinary(t), "print-config", "--format="+format, "--config", options.Configs[0], "--config", options.Configs[1])
		command.Env = append(command.Environ(), options.Env...)
		output, err := command.CombinedOutput()
		require.NoError(t, err, string(output))
		assert.NotContains(t, string(output), password)
		assert.Contains(t, string(output), "http://gateway:[REDACTED]@127.0.0.1:9/tempo")
	}
}

// TestNoConfig: whoever starts the collector without a configuration reads which flag to give.
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
