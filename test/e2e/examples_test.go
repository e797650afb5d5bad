package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestExamplePython: what the article's services in Python say they did is what the collector counts from their spans.
// test/interop has the other ways in which Python services are started.
func TestExamplePython(t *testing.T) {
	t.Parallel()
	runExample(t, stack.Root(t, "examples/python"), python(t, "example-python"), "run.py", "--port", "0")
}

// TestExampleGo: the same for the service in Go.
func TestExampleGo(t *testing.T) {
	t.Parallel()
	dir := stack.Root(t, "examples/go")
	binary := filepath.Join(t.TempDir(), "example")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = dir
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	runExample(t, dir, binary, "-address", "localhost:0")
}

// python is the interpreter of a virtual environment that make has made.
func python(t *testing.T, venv string) string {
	t.Helper()
	path := stack.Root(t, filepath.Join("build/venv", venv, "bin/python"))
	_, err := os.Stat(path)
	require.NoError(t, err, "make it with `make build/venv/%s/installed`", venv)
	return path
}

// runExample runs an example to its end against a collector, and waits until that has counted what the example says it did.
func runExample(t *testing.T, dir string, command ...string) *collector.Collector {
	t.Helper()
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	example := exec.CommandContext(ctx, command[0], command[1:]...)
	example.Dir = dir
	example.Env = append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+running.GRPC)
	out, err := example.CombinedOutput()
	require.NoError(t, err, string(out))

	counted, err := scrape.ReadCounted(string(out))
	require.NoError(t, err)
	for metric, n := range counted {
		assert.Positive(t, n, "the example does not show %s", metric)
	}
	stack.Until(t, running.Process, "what the example counted", func(ctx context.Context) error {
		samples, err := running.Metrics(ctx)
		if err != nil {
			return err
		}
		return counted.Is(samples)
	})
	return running
}
