package mltrainingconnector

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/otelcol-ml/otelcol-ml/connector/mltrainingconnector/internal/metadata"
)

// BenchmarkRequests passes on spans of requests, in batches of one resource or of many.
func BenchmarkRequests(b *testing.B) {
	for name, test := range map[string]struct {
		resources, spans int
		runs             bool
	}{
		"512 spans of one resource":           {1, 512, false},
		"8 spans each of 64 resources":        {64, 8, false},
		"512 spans, while a run is under way": {1, 512, true},
	} {
		b.Run(name, func(b *testing.B) {
			cfg := createDefaultConfig().(*Config)
			cfg.To = []pipeline.ID{toTraining}
			c, err := NewFactory().CreateTracesToTraces(b.Context(), connectortest.NewNopSettings(metadata.Type), cfg,
				connector.NewTracesRouter(map[pipeline.ID]consumer.Traces{toTraining: consumertest.NewNop(), toSample: consumertest.NewNop()}))
			require.NoError(b, err)
			if test.runs {
				require.NoError(b, c.ConsumeTraces(b.Context(), batch("", []span{{9, "train", "training"}})))
			}
			traces := ptrace.NewTraces()
			for range test.resources {
				one := batch("recommendation", nil)
				spans := one.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
				for n := range test.spans {
					span := spans.AppendEmpty()
					span.SetTraceID(pcommon.TraceID{1, byte(n), byte(n >> 8)})
					for _, key := range []string{"a", "b", "c", "d", "e", "f", "g"} {
						span.Attributes().PutDouble("ml.features."+key, 1)
					}
					span.Attributes().PutStr("ml.stage", "inference")
				}
				one.ResourceSpans().MoveAndAppendTo(traces.ResourceSpans())
			}
			b.ReportAllocs()
			for b.Loop() {
				_ = c.ConsumeTraces(b.Context(), traces)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(test.resources*test.spans), "ns/span")
		})
	}
}
