package mlsignalsprocessor

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/metadatatest"
)

const startTime = pcommon.Timestamp(1_700_000_000_000_000_000)

// testSpan describes a span; everything left out is what an ordinary span has.
type testSpan struct {
	name     string
	attrs    map[string]any
	events   []testEvent
	start    time.Duration // after startTime
	duration time.Duration
	failed   bool
	id       byte
}

type testEvent struct {
	name  string
	attrs map[string]any
}

var pipeline = map[string]any{"service.name": "s", "ml.pipeline.name": "p"}

func traces(t testing.TB, resource map[string]any, spans ...testSpan) ptrace.Traces {
	t.Helper()
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	require.NoError(t, rs.Resource().Attributes().FromRaw(resource))
	ss := rs.ScopeSpans().AppendEmpty()
	for i, s := range spans {
		span := ss.Spans().AppendEmpty()
		span.SetName(s.name)
		span.SetTraceID(pcommon.TraceID{1})
		span.SetSpanID(pcommon.SpanID{s.id, byte(i + 1)})
		span.SetStartTimestamp(startTime + pcommon.Timestamp(s.start))
		span.SetEndTimestamp(startTime + pcommon.Timestamp(s.start+s.duration))
		if s.failed {
			span.Status().SetCode(ptrace.StatusCodeError)
		}
		for key, value := range s.attrs { // one at a time, since a NaN is no raw map value
			require.NoError(t, span.Attributes().PutEmpty(key).FromRaw(value))
		}
		for _, e := range s.events {
			event := span.Events().AppendEmpty()
			event.SetName(e.name)
			require.NoError(t, event.Attributes().FromRaw(e.attrs))
		}
	}
	return td
}

// derived returns what the processor adds to one span.
func derived(t *testing.T, p *signalsProcessor, resource map[string]any, span testSpan) map[string]any {
	t.Helper()
	td := process(t, p, traces(t, resource, span))
	out := spansOf(td)[0].Attributes().AsRaw()
	for key := range span.attrs {
		delete(out, key)
	}
	return out
}

func TestArticlesVocabulary(t *testing.T) {
	const ms = time.Millisecond
	for name, tc := range map[string]struct {
		resource map[string]any
		span     testSpan
		adds     map[string]any
	}{
		"stage by name": {nil, testSpan{name: "ml.batch_assembly"}, map[string]any{"ml.stage": "batch_assembly"}},
		"stage by attribute": {nil, testSpan{name: "forward", attrs: map[string]any{"ml.inference.forward_pass_ms": 20.0}},
			map[string]any{"ml.stage": "inference"}},
		"stage by an unreadable attribute": {nil, testSpan{name: "forward", attrs: map[string]any{"ml.inference.forward_pass_ms": "fast"}},
			map[string]any{"ml.stage": "inference"}},
		"span of all stages is the request": {nil, testSpan{name: "all", duration: 9 * ms,
			attrs: map[string]any{"ml.inference.forward_pass_ms": 20.0, "ml.features.cache_hits": int64(1), "ml.pipeline.success": true}},
			map[string]any{"ml.stage": "request", "ml.pipeline.latency_ms": 9.0}},
		"the service's own stage":   {pipeline, testSpan{name: "ml.inference", attrs: map[string]any{"ml.stage": "mine"}}, map[string]any{}},
		"ML resource, unknown span": {pipeline, testSpan{name: "cache_lookup"}, map[string]any{}},
		"request that succeeded": {nil, testSpan{name: "ml.pipeline.request", duration: 1820 * ms},
			map[string]any{"ml.stage": "request", "ml.pipeline.success": true, "ml.pipeline.latency_ms": 1820.0}},
		"request that failed": {nil, testSpan{name: "ml.pipeline.request", duration: 5 * ms, failed: true},
			map[string]any{"ml.stage": "request", "ml.pipeline.success": false, "ml.pipeline.latency_ms": 5.0}},
		"wait from its event": {nil, testSpan{name: "ml.inference", events: []testEvent{{"ml.inference.high_queue_wait", map[string]any{"queue_wait_ms": 350.0}}}},
			map[string]any{"ml.stage": "inference", "ml.inference.queue_wait_ms": 350.0, "ml.signal.queue_bound": true, "ml.signal.high_queue_wait": true}},
		"unavailable features from their event": {nil, testSpan{name: "ml.feature_extraction", events: []testEvent{{"ml.features.unavailable", map[string]any{"count": int64(3)}}}},
			map[string]any{"ml.stage": "feature_extraction", "ml.features.unavailable_count": int64(3), "ml.signal.features_unavailable": true}},
		"attempts from events": {nil, testSpan{name: "ml.post_processing", events: []testEvent{{name: "ml.output.validation_failed"}, {name: "ml.output.validation_failed"}}},
			map[string]any{"ml.stage": "post_processing", "ml.post_processing.validation_attempts": int64(3), "ml.signal.revalidated": true}},
		"attempts that all failed": {nil, testSpan{name: "ml.post_processing", failed: true, attrs: map[string]any{"ml.output.valid": false},
			events: []testEvent{{name: "ml.output.validation_failed"}, {name: "ml.output.validation_failed"}, {name: "ml.output.validation_failed"}}},
			map[string]any{"ml.stage": "post_processing", "ml.post_processing.validation_attempts": int64(3), "ml.signal.revalidated": true}},
		"failed validation that the attempts do not show": {nil, testSpan{name: "ml.post_processing",
			attrs: map[string]any{"ml.post_processing.validation_attempts": int64(1)}, events: []testEvent{{name: "ml.output.validation_failed"}}},
			map[string]any{"ml.stage": "post_processing", "ml.signal.revalidated": true}},
		"load by name": {pipeline, testSpan{name: "image_preprocessor_init", duration: 300 * ms},
			map[string]any{"ml.signal.cold_start": true, "ml.cold_start.component": "image_preprocessor", "ml.cold_start.duration_ms": 300.0}},
		"load that took no time": {pipeline, testSpan{name: "image_preprocessor_init", duration: 9 * ms}, map[string]any{}},
		"tokenizer outside of an ML resource": {nil, testSpan{name: "tokenizer_init", duration: 38 * ms},
			map[string]any{"ml.stage": "tokenization", "ml.signal.cold_start": true, "ml.cold_start.component": "tokenizer", "ml.cold_start.duration_ms": 38.0}},
		"load of a service that has nothing to do with ML": {nil, testSpan{name: "db_init", duration: time.Second}, map[string]any{}},
		"signal that the service denies": {nil, testSpan{name: "ml.post_processing",
			attrs: map[string]any{"ml.signal.revalidated": false, "ml.post_processing.validation_attempts": int64(2)}},
			map[string]any{"ml.stage": "post_processing"}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.adds, derived(t, newTestProcessor(t, defaultConfig()), tc.resource, tc.span))
		})
	}
}

