package mldiagnosisprocessor

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// TestHardTraces: huge traces that are made to be hard end, with the span's shares summing to 1. What would take
// the square of their size would run into the time limit of the tests.
func TestHardTraces(t *testing.T) {
	const n = 100_000
	number := func(i int) (id pcommon.SpanID) {
		binary.BigEndian.PutUint64(id[:], uint64(i+1))
		return id
	}
	random := rand.New(rand.NewPCG(7, 8))
	for _, test := range []struct {
		name string
		span func(i int, span ptrace.Span)
	}{
		{"a chain", func(i int, span ptrace.Span) { span.SetParentSpanID(number(i - 1)) }},
		{"a chain, each outlasting the one above", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(i - 1))
			span.SetEndTimestamp(at(200 + float64(i)/200))
		}},
		{"children that outlast a short one, among many", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(0))
			from := float64(i) * 900 / n
			span.SetStartTimestamp(at(from))
			span.SetEndTimestamp(at(from + 0.004))
			if i > n/2 {
				span.SetParentSpanID(number(1))
				span.SetEndTimestamp(at(999 - float64(i)/n))
			}
		}},
		{"clocks that are all off", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(0))
			shift := 5000 + 10_000*random.Float64()
			span.SetStartTimestamp(at(shift))
			span.SetEndTimestamp(at(shift + float64(i%900)))
		}},
		{"one cycle", func(i int, span ptrace.Span) { span.SetParentSpanID(number(1 + i%(n-1))) }},
		{"orphans", func(i int, span ptrace.Span) { span.SetParentSpanID(number(n + i)) }},
		{"copies of the root", func(_ int, span ptrace.Span) { span.SetSpanID(number(0)) }},
		{"roots", func(int, ptrace.Span) {}},
		{"one ID", func(i int, span ptrace.Span) {
			span.SetSpanID(number(1))
			span.SetParentSpanID(number(i % 3))
		}},
		{"no times, in a chain", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(i - 1))
			span.SetStartTimestamp(0)
		}},
		{"repairs within repairs", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(i - 1))
			span.Attributes().PutBool("ml.signal.revalidated", true)
		}},
		{"idle siblings", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(i % 100 / 50 * (i % 1000)))
			from := random.Float64() * 900
			span.SetStartTimestamp(at(from))
			span.SetEndTimestamp(at(from + random.Float64()*100))
		}},
		{"spans beside those that they ran within", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(0))
			if i > n/2 {
				span.SetStartTimestamp(at(300 + float64(i)/1000))
				span.SetEndTimestamp(at(600 - float64(i)/1000))
				span.Attributes().PutBool("ml.signal.queue_bound", true)
			}
		}},
		{"spans beside those that they ran within, deep down", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(max(0, i-50)))
			if i > n/2 {
				span.SetParentSpanID(number(i % 50))
				span.SetStartTimestamp(at(100 + random.Float64()*100))
				span.SetEndTimestamp(at(800 + random.Float64()*100))
				span.Attributes().PutBool("ml.signal.queue_bound", true)
			}
		}},
		{"a chain beside spans that it covers", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(max(0, i-50)))
			if i > n/2 {
				span.SetParentSpanID(number(i % 5000))
				span.SetStartTimestamp(at(300))
				span.SetEndTimestamp(at(400))
				span.Attributes().PutBool("ml.signal.queue_bound", true)
			}
		}},
		{"halves of calls", func(i int, span ptrace.Span) {
			span.SetSpanID(number(i / 2 * 2))
			span.SetParentSpanID(number(i/2*2 - 2))
			span.SetKind(ptrace.SpanKindClient - ptrace.SpanKind(i%2))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			td := ptrace.NewTraces()
			for service := range 50 {
				rs := td.ResourceSpans().AppendEmpty()
				rs.Resource().Attributes().PutInt("service.name", int64(service))
				rs.Resource().Attributes().PutStr("ml.pipeline.name", "test")
				spans := rs.ScopeSpans().AppendEmpty().Spans()
				for i := service; i < n; i += 50 {
					span := spans.AppendEmpty()
					span.SetTraceID(traceA)
					span.SetSpanID(number(i))
					span.SetStartTimestamp(at(float64(i) / 1000))
					span.SetEndTimestamp(at(1000 - float64(i)/1000))
					if i == 0 {
						span.SetName("root")
						span.Attributes().PutStr("ml.stage", "request")
						continue
					}
					test.span(i, span)
				}
			}
			out := diagnosed(t, td)
			assert.NotEmpty(t, finding(t, find(t, out, "root")))
		})
	}
}
