package e2e

import (
	"bytes"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// TestShutdown ends the collector by SIGTERM while it holds everything: neither the metrics' interval nor the
// sampling decisions' wait has passed. All of it comes out, also with a second SIGTERM. Then it starts again in the same place.
func TestShutdown(t *testing.T) {
	t.Parallel()
	options := stack.CollectorOptions(t, stack.Root(t, "test/e2e/testdata/metrics-file.yaml"))
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=600s"}
	var runs [][]shop.Sent
	for run := range 2 {
		running := stack.StartCollector(t, options)
		sent := sendSome(t, running, 300)
		if run == 1 { // an impatient operator: the second signal must not cut the shutdown short
			require.NoError(t, syscall.Kill(running.PID(), syscall.SIGTERM))
		}
		stack.Stop(t, running.Process)
		require.Equal(t, 0, running.ExitCode(), running.Tail(10))
		runs = append(runs, sent)

		counted := lastCounts(t, options.DataDir+"/metrics.jsonl")
		assert.Equal(t, spans(sent), counted["duration_ms"])
		assert.Equal(t, float64(len(sent)), counted["ml.pipeline.latency_ms"])
	}

	traces, err := kept.Read(options.DataDir + "/kept-traces.jsonl")
	require.NoError(t, err)
	for run, sent := range runs {
		for _, s := range sent {
			if truth.MustKeep(s) {
				trace, ok := traces[pcommon.TraceID(s.TraceID)]
				require.True(t, ok, "trace %s of run %d is lost", s.TraceID, run+1)
				assertWhole(t, s, trace)
			}
		}
	}
}

// sendSome sends requests of which a fifth must be kept, and returns once the collector has taken them.
func sendSome(t *testing.T, running *collector.Collector, n int) []shop.Sent {
	t.Helper()
	services := open(t, running, shop.Config{})
	source := shop.NewSource(3, shop.Rates{LongQueue: 0.1, Revalidated: 0.1}, time.Now().Add(-time.Minute), time.Millisecond)
	var sent []shop.Sent
	for range n {
		sent = append(sent, services.Play(source.Next()))
	}
	require.NoError(t, services.Flush(t.Context()))
	return sent
}

// lastCounts adds up each histogram's counts in the last export of the file. The file has one export a line.
func lastCounts(t *testing.T, path string) map[string]float64 {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	require.NotEmpty(t, lines, "nothing was exported")
	exported, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(lines[len(lines)-1])
	require.NoError(t, err)
	counts := map[string]float64{}
	for _, resource := range exported.ResourceMetrics().All() {
		for _, scope := range resource.ScopeMetrics().All() {
			for _, metric := range scope.Metrics().All() {
				if metric.Type() != pmetric.MetricTypeHistogram {
					continue
				}
				for _, point := range metric.Histogram().DataPoints().All() {
					counts[metric.Name()] += float64(point.Count())
				}
			}
		}
	}
	return counts
}
