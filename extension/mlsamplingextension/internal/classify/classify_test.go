package classify

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/budget"
)

var traceID = pcommon.TraceID{1, 2, 3, 4, 5, 6, 7, 8, 9, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0x10}

// span is what matters of a span; from and to are milliseconds.
type span struct {
	service    string
	child      bool
	from, to   int
	attributes map[string]any
	err        bool
	state      string
}

func trace(t testing.TB, spans ...span) ptrace.Traces {
	td := ptrace.NewTraces()
	for _, s := range spans {
		rs := td.ResourceSpans().AppendEmpty()
		if s.service != "" {
			rs.Resource().Attributes().PutStr("service.name", s.service)
		}
		sp := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		sp.SetTraceID(traceID)
		sp.SetSpanID(pcommon.SpanID{1})
		if s.child {
			sp.SetParentSpanID(pcommon.SpanID{2})
		}
		start := time.Unix(1_700_000_000, 0)
		sp.SetStartTimestamp(pcommon.NewTimestampFromTime(start.Add(time.Duration(s.from) * time.Millisecond)))
		sp.SetEndTimestamp(pcommon.NewTimestampFromTime(start.Add(time.Duration(s.to) * time.Millisecond)))
		require.NoError(t, sp.Attributes().FromRaw(s.attributes))
		if s.err {
			sp.Status().SetCode(ptrace.StatusCodeError)
		}
		sp.TraceState().FromRaw(s.state)
	}
	return td
}

