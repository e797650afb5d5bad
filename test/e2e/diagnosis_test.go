package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestDiagnosis: a kept trace says on its root span what the request spent its time on, in the article's figures, and a
// span that comes later says that it is no more than a part.
func TestDiagnosis(t *testing.T) {
	t.Parallel()
	options := stack.CollectorOptions(t)
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s"}
	running := stack.StartCollector(t, options)
	post(t, running, "testdata/article/flamegraph.json")
	id := pcommon.TraceID{0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c}
	const spanCount = 10
	trace := untilKept(t, running, id, spanCount)

	const root = "ml.pipeline.request"
	for _, span := range trace {
		_, ok := span.Attributes().Get("ml.diagnosis.bottleneck")
		assert.Equal(t, span.Name() == root, ok, span.Name())
	}
	got := spanNamed(t, trace, root).Attributes().AsRaw()
	assert.Equal(t, "feature_store", got["ml.diagnosis.bottleneck"])
	assert.InEpsilon(t, 823.0/1820, got["ml.diagnosis.share"], 1e-9)
	assert.Equal(t, []any{"feature_store", "gpu_queue", "gpu_compute", "cold_start", "revalidation"}, got["ml.diagnosis.causes"])
	assert.Contains(t, got["ml.diagnosis.critical_path"], "db_fallback")
	assert.NotContains(t, got, "ml.diagnosis.partial")

	export(t, running, oneSpan(id, 1, func(s ptrace.Span) {
		s.SetName("late")
		s.SetParentSpanID(spanNamed(t, trace, root).SpanID())
		s.Attributes().PutDouble("ml.inference.queue_wait_ms", 5000)
	}))
	late := spanNamed(t, untilKept(t, running, id, spanCount+1), "late").Attributes().AsRaw()
	assert.Equal(t, true, late["ml.diagnosis.partial"])
	assert.NotContains(t, late, "ml.diagnosis.bottleneck")

	stack.Until(t, running.Process, "the processor's telemetry", func(ctx context.Context) error {
		telemetry, err := running.Telemetry(ctx)
		if err != nil {
			return err
		}
		traces := telemetry.Sum("otelcol_processor_mldiagnosis_traces", "bottleneck", "feature_store")
		partial := telemetry.Sum("otelcol_processor_mldiagnosis_partial_traces", "reason", "late")
		if traces != 1 || partial != 1 {
			return fmt.Errorf("%v traces of the feature store, %v late parts", traces, partial)
		}
		return nil
	})
}

// TestDiagnosesOfTraffic: the shares of each kept trace are what its request really spent its time on.
func TestDiagnosesOfTraffic(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t))
	services := open(t, running, shop.Config{})
	source := shop.NewSource(11, shop.Rates{
		FeatureCascade: 0.3, LongQueue: 0.3, ShortQueue: 0.2, Revalidated: 0.3, ColdStart: 0.2,
		Unavailable: 0.1, Failed: 0.05, LongCompute: 0.2, LooseTypes: 0.4,
	}, time.Now().Add(-time.Minute), 10*time.Millisecond)
	var sent []shop.Sent
	for range 500 {
		sent = append(sent, services.Play(source.Next()))
	}
	require.NoError(t, services.Flush(t.Context()))

	traces := untilDecided(t, running, len(sent))
	bottlenecks := map[any]int{}
	for _, s := range sent {
		trace, ok := traces[pcommon.TraceID(s.TraceID)]
		if !ok {
			continue
		}
		got := spanNamed(t, trace, "ml.pipeline.request").Attributes().AsRaw()
		sum, largest := 0.0, 0.0
		for cause, want := range spentOn(s) {
			share, _ := got["ml.diagnosis.shares."+cause].(float64)
			require.InDelta(t, want.Seconds()/s.Duration().Seconds(), share, 1e-6, "%s of trace %s: %v of %v", cause, s.TraceID, want, s.Duration())
			sum += share
			largest = max(largest, share)
		}
		require.InDelta(t, 1, sum, 1e-9)
		require.Equal(t, largest, got["ml.diagnosis.share"])
		require.NotContains(t, got, "ml.diagnosis.partial")
		require.NotContains(t, got, "ml.diagnosis.clock_skew")
		bottlenecks[got["ml.diagnosis.bottleneck"]]++
	}
	for _, cause := range []string{"gpu_queue", "gpu_compute", "feature_store"} {
		assert.Positive(t, bottlenecks[cause], "no request was held up by %s: %v", cause, bottlenecks)
	}
}

// spentOn is the truth by cause.
func spentOn(s shop.Sent) map[string]time.Duration {
	repair := time.Duration(0)
	if n := len(s.Post.Failures); s.Revalidated() {
		repair = s.Post.Duration - s.Post.Duration/time.Duration(n+1) // the first attempt is none
	}
	spent := map[string]time.Duration{
		"gpu_queue": s.Inference.QueueWait, "gpu_compute": s.Inference.ForwardPass, "feature_store": s.Features.Duration(),
		"cold_start": s.Assembly.ColdStart, "revalidation": repair,
	}
	rest := s.Duration()
	for _, d := range spent {
		rest -= d
	}
	spent["other"] = rest
	return spent
}

func spanNamed(t *testing.T, trace kept.Trace, name string) kept.Span {
	t.Helper()
	for _, span := range trace {
		if span.Name() == name {
			return span
		}
	}
	require.Fail(t, "no span "+name)
	return kept.Span{}
}
