package mldiagnosisprocessor

import (
	"bytes"
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/metadatatest"
)

// TestSeveralTraces: the spans of two traces, of the same services, mixed in one batch.
func TestSeveralTraces(t *testing.T) {
	traceB := pcommon.TraceID{0xb, 15: 2}
	td := traces(t, traceA,
		s{name: "root", to: 100}, s{name: "inference", parent: "root", from: 10, to: 90, attrs: inference(50, 30)})
	other := traces(t, traceB,
		s{name: "root", to: 200}, s{name: "features", parent: "root", from: 10, to: 190, attrs: stage("feature_extraction")})
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	for _, span := range spansOf(other) {
		span.CopyTo(spans.AppendEmpty())
	}
	got := map[pcommon.TraceID]string{}
	for _, span := range spansOf(diagnosed(t, td)) {
		if words := finding(t, span); words != "" {
			got[span.TraceID()] = words
		}
	}
	assert.Equal(t, map[pcommon.TraceID]string{
		traceA: "gpu_queue 50, gpu_compute 30, other 20", traceB: "feature_store 180, other 20",
	}, got)
}

// TestOrderOfArrival: a trace says the same whichever way its spans come, in however many batches of their services.
func TestOrderOfArrival(t *testing.T) {
	whole := marked(t, golden.ReadTraces(t, article))
	shiftService(whole, "ml.inference", 4000)
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		td := ptrace.NewTraces()
		for _, rs := range whole.ResourceSpans().All() {
			for _, span := range rs.ScopeSpans().At(0).Spans().All() {
				alone := td.ResourceSpans().AppendEmpty()
				rs.Resource().CopyTo(alone.Resource())
				span.CopyTo(alone.ScopeSpans().AppendEmpty().Spans().AppendEmpty())
			}
		}
		n := td.ResourceSpans().Len()
		for i := range n {
			j := i + random.IntN(n-i)
			swap := ptrace.NewResourceSpans()
			td.ResourceSpans().At(i).MoveTo(swap)
			if i != j {
				td.ResourceSpans().At(j).MoveTo(td.ResourceSpans().At(i))
				swap.MoveTo(td.ResourceSpans().At(j))
			} else {
				swap.MoveTo(td.ResourceSpans().At(i))
			}
		}
		require.Equal(t, articleFinding+", clock_skew", finding(t, find(t, diagnosed(t, td), "ml.pipeline.request")))
	}
}

// TestDuplicates: spans that a retry has sent twice count once, and every copy of the root says the same.
func TestDuplicates(t *testing.T) {
	td := marked(t, golden.ReadTraces(t, article))
	twice := ptrace.NewTraces()
	td.CopyTo(twice)
	for _, rs := range td.ResourceSpans().All() {
		rs.CopyTo(twice.ResourceSpans().AppendEmpty())
	}
	roots := 0
	for _, span := range spansOf(diagnosed(t, twice)) {
		if words := finding(t, span); words != "" {
			roots++
			assert.Equal(t, articleFinding, words)
		}
	}
	assert.Equal(t, 2, roots)
}

// TestSharedSpanID: client and server have one ID, as in Zipkin's model. The children are the longer one's.
func TestSharedSpanID(t *testing.T) {
	root := s{name: "root", to: 100}
	client := s{name: "call", parent: "root", from: 5, to: 95}
	server := s{name: "call", parent: "root", service: "model", from: 10, to: 90}
	below := s{name: "inference", parent: "call", service: "model", from: 20, to: 80, attrs: inference(40, 20)}
	for _, spans := range [][]s{{client, root, server, below}, {server, below, client, root}} {
		assert.Equal(t, "gpu_queue 40, gpu_compute 20, other 40", finding(t, find(t, diagnosed(t, traces(t, traceA, spans...)), "root")))
	}
}

// TestUntouched: what has nothing to do with ML, has no trace ID, or was diagnosed before.
func TestUntouched(t *testing.T) {
	web := traces(t, traceA, s{name: "GET /", to: 100}, s{name: "SELECT", parent: "GET /", from: 10, to: 90})
	web.ResourceSpans().At(0).Resource().Attributes().Remove("ml.pipeline.name")
	noID := traces(t, pcommon.TraceID{}, s{name: "root", to: 100, attrs: inference(50, 50)})
	before := traces(t, traceA, s{name: "root", to: 100, attrs: inference(50, 50)})
	find(t, before, "root").Attributes().PutStr("ml.diagnosis.bottleneck", "other")
	for name, td := range map[string]ptrace.Traces{"web": web, "no trace ID": noID, "diagnosed": before, "empty": ptrace.NewTraces()} {
		was := encode(t, td)
		assert.True(t, bytes.Equal(was, encode(t, diagnosed(t, td))), name)
	}
}

// TestUsersOwnAttributes are not overwritten.
func TestUsersOwnAttributes(t *testing.T) {
	td := traces(t, traceA, s{name: "root", to: 100, attrs: map[string]any{"ml.inference.queue_wait_ms": 70.0, "ml.diagnosis.share": "mine"}})
	got := find(t, diagnosed(t, td), "root").Attributes().AsRaw()
	assert.Equal(t, "mine", got["ml.diagnosis.share"])
	assert.Equal(t, "gpu_queue", got["ml.diagnosis.bottleneck"])
}