func TestForeignSpansAreNotTouched(t *testing.T) {
	td := traces(t, map[string]any{"service.name": "shop"},
		testSpan{name: "GET /cart", attrs: map[string]any{"http.route": "/cart", "ml.batch.size": "8"}, duration: time.Second},
		testSpan{name: "cache_init", duration: time.Second})
	before := ptrace.NewTraces()
	td.CopyTo(before)
	out := process(t, newTestProcessor(t, defaultConfig()), td)
	assert.Equal(t, before, out)
}

func TestMalformedSpansPassUnchanged(t *testing.T) {
	for name, span := range map[string]testSpan{
		"end before start": {name: "cache_lookup", duration: -time.Second},
		"no name":          {duration: time.Second},
		"NaN":              {name: "x", attrs: map[string]any{"ml.batch.size": math.NaN()}},
		"infinite":         {name: "x", attrs: map[string]any{"ml.batch.size": math.Inf(-1)}},
		"negative":         {name: "x", attrs: map[string]any{"ml.batch.size": int64(-8)}},
		"text":             {name: "x", attrs: map[string]any{"ml.batch.size": "big"}},
	} {
		for _, resource := range []map[string]any{nil, pipeline} {
			t.Run(fmt.Sprint(name, len(resource)), func(t *testing.T) {
				td := traces(t, resource, span)
				was := encode(t, td)
				out := process(t, newTestProcessor(t, defaultConfig()), td)
				assert.Equal(t, was, encode(t, out))
			})
		}
	}
}

func TestSpanThatEndsBeforeItStartsHasNoDuration(t *testing.T) {
	adds := derived(t, newTestProcessor(t, defaultConfig()), nil,
		testSpan{name: "ml.pipeline.request", duration: -time.Second})
	assert.NotContains(t, adds, "ml.pipeline.latency_ms")
	assert.Empty(t, derived(t, newTestProcessor(t, defaultConfig()), pipeline, testSpan{name: "tokenizer_warmup", duration: -time.Second}))
}

func TestSignalsCanBeSwitchedOff(t *testing.T) {
	cfg := defaultConfig()
	cfg.Signals.ColdStart.Enabled = false
	cfg.Signals.Revalidated.Enabled = false
	p := newTestProcessor(t, cfg)
	assert.Equal(t, map[string]any{"ml.stage": "tokenization"}, derived(t, p, nil, testSpan{name: "tokenizer_init", duration: time.Second}))
	assert.Equal(t, map[string]any{"ml.stage": "post_processing"},
		derived(t, p, nil, testSpan{name: "ml.post_processing", attrs: map[string]any{"ml.post_processing.validation_attempts": int64(3)}}))
}

func TestReloadAcrossBatchesAndInstances(t *testing.T) {
	p := newTestProcessor(t, defaultConfig())
	reload := func(instance string, start time.Duration, id byte) any {
		adds := derived(t, p, map[string]any{"service.name": "tok", "service.instance.id": instance, "ml.pipeline.name": "p"},
			testSpan{name: "tokenizer_init", start: start, duration: 50 * time.Millisecond, id: id})
		return adds[vocab.ColdStartReload]
	}
	assert.Equal(t, false, reload("a", time.Minute, 1))
	assert.Equal(t, true, reload("a", 2*time.Minute, 2))
	assert.Equal(t, false, reload("b", 3*time.Minute, 3), "another instance")
	assert.Equal(t, false, reload("a", 0, 4), "late, but the first")
	assert.Equal(t, true, reload("a", 4*time.Minute, 5))
}

