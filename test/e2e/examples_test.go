package e2e

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestExamplePython: what the article's services in Python say they did is what the collector counts from their spans.
// test/interop has the other ways in which Python services are started.
func TestExamplePython(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush))
	prometheus := stack.StartPrometheus(t, nil, running.Addresses.Metrics)
	runExample(t, running, stack.Root(t, "examples/python"), python(t, "example-python"), "run.py", "--port", "0")
	testVariants(t, running, prometheus)
}

// testVariants: the queries of docs/queries.md distinguish the two variants of the example's A/B test.
func testVariants(t *testing.T, running *collector.Collector, prometheus *stack.Prometheus) {
	t.Helper()
	text, err := os.ReadFile(stack.Root(t, "docs/queries.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## A/B tests\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	queries := promqlBlock.FindAllStringSubmatch(section, -1)
	require.Len(t, queries, 2)

	samples, err := running.Metrics(t.Context())
	require.NoError(t, err)
	revalidated := samples.By("ml_post_processing_revalidations_total", "ml_experiment_variant")
	outputs := samples.By("ml_stage_calls_total", "ml_experiment_variant", "ml_stage", "post_processing")
	require.Len(t, outputs, 2)
	for variant, n := range outputs {
		prometheus.UntilEqual(fmt.Sprintf(`sum(ml_stage_calls_total{ml_stage="post_processing", ml_experiment_variant=%q})`, variant), n)
	}
	latency, repaired := prometheus.By(queries[0][1], "ml_experiment_variant"), prometheus.By(queries[1][1], "ml_experiment_variant")
	require.Len(t, latency, 2)
	require.Len(t, repaired, 2)
	for variant, n := range outputs {
		assert.Positive(t, latency[variant], variant)
		assert.InDelta(t, revalidated[variant]/n, repaired[variant], 0.01, variant)
	}
}

var promqlBlock = regexp.MustCompile("(?s)```promql\n(.*?)```")

// TestFirstTrace: the script that docs/instrument.md begins with leads to a marked trace that is kept.
func TestFirstTrace(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush))
	script := exec.CommandContext(t.Context(), python(t, "example-python"), stack.Root(t, "examples/python/first_trace.py"))
	script.Env = append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+running.GRPC)
	out, err := script.CombinedOutput()
	require.NoError(t, err, string(out))
	id, err := hex.DecodeString(strings.TrimSpace(strings.TrimPrefix(string(out), "trace ")))
	require.NoError(t, err, string(out))

	for _, span := range untilKept(t, running, pcommon.TraceID(id), 2) {
		assert.Equal(t, span.Name() == "ml.inference", span.Is("ml.signal.queue_bound"), span.Name())
		assert.Equal(t, span.Name() == "ml.inference", span.Is("ml.signal.high_queue_wait"), span.Name())
	}
	stack.Until(t, running.Process, "the signal in the metrics", func(ctx context.Context) error {
		samples, err := running.Metrics(ctx)
		if err != nil {
			return err
		}
		return scrape.Counted{`ml_signals_total{signal="queue_bound"}`: 1, `ml_pipeline_requests_total{ml_pipeline_name="first-steps"}`: 1}.Is(samples)
	})
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
	runExample(t, stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush)), dir, binary, "-address", "localhost:0")
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
func runExample(t *testing.T, running *collector.Collector, dir string, command ...string) {
	t.Helper()
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
}