func TestSettings(t *testing.T) {
	spans := []s{
		{name: "root", to: 1000},
		{name: "chat", parent: "root", from: 10, to: 900, attrs: stage("inference")},
		{name: "features", parent: "root", from: 900, to: 930, attrs: stage("feature_extraction")},
		{name: "late", parent: "root", service: "elsewhere", from: 995, to: 1055},
	}
	cfg := defaultConfig()
	cfg.UndividedInference = "other"
	cfg.MinShare = 0.05
	cfg.CriticalPath.MaxSpans = 2
	cfg.ClockSkew.Tolerance = 0.08
	got := find(t, process(t, newTestProcessor(t, cfg), traces(t, traceA, spans...)), "root").Attributes().AsRaw()
	assert.Equal(t, []any{"other"}, got["ml.diagnosis.causes"])
	assert.Equal(t, []any{"root", "chat"}, got["ml.diagnosis.critical_path"])
	assert.NotContains(t, got, "ml.diagnosis.undivided")
	assert.NotContains(t, got, "ml.diagnosis.clock_skew")

	got = find(t, diagnosed(t, traces(t, traceA, spans...)), "root").Attributes().AsRaw()
	assert.Equal(t, []any{"gpu_compute", "feature_store"}, got["ml.diagnosis.causes"])
	assert.Equal(t, []any{"root", "chat", "features", "late"}, got["ml.diagnosis.critical_path"])
	assert.Equal(t, true, got["ml.diagnosis.undivided"])
	assert.Equal(t, true, got["ml.diagnosis.clock_skew"])
}

// TestSignalsAreListed: what a signal states is among the causes, however small its share.
func TestSignalsAreListed(t *testing.T) {
	cfg := defaultConfig()
	cfg.MinShare = 0.5
	out := process(t, newTestProcessor(t, cfg), marked(t, golden.ReadTraces(t, article)))
	causes, _ := find(t, out, "ml.pipeline.request").Attributes().Get("ml.diagnosis.causes")
	assert.Equal(t, []any{"feature_store", "gpu_queue", "cold_start", "revalidation"}, causes.Slice().AsRaw(), "gpu_compute has no signal")
}

// TestCriticalPathOfManySpans names the longest, in the order of time, and a run of one name once.
func TestCriticalPathOfManySpans(t *testing.T) {
	spans := []s{{name: "root", to: 1000}}
	for i := range 26 {
		from := float64(10 * i)
		spans = append(spans, s{name: string(rune('a' + i)), parent: "root", from: from, to: from + 5 + float64(i%3)})
	}
	cfg := defaultConfig()
	cfg.CriticalPath.MaxSpans = 4
	out := process(t, newTestProcessor(t, cfg), traces(t, traceA, spans...))
	assert.Equal(t, "root c f i", pathOf(find(t, out, "root")))
}

func TestTelemetry(t *testing.T) {
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(context.Background())) }()
	factory := NewFactory()
	sink := &consumertest.TracesSink{}
	set := metadatatest.NewSettings(tel)
	p, err := factory.CreateTraces(t.Context(), set, factory.CreateDefaultConfig(), sink)
	require.NoError(t, err)
	require.False(t, p.Capabilities().MutatesData)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	id := byte(0)
	send := func(spans ...s) {
		id++
		require.NoError(t, p.ConsumeTraces(t.Context(), traces(t, pcommon.TraceID{id}, spans...)))
	}
	send(s{name: "root", to: 100, attrs: inference(60, 40)})
	send(s{name: "root", to: 100, attrs: inference(60, 40)})
	send(s{name: "root", to: 100}, s{name: "lost", parent: "x", to: 10})
	send(s{name: "root", to: 100}, s{name: "off", parent: "root", service: "b", from: 1000, to: 1010})
	send(s{name: "part", parent: "x", to: 100})
	id--
	send(s{name: "part 2", parent: "x", to: 100})
	send(s{name: "root"})

	count := func(key, value string, n int64) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Attributes: attribute.NewSet(attribute.String(key, value), attribute.String("processor", set.ID.String())), Value: n}
	}
	metadatatest.AssertEqualProcessorMldiagnosisTraces(t, tel, []metricdata.DataPoint[int64]{
		count("bottleneck", "gpu_queue", 2), count("bottleneck", "other", 2),
	}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorMldiagnosisPartialTraces(t, tel, []metricdata.DataPoint[int64]{
		count("reason", "gaps", 1), count("reason", "no_root", 1), count("reason", "late", 1), count("reason", "no_duration", 1),
	}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorMldiagnosisSkewedTraces(t, tel, []metricdata.DataPoint[int64]{{Value: 1, Attributes: attribute.NewSet(attribute.String("processor", set.ID.String()))}}, metricdatatest.IgnoreTimestamp())
	require.NoError(t, p.Shutdown(t.Context()))
	assert.Len(t, sink.AllTraces(), 7)
}

// TestConcurrentBatches is for the race detector.
func TestConcurrentBatches(t *testing.T) {
	factory := NewFactory()
	sink := &consumertest.TracesSink{}
	p, err := factory.CreateTraces(t.Context(), processortest.NewNopSettings(factory.Type()), factory.CreateDefaultConfig(), sink)
	require.NoError(t, err)
	template := marked(t, golden.ReadTraces(t, article))
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 100 {
				td := ptrace.NewTraces()
				template.CopyTo(td)
				for _, span := range spansOf(td) {
					span.SetTraceID(pcommon.TraceID{byte(g + 1), byte(i)})
				}
				assert.NoError(t, p.ConsumeTraces(t.Context(), td))
			}
		}()
	}
	wg.Wait()
	require.Len(t, sink.AllTraces(), 400)
	for _, td := range sink.AllTraces() {
		require.Equal(t, articleFinding, finding(t, find(t, td, "ml.pipeline.request")))
	}
}
