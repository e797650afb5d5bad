package policy

import (
	"strings"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// mark writes on every span what it stands for: the threshold to its W3C trace
// state, for whatever counts sampled spans, and 1 / probability as an attribute,
// for queries. On every span and not on the root alone, so that a sum over any
// selection of spans is right. It returns how many trace states it could not read.
func mark(td ptrace.Traces, threshold sampling.Threshold) (unreadable int64) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				state, err := sampling.NewW3CTraceState(span.TraceState().AsRaw())
				if err != nil {
					unreadable++
					span.Attributes().PutDouble(vocab.SamplingAdjustedCount, threshold.AdjustedCount())
					continue
				}
				// Refused where the span was sampled more strictly before: then it stands for more already.
				_ = state.OTelValue().UpdateTValueWithSampling(threshold)
				var text strings.Builder
				_ = state.Serialize(&text) // a Builder does not fail
				span.TraceState().FromRaw(text.String())
				span.Attributes().PutDouble(vocab.SamplingAdjustedCount, state.OTelValue().AdjustedCount())
			}
		}
	}
	return unreadable
}
