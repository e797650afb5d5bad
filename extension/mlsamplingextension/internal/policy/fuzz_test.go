package policy

import (
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// FuzzPolicy takes any OTLP and any trace state: nothing panics, no span is lost, and what a kept span stands for is at least itself.
func FuzzPolicy(f *testing.F) {
	for _, state := range []string{"", "ot=th:8", "ot=th:c;rv:fedcba98765432,dd=s:1", "ot=th:ffffffffffffff", "=?"} {
		data, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traceOf(state, "", state).ReceivedBatches)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, state)
	}
	p := newPolicy(0.5)
	f.Fuzz(func(t *testing.T, data []byte, state string) {
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(data)
		if err != nil {
			return
		}
		var id pcommon.TraceID
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					span.TraceState().FromRaw(state)
					id = span.TraceID()
				}
			}
		}
		spans := td.SpanCount()
		decision, threshold, err := p.EvaluateWithThreshold(t.Context(), id, &samplingpolicy.TraceData{ReceivedBatches: td})
		if err != nil || td.SpanCount() != spans {
			t.Fatalf("%v, %d spans of %d", err, td.SpanCount(), spans)
		}
		if decision != samplingpolicy.Sampled {
			return
		}
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					if n, ok := span.Attributes().Get(vocab.SamplingAdjustedCount); !ok || n.Double() < threshold.AdjustedCount()*(1-1e-9) {
						t.Fatalf("count %v under %v, trace state %q", n.AsString(), threshold.AdjustedCount(), state)
					}
				}
			}
		}
	})
}
