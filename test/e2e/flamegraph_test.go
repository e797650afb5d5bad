package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// testFlamegraph sends the article's request and finds its three problems, and the cold start, marked and
// counted, and its time divided among them.
func testFlamegraph(t *testing.T, running *collector.Collector, prometheus *stack.Prometheus) {
	before := prometheus.Number("sum(duration_ms_count)")
	signals := prometheus.By("sum by (signal) (ml_signals_total)", "signal")
	const spanCount = 10
	post(t, running, "testdata/article/flamegraph.json")
	id := pcommon.TraceID{0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c}
	trace := untilKept(t, running, id, spanCount)
	require.Len(t, trace, spanCount)
	byName := map[string]kept.Span{}
	for _, span := range trace {
		byName[span.Name()] = span
	}

	for name, want := range map[string]map[string]any{
		"ml.pipeline.request": {
			"ml.stage": "request", "ml.diagnosis.bottleneck": "feature_store", "ml.diagnosis.share": 823.0 / 1820,
			"ml.diagnosis.causes":           []any{"feature_store", "gpu_queue", "gpu_compute", "cold_start", "revalidation"},
			"ml.diagnosis.shares.gpu_queue": 580.0 / 1820, "ml.diagnosis.shares.gpu_compute": 315.0 / 1820,
			"ml.diagnosis.shares.cold_start": 38.0 / 1820,
		},
		"ml.input_validation": {"ml.stage": "input_validation"},
		"ml.feature_extraction": {
			"ml.stage": "feature_extraction", "ml.signal.feature_cascade": true, "ml.features.db_share": 812.0 / 823,
		},
		"ml.batch_assembly": {"ml.stage": "batch_assembly"},
		"tokenizer_init": {
			"ml.stage": "tokenization", "ml.signal.cold_start": true,
			"ml.cold_start.component": "tokenizer", "ml.cold_start.duration_ms": 38.0,
		},
		"ml.inference": {
			"ml.stage": "inference", "ml.signal.queue_bound": true, "ml.signal.high_queue_wait": true,
			"ml.inference.queue_compute_ratio": 580.0 / 315,
		},
		"ml.post_processing": {"ml.stage": "post_processing", "ml.signal.revalidated": true},
	} {
		span, ok := byName[name]
		require.True(t, ok, name)
		for key, value := range want {
			got, ok := span.Attributes().Get(key)
			require.True(t, ok, "%s: no %s", name, key)
			if number, isNumber := value.(float64); isNumber {
				require.Equal(t, pcommon.ValueTypeDouble, got.Type(), "%s: %s", name, key)
				assert.InEpsilon(t, number, got.Double(), 1e-12, "%s: %s", name, key)
				continue
			}
			assert.Equal(t, value, got.AsRaw(), "%s: %s", name, key)
		}
	}
	assertOnlySignals(t, trace, 5)

	prometheus.UntilEqual("sum(duration_ms_count)", before+spanCount)
	prometheus.UntilEqual("sum(ml_signals_total)", total(slices.Collect(maps.Values(signals)))+5)
	after := prometheus.By("sum by (signal) (ml_signals_total)", "signal")
	for _, signal := range []string{"feature_cascade", "queue_bound", "high_queue_wait", "revalidated", "cold_start"} {
		assert.Equal(t, signals[signal]+1, after[signal], signal)
	}
	assert.Equal(t, signals["features_unavailable"], after["features_unavailable"])
}

// assertOnlySignals counts the signals of a whole trace: none is set where it is not true, not even as false.
func assertOnlySignals(t *testing.T, trace kept.Trace, want int) {
	t.Helper()
	signals := 0
	for _, span := range trace {
		for key := range span.Attributes().All() {
			if strings.HasPrefix(key, "ml.signal.") {
				signals++
			}
		}
	}
	assert.Equal(t, want, signals)
}
