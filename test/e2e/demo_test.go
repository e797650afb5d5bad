package e2e

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestDemo runs what `make demo` runs, twice in the same place, the second time with the usual port taken.
func TestDemo(t *testing.T) {
	t.Parallel()
	demo, data := buildDemo(t), t.TempDir()
	run := func() string {
		command := exec.CommandContext(t.Context(), demo, "--collector", stack.CollectorBinary(t),
			"--config", stack.Root(t, "otelcol.yaml"), "--data", data, "--requests", "1500")
		command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
		output, err := command.CombinedOutput()
		require.NoError(t, err, string(output))
		return string(output)
	}

	assertReport(t, run())

	listener, err := net.Listen("tcp", "localhost:4317")
	if err == nil {
		t.Cleanup(func() { listener.Close() })
	} // otherwise something else has taken it, which is as good
	output := run()
	assertReport(t, output)
	assert.Contains(t, output, "localhost:4317 is taken")
}

func buildDemo(t *testing.T) string {
	t.Helper()
	demo := filepath.Join(t.TempDir(), "demo")
	build := exec.Command("go", "build", "-o", demo, ".")
	build.Dir = stack.Root(t, "examples/demo")
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	return demo
}

func assertReport(t *testing.T, output string) {
	t.Helper()
	for _, pattern := range []string{
		`sending requests: 1 501 of 1 501`,
		`ml\.feature_extraction +823 ms +fell back to the database: 812 ms`,
		`tokenizer_init +38 ms +cold start: tokenizer`,
		`ml\.inference +895 ms +waited 580 ms for the GPU, 1\.8 times the compute`,
		`ml\.post_processing +37 ms +silent repair: validated 2 times`,
		`ml\.feature_extractor +[\d ]+ ms`,
		`The average is 1\.0\d\d attempts: the alert does not fire`,
		`ml\.api_gateway +[\d ]+ ms`,
		`slow-requests +\d+`,
		`baseline +\d+`,
		`kept-traces\.jsonl`,
	} {
		assert.Regexp(t, pattern, output)
	}
	for _, bottleneck := range []string{"feature store fell back", "waited longer", "output repaired", "component loaded"} {
		found := regexp.MustCompile(`(?m)^  ` + bottleneck + `.*?  +(\d+)  +(\d+)  `).FindStringSubmatch(output)
		if assert.NotNil(t, found, "%s in\n%s", bottleneck, output) {
			assert.Equal(t, found[1], found[2], "%s: sent and found", bottleneck)
			assert.NotEqual(t, "0", found[1], bottleneck)
		}
	}
	assert.NotContains(t, output, "\x1b", "no terminal, no colours")
}

// TestDemoErrors: what a newcomer may get wrong is said in a line that helps.
func TestDemoErrors(t *testing.T) {
	t.Parallel()
	demo, data := buildDemo(t), t.TempDir()
	broken := filepath.Join(data, "broken.yaml")
	require.NoError(t, os.WriteFile(broken, []byte("receivers: {otlp: {protokols: {}}}\n"), 0o600))
	config := stack.Root(t, "otelcol.yaml")
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"no collector": {[]string{"--collector", filepath.Join(data, "none"), "--config", config}, "build it with `make build`"},
		"no config":    {[]string{"--collector", stack.CollectorBinary(t), "--config", filepath.Join(data, "none.yaml")}, "none.yaml"},
		"bad config":   {[]string{"--collector", stack.CollectorBinary(t), "--config", broken}, "protokols"},
		"no requests":  {[]string{"--config", config, "--requests", "0"}, "--requests 0: must be at least 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, err := exec.Command(demo, append(test.args, "--data", filepath.Join(t.TempDir(), "data"))...).CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, string(output))
			assert.Equal(t, 1, exit.ExitCode())
			assert.Contains(t, string(output), test.says)
			assert.NotContains(t, string(output), "goroutine")
		})
	}
}

// TestDemoInterrupted: Ctrl-C ends the demo and its collector.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	demo, data := buildDemo(t), t.TempDir()
	process, err := proc.Start(proc.Command{
		Name: "the demo", Path: demo, Log: filepath.Join(data, "demo.log"),
		Args: []string{"--collector", stack.CollectorBinary(t), "--config", stack.Root(t, "otelcol.yaml"), "--data", data, "--requests", "500"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { stack.Stop(t, process) })
	stack.Until(t, process, "the requests to be sent", func(context.Context) error {
		if !strings.Contains(process.Log(), "sending requests: 501 of 501") {
			return errors.New("not yet")
		}
		return nil
	})
	stack.Stop(t, process)
	assert.Equal(t, 130, process.ExitCode(), process.Log())
	assert.Contains(t, process.Log(), "demo: interrupted")
	log, err := os.ReadFile(filepath.Join(data, "collector.log"))
	require.NoError(t, err)
	assert.Contains(t, string(log), "Shutdown complete")
}