func TestCustomDialectInTenLines(t *testing.T) {
	cfg, err := load(t, `
custom_dialects:
  - name: ranker
    rules:
      - name: rank
        match: {span_names: [rank], attributes: {waited_us: "*"}}
        stage: inference
        set:
          - {to: ml.inference.queue_wait_ms, attribute: waited_us, units: [us]}
          - {to: ml.inference.forward_pass_ms, gap: [event.gpu_start, end]}
`)
	require.NoError(t, err)
	td := traces(t, nil, testSpan{name: "rank", duration: 100 * time.Millisecond, attrs: map[string]any{"waited_us": int64(350_000)}})
	event := spansOf(td)[0].Events().AppendEmpty()
	event.SetName("gpu_start")
	event.SetTimestamp(startTime + 75_000_000)
	out := spansOf(process(t, newTestProcessor(t, cfg), td))[0].Attributes().AsRaw()
	assert.Equal(t, map[string]any{
		"waited_us": int64(350_000), "ml.stage": "inference",
		"ml.inference.queue_wait_ms": 350.0, "ml.inference.forward_pass_ms": 25.0, "ml.inference.queue_compute_ratio": 14.0,
		"ml.signal.queue_bound": true, "ml.signal.high_queue_wait": true,
	}, out)
}

func TestTelemetry(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	sink := new(consumertest.TracesSink)
	set := processor.Settings{ID: processortest.NewNopSettings(metadata.Type).ID, TelemetrySettings: tel.NewTelemetrySettings()}
	p, err := NewFactory().CreateTraces(t.Context(), set, createDefaultConfig(), sink)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, p.Shutdown(context.Background())) })

	require.NoError(t, p.ConsumeTraces(t.Context(), traces(t, nil,
		testSpan{name: "ml.inference", attrs: map[string]any{"ml.inference.queue_wait_ms": int64(400), "ml.inference.forward_pass_ms": math.NaN()}},
		testSpan{name: "ml.inference", attrs: map[string]any{"ml.inference.queue_wait_ms": "none"}},
		testSpan{name: "", duration: -time.Second},
	)))
	require.NoError(t, p.ConsumeTraces(t.Context(), traces(t, map[string]any{"service.instance.id": "a"}, testSpan{name: "tokenizer_init", duration: time.Second})))

	label := func(key, value string, n int64) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Attributes: attribute.NewSet(attribute.String(key, value), attribute.String("processor", set.ID.String())), Value: n}
	}
	opt := metricdatatest.IgnoreTimestamp()
	metadatatest.AssertEqualProcessorMlsignalsSpans(t, tel, []metricdata.DataPoint[int64]{label("dialect", "none", 1), label("dialect", "ml", 3)}, opt)
	metadatatest.AssertEqualProcessorMlsignalsSignals(t, tel, []metricdata.DataPoint[int64]{
		label("signal", "queue_bound", 1), label("signal", "high_queue_wait", 1), label("signal", "cold_start", 1)}, opt)
	metadatatest.AssertEqualProcessorMlsignalsCoercedValues(t, tel, []metricdata.DataPoint[int64]{label("key", vocab.QueueWait, 1)}, opt)
	metadatatest.AssertEqualProcessorMlsignalsInvalidValues(t, tel, []metricdata.DataPoint[int64]{
		label("key", vocab.QueueWait, 1), label("key", vocab.ForwardPass, 1)}, opt)
	metadatatest.AssertEqualProcessorMlsignalsMalformedSpans(t, tel, []metricdata.DataPoint[int64]{
		label("reason", "no_resource", 3), label("reason", "no_name", 1), label("reason", "end_before_start", 1)}, opt)
	metadatatest.AssertEqualProcessorMlsignalsReloadMemorySize(t, tel, []metricdata.DataPoint[int64]{{Attributes: attribute.NewSet(attribute.String("processor", set.ID.String())), Value: 1}}, opt)
	assert.Equal(t, 4, sink.SpanCount())
}

func TestManyGoroutinesMarkAllSpans(t *testing.T) {
	p := newTestProcessor(t, defaultConfig())
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 50 {
				td := articleBatch(t, 3)
				out, err := p.processTraces(t.Context(), td)
				if !assert.NoError(t, err) {
					return
				}
				for _, span := range spansOf(out) {
					if span.Name() == "ml.inference" {
						_, marked := span.Attributes().Get(vocab.QueueComputeRatio)
						assert.True(t, marked)
					}
				}
			}
		}()
	}
	wg.Wait()
}

func TestAPooledWorkerKeepsNothingOfABatch(t *testing.T) {
	p := newTestProcessor(t, defaultConfig())
	w := p.pool.Get().(*worker)
	w.now = time.Now()
	td := articleBatch(t, 1)
	for _, rs := range td.ResourceSpans().All() {
		w.resourceSpans(rs)
	}
	w.forget()
	assert.Equal(t, pcommon.Map{}, w.resource)
	for _, text := range w.scratch.Text {
		assert.Empty(t, text)
	}
}
