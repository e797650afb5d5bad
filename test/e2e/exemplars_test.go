package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// tellingRates have requests of each kind that a policy keeps, most of them of one kind only.
var tellingRates = shop.Rates{
	FeatureCascade: 0.03, LongQueue: 0.03, ShortQueue: 0.05, Revalidated: 0.05, ColdStart: 0.03, Failed: 0.05, LongCompute: 0.05,
}

// TestExemplars looks up the trace of every exemplar that Prometheus has stored among the kept ones: all are there, and
// not only those that the baseline's hash keeps. Spans are two seconds old: those of an older request may come after its
// decision, so that only the hash chooses among them.
func TestExemplars(t *testing.T) {
	t.Parallel()
	options := stack.CollectorOptions(t, stack.FastFlush)
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=12s"}
	running := stack.StartCollector(t, options)
	prometheus := stack.StartPrometheus(t, nil, running.Addresses.Metrics)
	long := routineID()
	export(t, running, oneSpan(long, 1, func(ptrace.Span) {}))

	services := open(t, running, shop.Config{})
	var sent []shop.Sent
	reasons := map[pcommon.TraceID]string{}
	// A busy machine may send a wave so late that nothing but the hash chooses: then there is another one.
	for wave := uint64(1); ; wave++ {
		source := shop.NewSource(wave, tellingRates, time.Now().Add(-2*time.Second), time.Millisecond)
		for range 400 {
			s := services.Play(source.Next())
			sent = append(sent, s)
			reasons[pcommon.TraceID(s.TraceID)] = onlyReason(s)
		}
		require.NoError(t, services.Flush(t.Context()))
		untilCounted(prometheus, `job="otelcol-ml",service_name!="late"`, sent)
		found := map[string]int{}
		for id := range exemplarTraces(t, prometheus) {
			found[reasons[id]]++
		}
		if found["error"] > 0 && found["signal"] > 0 && found["slow"] > 0 && found["baseline"] > 0 {
			break
		}
		require.Less(t, wave, uint64(10), "exemplars' traces by the reason why they are kept: %v", found)
	}

	stored := untilDecided(t, running, len(sent)+1)
	metrics := map[string]int{}
	for id, series := range exemplarTraces(t, prometheus) {
		require.NotEmpty(t, stored[id], "%v point at trace %s, which is not kept", series, id)
		for metric := range series {
			metrics[metric]++
		}
	}
	for _, metric := range []string{
		"duration_ms_bucket", "ml_pipeline_latency_ms_bucket", "ml_inference_queue_wait_ms_bucket", "ml_signals_total",
		"ml_feature_extraction_db_lookup_ms_bucket", "ml_post_processing_validation_attempts_bucket",
	} {
		assert.NotZero(t, metrics[metric], "exemplars of %s", metric)
	}

	require.Empty(t, stored[long])
	// Whoever sees one young span cannot tell that its request began before the decision wait, so this exemplar leads
	// nowhere, as the connector's README says.
	for n := byte(2); ; n++ {
		export(t, running, oneSpan(long, n, func(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError) }))
		prometheus.UntilEqual(`sum(duration_ms_count{service_name="late"})`, float64(n))
		if _, ok := exemplarTraces(t, prometheus)[long]; ok {
			break
		}
		require.Less(t, n, byte(10), "no exemplar of a late span that failed")
	}
	stack.Stop(t, running.Process)
	stored, err := kept.Read(running.KeptFile())
	require.NoError(t, err)
	assert.Empty(t, stored[long])
}

// onlyReason is the one reason for which a request's trace is kept, "" where there is none, or more than one.
func onlyReason(s shop.Sent) string {
	only := ""
	for reason, is := range map[string]bool{
		"baseline": truth.InBaseline(s.TraceID), "error": s.Failed(), "slow": s.Slower(truth.SlowRequest), "signal": len(s.Signals()) > 0,
	} {
		if is && only != "" {
			return ""
		} else if is {
			only = reason
		}
	}
	return only
}

// exemplarTraces are the traces that exemplars in Prometheus point at, and the metrics that have these exemplars.
func exemplarTraces(t *testing.T, prometheus *stack.Prometheus) map[pcommon.TraceID]map[string]bool {
	t.Helper()
	traces := map[pcommon.TraceID]map[string]bool{}
	for _, series := range exemplars(t, prometheus) {
		for _, e := range series.Exemplars {
			parsed, err := trace.TraceIDFromHex(string(e.Labels["trace_id"]))
			require.NoError(t, err, "%s", series.SeriesLabels)
			id := pcommon.TraceID(parsed)
			if traces[id] == nil {
				traces[id] = map[string]bool{}
			}
			traces[id][string(series.SeriesLabels["__name__"])] = true
			assert.NotEmpty(t, e.Labels["span_id"])
		}
	}
	return traces
}

func exemplars(t *testing.T, prometheus *stack.Prometheus) []v1.ExemplarQueryResult {
	t.Helper()
	var found []v1.ExemplarQueryResult
	stack.Until(t, prometheus.Process, "exemplars", func(ctx context.Context) error {
		var err error
		found, err = prometheus.QueryExemplars(ctx, `{job="otelcol-ml"}`, time.Now().Add(-time.Hour), time.Now().Add(time.Minute))
		if err == nil && len(found) == 0 {
			return fmt.Errorf("none yet")
		}
		return err
	})
	return found
}
