package aggregate

import (
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/catalogue"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// memoryBound is what the connector may hold with 2,000 series allowed for each metric, whatever arrives.
const memoryBound = 64 << 20

// TestFloodOfLabelSets sends distinct label sets without end: every span has a span name and a model name of its own.
// Memory stays within the bound, a series that was there before stays exact, and sums are right.
// MLMETRICS_LABEL_SETS=10000000 is the full test, 300,000 the short one.
func TestFloodOfLabelSets(t *testing.T) {
	sets := 300_000
	if n := os.Getenv("MLMETRICS_LABEL_SETS"); n != "" {
		var err error
		sets, err = strconv.Atoi(n)
		require.NoError(t, err)
	}
	const perBatch = 1000
	clock := newFakeClock()
	a := New(plan.Compile(catalogue.Metrics()), Options{SeriesLimit: 2000, AdjustedCounts: true, Exemplars: shipped(), Now: clock.Now})
	a.Consume(spansNamed("known"))
	flush(t, a)

	td := spansNamed(make([]string, perBatch)...)
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	var worst uint64
	for i := range sets / perBatch {
		for j, span := range spans.All() {
			n := strconv.Itoa(i*perBatch + j)
			span.SetName("operation " + n)
			span.Attributes().PutStr(vocab.ModelName, "model "+n)
		}
		a.Consume(td)
		a.Consume(spansNamed("known"))
		if i%(sets/perBatch/10) == 0 {
			flush(t, a)
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			worst = max(worst, m.HeapAlloc)
		}
	}
	t.Logf("%d label sets, %d MB of heap at most", sets, worst>>20)
	require.Less(t, worst, uint64(memoryBound))

	metrics := flush(t, a)
	for _, name := range []string{"duration_ms", "ml.stage.calls"} {
		total, overflow, known := 0.0, 0.0, 0.0
		for key, p := range points(metrics) {
			if p.metric != name {
				continue
			}
			total += p.value
			switch {
			case key == name+"map[otel.metric.overflow:true]":
				overflow = p.value
			case p.value > 1:
				known = p.value
			}
		}
		require.EqualValues(t, sets+sets/perBatch+1, total, name)
		require.EqualValues(t, sets/perBatch+1, known, "%s: the series that was there before the flood", name)
		require.Greater(t, overflow, float64(sets)/2, name)
	}
	a.TakeCounts(func(c *Counts) {
		for i, m := range a.plan.Metrics {
			if m.Name != "duration_ms" {
				continue
			}
			for j, label := range m.Names {
				if label == "span.name" || label == vocab.ModelName {
					require.InEpsilon(t, sets, c.LabelValues[i][j], 0.15, "%s is to blame", label)
				} else {
					require.LessOrEqual(t, c.LabelValues[i][j], uint64(2), label)
				}
			}
		}
	})
}
