package mlmetricsconnector

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metadatatest"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// TestBadValuesAreCountedAndNeverObserved sends one span for each bad value.
func TestBadValuesAreCountedAndNeverObserved(t *testing.T) {
	for name, tc := range map[string]struct {
		set     func(ptrace.Span)
		invalid string
	}{
		"NaN":                   {attr(vocab.QueueWait, math.NaN()), vocab.QueueWait},
		"infinite":              {attr(vocab.QueueWait, math.Inf(1)), vocab.QueueWait},
		"negative":              {attr(vocab.QueueWait, -1.0), vocab.QueueWait},
		"since 1970":            {attr(vocab.QueueWait, 1.79e12), vocab.QueueWait},
		"1e300 ms":              {attr(vocab.QueueWait, 1e300), vocab.QueueWait},
		"1e300 MB":              {attr(vocab.GPUMemoryAllocated, 1e300), vocab.GPUMemoryAllocated},
		"text":                  {attr(vocab.QueueWait, "a while"), vocab.QueueWait},
		"bool":                  {attr(vocab.QueueWait, true), vocab.QueueWait},
		"text that is infinite": {attr(vocab.QueueWait, "+Inf"), vocab.QueueWait},
		"share over 1":          {attr(vocab.FeaturesHitRate, 1.01), vocab.FeaturesHitRate},
		"part of a request":     {attr(vocab.BatchSize, 2.5), vocab.BatchSize},
		"negative count":        {attr(vocab.FeaturesCacheHits, int64(-1)), vocab.FeaturesCacheHits},
		"negative gauge":        {attr(vocab.GPUMemoryAllocated, int64(-1)), vocab.GPUMemoryAllocated},
		"unknown as -1":         {attr(vocab.InputTokens, int64(-1)), vocab.InputTokens},
		"more than there are":   {attr(vocab.OutputTokens, int64(9e18)), vocab.OutputTokens},
		"threshold of few":      {func(s ptrace.Span) { s.TraceState().FromRaw("ot=th:ffffffffffffff") }, "tracestate"},
		"end before start": {func(s ptrace.Span) {
			s.SetStartTimestamp(2e9)
			s.SetEndTimestamp(1e9)
		}, "duration"},
		"end of 2^64-1": {func(s ptrace.Span) { s.SetEndTimestamp(math.MaxUint64) }, "duration"},
		"start near zero": {func(s ptrace.Span) {
			s.SetStartTimestamp(5)
			s.SetEndTimestamp(1_790_000_000e9)
		}, "duration"},
		"no start": {func(s ptrace.Span) { s.SetStartTimestamp(0) }, "duration"},
		"no end":   {func(s ptrace.Span) { s.SetEndTimestamp(0) }, "duration"},
	} {
		t.Run(name, func(t *testing.T) {
			tel := componenttest.NewTelemetry()
			t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
			sink := &consumertest.MetricsSink{}
			set := connector.Settings{ID: connectortest.NewNopSettings(NewFactory().Type()).ID, TelemetrySettings: tel.NewTelemetrySettings()}
			c, err := newMetricsConnector(set, createDefaultConfig().(*Config), sink, time.Now)
			require.NoError(t, err)

			td := ptrace.NewTraces() // no resource attributes: the stage alone makes an ML span
			span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
			span.SetStartTimestamp(1e9)
			span.SetEndTimestamp(2e9)
			span.Attributes().PutStr(vocab.Stage, vocab.StageInference)
			tc.set(span)
			td.MarkReadOnly() // other consumers share it
			require.NoError(t, c.ConsumeTraces(context.Background(), td))
			for range 2 {
				_, err = c.flush(context.Background())
				require.NoError(t, err)
			}

			metadatatest.AssertEqualConnectorMlmetricsInvalidValues(t, tel, []metricdata.DataPoint[int64]{{
				Value: 1, Attributes: attribute.NewSet(attribute.String("attribute", tc.invalid), attribute.String("connector", set.ID.String())),
			}}, metricdatatest.IgnoreTimestamp())
			expected := map[string]bool{"ml.stage.calls": true, "duration_ms": tc.invalid != "duration"}
			for _, m := range sink.AllMetrics()[1].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
				require.True(t, expected[m.Name()], "%s was observed", m.Name())
			}
		})
	}
}

func attr(key string, value any) func(ptrace.Span) {
	return func(s ptrace.Span) {
		v := pcommon.NewValueEmpty()
		if err := v.FromRaw(value); err != nil {
			panic(err)
		}
		v.CopyTo(s.Attributes().PutEmpty(key))
	}
}
