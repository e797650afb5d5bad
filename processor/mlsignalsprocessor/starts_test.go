package mlsignalsprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// TestAServerlessStartIsCountedOnce: a span of the start (s) and an invocation (i) that says that it was cold are one start, in
// whatever order and batch they come; each start has its time where its span is there.
func TestAServerlessStartIsCountedOnce(t *testing.T) {
	for order, want := range map[string]struct{ starts, times int }{
		"si": {1, 1}, "is": {1, 1}, "s": {1, 1}, "i": {1, 0},
		"ssii": {2, 2}, "sisi": {2, 2}, "isis": {2, 2}, "iiss": {2, 2}, "siis": {2, 2}, "sssiii": {3, 3},
		"sii": {2, 1}, "iis": {2, 1},
	} {
		t.Run(order, func(t *testing.T) {
			p := newTestProcessor(t, defaultConfig())
			starts, times := 0, 0
			for n, which := range order {
				td := ptrace.NewTraces()
				rs := td.ResourceSpans().AppendEmpty()
				rs.Resource().Attributes().PutStr("faas.name", "scorer")
				span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
				span.SetTraceID(pcommon.TraceID{byte(n + 1)})
				span.SetSpanID(pcommon.SpanID{byte(n + 1)})
				span.SetStartTimestamp(startTime)
				span.SetEndTimestamp(startTime + 1_000_000_000)
				span.Attributes().PutBool("faas.coldstart", true)
				span.SetName("scorer")
				span.SetKind(ptrace.SpanKindServer)
				if which == 's' {
					span.SetName("init scorer")
					span.SetKind(ptrace.SpanKindInternal)
				}
				attrs := spansOf(process(t, p, td))[0].Attributes()
				if _, ok := attrs.Get(vocab.SignalColdStart); ok {
					starts++
				}
				if ms, ok := attrs.Get(vocab.ColdStartDuration); ok {
					assert.Equal(t, 1000.0, ms.Double())
					component, _ := attrs.Get(vocab.ColdStartComponent)
					assert.Equal(t, "scorer", component.AsString())
					times++
				}
			}
			assert.Equal(t, want.starts, starts, "starts")
			assert.Equal(t, want.times, times, "times")
		})
	}
}

// TestAFanOutIsNoRetry: of calls under one parent only one that began after the one before it had failed is an attempt at the same.
func TestAFanOutIsNoRetry(t *testing.T) {
	type call struct {
		name, model string
		from, to    int
		failed      bool
	}
	const generate, stream = "ai.generateText.doGenerate", "ai.streamText.doStream"
	for name, tc := range map[string]struct {
		calls []call
		want  []int64
	}{
		"tried again":                   {[]call{{generate, "m", 0, 10, true}, {generate, "m", 20, 30, true}, {generate, "m", 40, 50, false}}, []int64{1, 2, 3}},
		"a fan-out, of which one fails": {[]call{{generate, "m", 0, 10, true}, {generate, "m", 0, 20, false}, {generate, "m", 1, 30, false}}, []int64{1, 1, 1}},
		"a fan-out that all fails":      {[]call{{generate, "m", 0, 10, true}, {generate, "m", 0, 20, true}}, []int64{1, 1}},
		"steps":                         {[]call{{generate, "m", 0, 10, false}, {generate, "m", 20, 30, false}}, []int64{1, 1}},
		"another operation":             {[]call{{generate, "m", 0, 10, true}, {stream, "m", 20, 30, false}}, []int64{1, 1}},
		"another model":                 {[]call{{generate, "m", 0, 10, true}, {generate, "n", 20, 30, false}}, []int64{1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestProcessor(t, defaultConfig())
			var got []int64
			for i, c := range tc.calls {
				td := traces(t, nil, testSpan{name: c.name, attrs: map[string]any{"ai.operationId": c.name, "ai.model.id": c.model}})
				span := spansOf(td)[0]
				span.SetSpanID(pcommon.SpanID{byte(i + 1)})
				span.SetParentSpanID(pcommon.SpanID{99})
				span.SetStartTimestamp(startTime + pcommon.Timestamp(c.from)*1_000_000)
				span.SetEndTimestamp(startTime + pcommon.Timestamp(c.to)*1_000_000)
				if c.failed {
					span.Status().SetCode(ptrace.StatusCodeError)
				}
				attempt, _ := spansOf(process(t, p, td))[0].Attributes().Get(vocab.InferenceAttempts)
				got = append(got, attempt.Int())
			}
			assert.Equal(t, tc.want, got)
		})
	}
}
