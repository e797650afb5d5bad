package mldiagnosisprocessor

import (
	"encoding/binary"
	"fmt"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

// BenchmarkProcessor is per span. Each batch is one trace, as tail sampling releases them.
func BenchmarkProcessor(b *testing.B) {
	b.Run("trace=article", func(b *testing.B) {
		run(b, marked(b, golden.ReadTraces(b, article)))
	})
	for _, n := range []int{10, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("trace=deep/spans=%d", n), func(b *testing.B) { run(b, deep(b, n)) })
		b.Run(fmt.Sprintf("trace=wide/spans=%d", n), func(b *testing.B) { run(b, wide(b, n)) })
	}
}

// deep has each span below the one before.
func deep(b *testing.B, n int) ptrace.Traces {
	spans := []s{{name: "0", to: 1000, attrs: stage("request")}}
	for i := 1; i < n; i++ {
		spans = append(spans, s{
			name: fmt.Sprint(i), parent: fmt.Sprint(i - 1), service: fmt.Sprint("service", i%7),
			from: float64(i) * 400 / float64(n), to: 1000 - float64(i)*400/float64(n), attrs: inference(1, 1),
		})
	}
	return traces(b, traceA, spans...)
}

// wide has all spans below the root, and each overlaps its neighbours.
func wide(b *testing.B, n int) ptrace.Traces {
	spans := []s{{name: "0", to: 1000, attrs: stage("request")}}
	for i := 1; i < n; i++ {
		from := float64(i) * 900 / float64(n)
		spans = append(spans, s{
			name: fmt.Sprint(i), parent: "0", service: fmt.Sprint("service", i%7), from: from, to: from + 2000/float64(n), attrs: inference(1, 1),
		})
	}
	return traces(b, traceA, spans...)
}

// run diagnoses copies of a trace, each with an ID of its own. Copies are made outside of the measurement.
func run(b *testing.B, template ptrace.Traces) {
	b.Helper()
	b.ReportAllocs()
	p := newTestProcessor(b, defaultConfig())
	spans := template.SpanCount()
	ahead := max(2000/spans, 4)
	copies := make([]ptrace.Traces, ahead)
	number := uint64(0)
	b.ResetTimer()
	for done := 0; done < b.N; done += ahead * spans {
		b.StopTimer()
		for i := range copies {
			number++
			copies[i] = ptrace.NewTraces()
			template.CopyTo(copies[i])
			var id pcommon.TraceID
			binary.BigEndian.PutUint64(id[:], number)
			for _, span := range spansOf(copies[i]) {
				span.SetTraceID(id)
			}
		}
		b.StartTimer()
		for _, td := range copies {
			if _, err := p.processTraces(b.Context(), td); err != nil {
				b.Fatal(err)
			}
		}
	}
}
