package observe

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/testspans"
)

// FuzzConsume observes whatever decodes as OTLP. It must not panic, must leave the batch as it is, and must count each
// ML span once.
func FuzzConsume(f *testing.F) {
	marshal := &ptrace.ProtoMarshaler{}
	for seed := range uint64(3) {
		data, err := marshal.MarshalTraces(testspans.Batch(1, 1, seed))
		require.NoError(f, err)
		f.Add(data)
	}
	compiled := compile(everyKind())
	f.Fuzz(func(t *testing.T, data []byte) {
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(data)
		if err != nil {
			return // a receiver refuses it
		}
		td.MarkReadOnly()
		for _, form := range []metric.Form{metric.Explicit, metric.Both} {
			options := settings{SeriesLimit: 10, AdjustedCounts: true, Histograms: form, MaxSize: 160, ExponentialSuffix: ".x"}
			a := newAggregate(compiled, options)
			a.Consume(td)
			a.Consume(td)
			flush(t, a)
			metrics := flush(t, a)
			c := a.takeCounts()
			require.EqualValues(t, 2*td.SpanCount(), c.MLSpans+c.OtherSpans)
			require.Equal(t, c.MLSpans, c.metrics[1].Observed, "each ML span is one call")
			_, err = (&pmetric.ProtoMarshaler{}).MarshalMetrics(metrics)
			require.NoError(t, err)
		}
	})
}
