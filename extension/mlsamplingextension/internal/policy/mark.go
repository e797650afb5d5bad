package policy

import (
	"strings"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// mark writes the adjusted count to every span: the threshold to its W3C trace state, for components that count
// sampled spans, and 1 / probability as an attribute, for queries. Every span has it, not only the root, so that sums
// over any selection of spans are correct. It returns the number of trace states that could not be parsed.
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
				// Fails if the span was sampled with a lower probability before; its count is then larger already.
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
