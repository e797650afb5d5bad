package e2e

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// everyKind has requests of each kind that a policy keeps, most of them of one kind only.
var everyKind = shop.Rates{
	FeatureCascade: 0.03, LongQueue: 0.03, ShortQueue: 0.05, Revalidated: 0.05, ColdStart: 0.03, Failed: 0.05, LongCompute: 0.05,
}

// TestExemplars: every exemplar in Prometheus leads to a stored trace, whichever policy kept it, also that of a span
// that came hours after the decision; of a trace that is not kept there is none, whatever its late spans show.
func TestExemplars(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush))
	prometheus := stack.StartPrometheus(t, nil, running.Addresses.Metrics)
	failed := func(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError) }
	long, lost := pcommon.TraceID{0: 1, 15: 1}, routineID()
	export(t, running, oneSpan(long, 1, failed))
	export(t, running, oneSpan(lost, 1, func(ptrace.Span) {}))

	reasons := map[pcommon.TraceID]string{}
	send := sendWaves(t, running, func(s shop.Sent) { reasons[pcommon.TraceID(s.TraceID)] = onlyReason(s) })
	sent := send()
	untilExemplars(t, prometheus, send, func(found []exemplar) error {
		of := map[string]int{}
		for _, e := range found {
			of[reasons[e.trace]]++
		}
		if of["error"] == 0 || of["signal"] == 0 || of["slow"] == 0 || of["baseline"] == 0 {
			return fmt.Errorf("exemplars by the only reason why their traces are kept: %v", of)
		}
		if most := mostBuckets(found); most < 4 {
			return fmt.Errorf("the exemplars of one histogram are in %d buckets", most)
		}
		return nil
	})

	// Both are decided by now. The late spans are distinguished by their durations.
	untilDecided(t, running, sent+2)
	for n := byte(2); n < 4; n++ {
		late := func(s ptrace.Span) {
			failed(s)
			s.SetEndTimestamp(s.StartTimestamp() + pcommon.Timestamp(n)*1e9)
		}
		export(t, running, oneSpan(lost, n, late))
		export(t, running, oneSpan(long, n, late))
	}
	untilExemplars(t, prometheus, nil, func(found []exemplar) error {
		for _, e := range found {
			if e.trace == long && e.value >= 2000 {
				return nil
			}
		}
		return errors.New("none of a late span")
	})
	found := assertExemplarsStored(t, running, prometheus)
	metrics := map[string]int{}
	for _, e := range found {
		metrics[e.metric]++
		assert.NotEqual(t, lost, e.trace)
	}
	for _, metric := range []string{
		"duration_ms_bucket", "ml_pipeline_latency_ms_bucket", "ml_inference_queue_wait_ms_bucket", "ml_signals_total",
		"ml_feature_extraction_db_lookup_ms_bucket", "ml_post_processing_validation_attempts_bucket",
	} {
		assert.NotZero(t, metrics[metric], "exemplars of %s", metric)
	}
}

// TestNativeExemplars is the same with exponential histograms, of which Prometheus reads fewer.
func TestNativeExemplars(t *testing.T) {
	t.Parallel()
	both, err := proc.FreeAddress()
	require.NoError(t, err)
	options := stack.CollectorOptions(t, stack.Root(t, "test/e2e/testdata/native-histograms.yaml"))
	options.Env = append(options.Env, "TEST_METRICS_BOTH="+both)
	running := stack.StartCollector(t, options)
	prometheus := stack.StartPrometheusNative(t, running.Addresses.Metrics, both)

	send := sendWaves(t, running, func(shop.Sent) {})
	send()
	untilExemplars(t, prometheus, send, func(found []exemplar) error {
		classic, native := 0, map[string]bool{}
		var ofNative []exemplar
		for _, e := range found {
			if strings.HasSuffix(e.metric, "_bucket") {
				classic++
			} else if !strings.HasSuffix(e.metric, "_total") {
				native[e.metric] = true
				ofNative = append(ofNative, e)
			}
		}
		if most := mostBuckets(ofNative); classic == 0 || !native["duration_ms"] || !native["duration_ms_exponential"] || most < 2 {
			return fmt.Errorf("%d classic, native of %v, in %d buckets at most", classic, native, most)
		}
		return nil
	})
	assertExemplarsStored(t, running, prometheus)
}

// TestExemplarsFollowOtherPolicies changes the policies and nothing else: exemplars lead to what these keep.
func TestExemplarsFollowOtherPolicies(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush, stack.Root(t, "test/e2e/testdata/otherpolicies.yaml")))
	prometheus := stack.StartPrometheus(t, nil, running.Addresses.Metrics)
	reasons := map[pcommon.TraceID]string{}
	var mustKeep []pcommon.TraceID
	send := sendWaves(t, running, func(s shop.Sent) {
		id := pcommon.TraceID(s.TraceID)
		switch slow, tenth := s.Slower(300*time.Millisecond), inTenth(s.TraceID); {
		case slow && !s.Slower(truth.SlowRequest) && !tenth:
			reasons[id] = "slower than 300 ms"
		case tenth && !slow:
			reasons[id] = "a tenth"
		}
		if len(s.Signals()) > 0 {
			mustKeep = append(mustKeep, id)
		}
	})
	send()
	untilExemplars(t, prometheus, send, func(found []exemplar) error {
		of := map[string]int{}
		for _, e := range found {
			of[reasons[e.trace]]++
		}
		if of["slower than 300 ms"] == 0 || of["a tenth"] == 0 {
			return fmt.Errorf("exemplars by the only reason why their traces are kept: %v", of)
		}
		return nil
	})
	assertExemplarsStored(t, running, prometheus)
	stored, err := kept.Read(running.KeptFile())
	require.NoError(t, err)
	lost := 0
	for _, id := range mustKeep {
		if stored[id] == nil {
			lost++
		}
	}
	require.NotZero(t, lost, "so signals by which the shipped policies would have kept traces do not count here")
}

