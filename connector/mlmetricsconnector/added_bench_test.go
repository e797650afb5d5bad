package mlmetricsconnector

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/testspans"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor"
)

// BenchmarkAdded is the CPU time, user and system, of this process for each span of encoded batches: decoded only, and
// with mlsignals and mlmetrics. Garbage collection is part of it. What the two add is the difference.
func BenchmarkAdded(b *testing.B) {
	for _, models := range []int{1, 250} {
		var encoded [][]byte
		spans := 0
		for i := range uint64(20) {
			td := testspans.Batch(60, models, i)
			unmark(td)
			spans += td.SpanCount()
			data, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
			require.NoError(b, err)
			encoded = append(encoded, data)
		}
		for _, pipeline := range []string{"decode", "decode+mlsignals", "decode+mlsignals+mlmetrics"} {
			b.Run(fmt.Sprintf("models=%d/pipeline=%s", models, pipeline), func(b *testing.B) {
				consume := func(ptrace.Traces) {}
				if strings.Contains(pipeline, "mlmetrics") {
					c, _ := newTestConnector(b, createDefaultConfig().(*Config), time.Now)
					consume = func(td ptrace.Traces) { require.NoError(b, c.ConsumeTraces(context.Background(), td)) }
				}
				if strings.Contains(pipeline, "mlsignals") {
					consume = marking(b, consume)
				}
				decode := func(i int) {
					td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(encoded[i%len(encoded)])
					require.NoError(b, err)
					consume(td)
				}
				for i := range encoded {
					decode(i)
				}
				before := cpuTime(b)
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					decode(i)
				}
				b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N)/float64(spans/len(encoded)), "cpu-ns/span")
			})
		}
	}
}

// marking has mlsignals mark the spans first.
func marking(b *testing.B, consume func(ptrace.Traces)) func(ptrace.Traces) {
	factory := mlsignalsprocessor.NewFactory()
	p, err := factory.CreateTraces(b.Context(), processortest.NewNopSettings(factory.Type()), factory.CreateDefaultConfig(), consumertest.NewNop())
	require.NoError(b, err)
	return func(td ptrace.Traces) {
		require.NoError(b, p.ConsumeTraces(b.Context(), td))
		consume(td)
	}
}

// unmark removes what mlsignals derives.
func unmark(td ptrace.Traces) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				span.Attributes().RemoveIf(func(key string, _ pcommon.Value) bool {
					return key == vocab.Stage || key == vocab.QueueComputeRatio || strings.HasPrefix(key, vocab.SignalPrefix)
				})
			}
		}
	}
}

func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