func TestClasses(t *testing.T) {
	root := span{service: "gateway", to: 100}
	model := map[string]any{"ml.model.name": "llama", "ml.stage": "inference"}
	for _, test := range []struct {
		name  string
		spans []span
		want  []budget.Class
	}{
		{"nothing", []span{root}, []budget.Class{{Signal: "baseline", Service: "gateway"}}},
		{"no spans", nil, []budget.Class{{Signal: "baseline"}}},
		{"of a model", []span{root, {service: "inference", child: true, attributes: model}},
			[]budget.Class{{Signal: "baseline", Service: "gateway", Model: "llama"}}},
		{"800 ms are not slow", []span{{service: "gateway", to: 800}}, []budget.Class{{Signal: "baseline", Service: "gateway"}}},
		{"801 ms are", []span{{service: "gateway", to: 801}}, []budget.Class{{Signal: "slow", Service: "gateway"}}},
		{"a span of more than ten years has no duration", []span{{service: "gateway", to: 500}, {service: "worker", child: true, from: 400, to: 1 << 40}},
			[]budget.Class{{Signal: "baseline", Service: "gateway"}}},
		{"slow as a whole", []span{{service: "gateway", to: 500}, {service: "worker", child: true, from: 400, to: 1000}},
			[]budget.Class{{Signal: "slow", Service: "gateway"}}},
		{"without a root the earliest span's service is taken",
			[]span{{service: "b", child: true, from: 50, to: 1000}, {service: "a", child: true, from: 10, to: 20}},
			[]budget.Class{{Signal: "slow", Service: "a"}}},
		{"the root counts, although its clock is late",
			[]span{{service: "b", child: true, to: 1000}, {service: "gateway", from: 20, to: 900}},
			[]budget.Class{{Signal: "slow", Service: "gateway"}}},
		{"signals where they were seen, with the span's model or the trace's",
			[]span{
				root,
				{service: "features", child: true, attributes: map[string]any{"ml.signal.feature_cascade": true}},
				{service: "inference", child: true, attributes: map[string]any{"ml.signal.queue_bound": true, "ml.signal.high_queue_wait": true, "ml.model.name": "llama"}},
				{service: "inference", child: true, attributes: map[string]any{"ml.signal.queue_bound": true, "ml.model.name": "bert"}},
			},
			[]budget.Class{
				{Signal: "feature_cascade", Service: "features", Model: "bert"},
				{Signal: "high_queue_wait", Service: "inference", Model: "llama"},
				{Signal: "queue_bound", Service: "inference", Model: "bert"},
				{Signal: "queue_bound", Service: "inference", Model: "llama"},
			}},
		{"only what is true", []span{{service: "a", attributes: map[string]any{
			"ml.signal.queue_bound": false, "ml.signal.revalidated": "yes", "ml.signal.cold_start": 1, "ml.signals": true, "signal.x": true}}},
			[]budget.Class{{Signal: "baseline", Service: "a"}}},
		{"text of a bool, as Python writes it", []span{{service: "a", attributes: map[string]any{"ml.signal.revalidated": "True"}}},
			[]budget.Class{{Signal: "revalidated", Service: "a"}}},
		{"a signal of one's own", []span{{service: "a", attributes: map[string]any{"ml.signal.hallucinated": true}}},
			[]budget.Class{{Signal: "hallucinated", Service: "a"}}},
		{"errors in two services", []span{{service: "a", err: true}, {service: "b", child: true, err: true, attributes: model}},
			[]budget.Class{{Signal: "error", Service: "a", Model: "llama"}, {Signal: "error", Service: "b", Model: "llama"}}},
		{"training", []span{{service: "airflow", to: 5, attributes: map[string]any{"ml.stage": "training"}}},
			[]budget.Class{{Signal: "training", Service: "airflow"}}},
		{"repeated", slices.Repeat([]span{{service: "a", err: true}}, 1000), []budget.Class{{Signal: "error", Service: "a"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := Reader{Latency: 800 * time.Millisecond}
			assert.Equal(t, test.want, r.Read(traceID, trace(t, test.spans...)).Classes)
			slices.Reverse(test.spans)
			assert.Equal(t, test.want, r.Read(traceID, trace(t, test.spans...)).Classes, "in another order")
		})
	}
}

func TestNoLatency(t *testing.T) {
	r := Reader{}
	assert.Equal(t, "baseline", r.Read(traceID, trace(t, span{to: 100_000})).Classes[0].Signal)
}

func TestManyClasses(t *testing.T) {
	var spans []span
	for i := range 500 {
		spans = append(spans, span{service: fmt.Sprint("service-", i), err: true})
	}
	classes := (&Reader{}).Read(traceID, trace(t, spans...)).Classes
	assert.Len(t, classes, budget.MaxPerTrace)
	assert.True(t, slices.IsSortedFunc(classes, budget.Class.Compare))
}

func TestKnown(t *testing.T) {
	assert.Contains(t, Known(), "queue_bound")
	assert.Contains(t, Known(), Baseline)
}

func TestSampledBefore(t *testing.T) {
	for _, test := range []struct {
		name       string
		states     []string // of the root, then of children
		count      float64
		randomness uint64
	}{
		{"not sampled", []string{""}, 1, 0x0a0b0c0d0e0f10},
		{"half", []string{"ot=th:8"}, 2, 0x0a0b0c0d0e0f10},
		{"explicit randomness", []string{"ot=th:c;rv:fedcba98765432"}, 4, 0xfedcba98765432},
		{"explicit randomness on a child alone", []string{"", "x=y,ot=rv:fedcba98765432"}, 1, 0xfedcba98765432},
		{"the root's threshold counts", []string{"ot=th:8", "ot=th:c", ""}, 2, 0x0a0b0c0d0e0f10},
		{"not readable", []string{"ot=th:zz"}, 1, 0x0a0b0c0d0e0f10},
		{"of another vendor", []string{"dd=s:1"}, 1, 0x0a0b0c0d0e0f10},
	} {
		t.Run(test.name, func(t *testing.T) {
			var spans []span
			for i, state := range test.states {
				spans = append(spans, span{service: "a", child: i > 0, state: state})
			}
			for range 2 {
				got := (&Reader{}).Read(traceID, trace(t, spans...))
				assert.InDelta(t, test.count, got.Before.AdjustedCount(), 1e-9)
				assert.Equal(t, test.randomness, got.Randomness.Unsigned())
				slices.Reverse(spans)
			}
		})
	}
	t.Run("without a root the lowest threshold", func(t *testing.T) {
		got := (&Reader{}).Read(traceID, trace(t, span{child: true, state: "ot=th:c"}, span{child: true, state: "ot=th:8"}, span{child: true, state: "ot=th:e"}))
		assert.InDelta(t, 2, got.Before.AdjustedCount(), 1e-9)
	})
	t.Run("no spans", func(t *testing.T) {
		assert.Equal(t, sampling.NeverSampleThreshold, (&Reader{}).Read(traceID, ptrace.NewTraces()).Before)
	})
}

func BenchmarkRead(b *testing.B) {
	attributes := map[string]any{"ml.model.name": "llama", "ml.stage": "inference", "ml.inference.queue_wait_ms": 300.0, "ml.inference.forward_pass_ms": 100.0,
		"ml.signal.queue_bound": true, "ml.signal.high_queue_wait": true, "http.route": "/v1/predict", "ml.batch.size": 8}
	td := trace(b, slices.Repeat([]span{{service: "inference", to: 900, attributes: attributes}}, 8)...)
	r := Reader{Latency: 800 * time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		r.Read(traceID, td)
	}
}