// exemplar is one that Prometheus has stored.
type exemplar struct {
	metric, series string // the series without its bucket
	bucket         string
	value          float64
	trace          pcommon.TraceID
}

// sendWaves returns what sends some requests, and returns how many.
func sendWaves(t *testing.T, running *collector.Collector, each func(shop.Sent)) func() int {
	t.Helper()
	services := open(t, running, shop.Config{})
	source := shop.NewSource(1, everyKind, time.Now().Add(-2*time.Second), time.Millisecond)
	return func() int {
		for range 400 {
			each(services.Play(source.Next()))
		}
		require.NoError(t, services.Flush(t.Context()))
		return 400
	}
}

// untilExemplars waits for exemplars, and has more requests sent meanwhile, so that each flush has some to offer.
func untilExemplars(t *testing.T, prometheus *stack.Prometheus, more func() int, enough func([]exemplar) error) {
	t.Helper()
	sent := time.Now()
	stack.Until(t, prometheus.Process, "exemplars", func(ctx context.Context) error {
		if more != nil && time.Since(sent) > 8*time.Second {
			more()
			sent = time.Now()
		}
		found, err := exemplars(ctx, prometheus)
		if err != nil {
			return err
		}
		return enough(found)
	})
}

// assertExemplarsStored ends the collector and looks up the trace of every exemplar among the kept ones. None was
// refused by Prometheus as older than the one before.
func assertExemplarsStored(t *testing.T, running *collector.Collector, prometheus *stack.Prometheus) []exemplar {
	t.Helper()
	found, err := exemplars(t.Context(), prometheus)
	require.NoError(t, err)
	require.NotEmpty(t, found)
	of, err := scrape.Fetch(t.Context(), prometheus.URL+"/metrics")
	require.NoError(t, err)
	assert.Positive(t, of.Sum("prometheus_tsdb_exemplar_exemplars_appended_total"))
	assert.Zero(t, of.Sum("prometheus_target_scrapes_exemplar_out_of_order_total"))
	assert.Zero(t, of.Sum("prometheus_tsdb_exemplar_out_of_order_exemplars_total"))
	assert.NotContains(t, strings.ToLower(prometheus.Log()), "exemplar")

	stack.Stop(t, running.Process)
	stored, err := kept.Read(running.KeptFile())
	require.NoError(t, err)
	traces := map[pcommon.TraceID]bool{}
	for _, e := range found {
		require.NotEmpty(t, stored[e.trace], "%s points at trace %s, which is not kept", e.series, e.trace)
		traces[e.trace] = true
	}
	t.Logf("%d exemplars of %d traces, of %d stored", len(found), len(traces), len(stored))
	return found
}

// exemplars are all that Prometheus has stored.
func exemplars(ctx context.Context, prometheus *stack.Prometheus) (found []exemplar, err error) {
	var all []v1.ExemplarQueryResult
	all, err = prometheus.QueryExemplars(ctx, `{job="otelcol-ml"}`, time.Now().Add(-time.Hour), time.Now().Add(time.Minute))
	for _, of := range all {
		labels := maps.Clone(of.SeriesLabels)
		bucket, isClassic := labels["le"]
		delete(labels, "le")
		for _, e := range of.Exemplars {
			id, err := trace.TraceIDFromHex(string(e.Labels["trace_id"]))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", of.SeriesLabels, err)
			}
			if len(e.Labels["span_id"]) != 16 {
				return nil, fmt.Errorf("%s: span %q", of.SeriesLabels, e.Labels["span_id"])
			}
			if !isClassic { // native buckets are no wider than a doubling
				bucket = model.LabelValue(fmt.Sprint(math.Ilogb(float64(e.Value))))
			}
			found = append(found, exemplar{
				string(labels["__name__"]), labels.String(), string(bucket), float64(e.Value), pcommon.TraceID(id),
			})
		}
	}
	return found, err
}

// mostBuckets is in how many of its buckets a histogram has exemplars, the histogram with the most.
func mostBuckets(found []exemplar) (most int) {
	buckets := map[string]map[string]bool{}
	for _, e := range found {
		if buckets[e.series] == nil {
			buckets[e.series] = map[string]bool{}
		}
		buckets[e.series][e.bucket] = true
		most = max(most, len(buckets[e.series]))
	}
	return most
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

// inTenth is whether the policy of testdata/otherpolicies.yaml keeps a trace.
func inTenth(id trace.TraceID) bool {
	hash := fnv.New64a()
	hash.Write([]byte("pepper"))
	hash.Write(id[:])
	return float64(hash.Sum64()) <= math.MaxUint64*0.1
}
