package policy

import (
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/budget"
	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/classify"
)

// newPolicy keeps this share of traces without a signal.
func newPolicy(share float64) *Policy {
	return &Policy{
		Budget: budget.New(budget.Limits{
			Budget: 10_000, ClassBudget: math.Inf(1), Baseline: classify.Baseline, BaselineShare: share, MaxClasses: 10,
		}, func() time.Time { return time.Unix(1_700_000_000, 0) }),
		Unreadable: &atomic.Int64{},
	}
}

// traceOf has a span for each trace state; the first is the root.
func traceOf(states ...string) *samplingpolicy.TraceData {
	td := ptrace.NewTraces()
	for i, state := range states {
		span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.TraceState().FromRaw(state)
		if i > 0 {
			span.SetParentSpanID(pcommon.SpanID{1})
		}
	}
	return &samplingpolicy.TraceData{ReceivedBatches: td, SpanCount: int64(len(states))}
}

func TestMarks(t *testing.T) {
	for _, test := range []struct {
		name       string
		share      float64
		states     []string
		marked     []string
		counts     []float64
		unreadable int64
	}{
		{"each span", 0.25, []string{"", ""}, []string{"ot=th:c", "ot=th:c"}, []float64{4, 4}, 0},
		{"kept for sure", 1, []string{""}, []string{"ot=th:0"}, []float64{1}, 0},
		{"other entries stay", 0.25, []string{"dd=s:1,ot=rv:ffffffffffffff;x:y,z=1"}, []string{"ot=rv:ffffffffffffff;th:c;x:y,dd=s:1,z=1"}, []float64{4}, 0},
		{"sampled less strictly before", 0.25, []string{"ot=th:8", ""}, []string{"ot=th:c", "ot=th:c"}, []float64{4, 4}, 0},
		{"a child sampled more strictly before", 0.25, []string{"", "ot=th:e"}, []string{"ot=th:c", "ot=th:e"}, []float64{4, 8}, 0},
		{"not readable", 0.25, []string{"", "=?"}, []string{"ot=th:c", "=?"}, []float64{4, 4}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPolicy(test.share)
			trace := traceOf(test.states...)
			id := pcommon.TraceID{15: 1} // too little randomness to be kept ...
			decision, err := p.Evaluate(t.Context(), id, trace)
			require.NoError(t, err)
			if test.share < 1 && test.states[0] != "dd=s:1,ot=rv:ffffffffffffff;x:y,z=1" {
				assert.Equal(t, samplingpolicy.NotSampled, decision)
				assert.Equal(t, test.states[0], trace.ReceivedBatches.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).TraceState().AsRaw())
				id = pcommon.TraceID{9: 0xff} // ... and enough
				decision, err = p.Evaluate(t.Context(), id, trace)
				require.NoError(t, err)
			}
			assert.Equal(t, samplingpolicy.Sampled, decision)
			for i, rs := range trace.ReceivedBatches.ResourceSpans().All() {
				span := rs.ScopeSpans().At(0).Spans().At(0)
				assert.Equal(t, test.marked[i], span.TraceState().AsRaw())
				count, ok := span.Attributes().Get("ml.sampling.adjusted_count")
				require.True(t, ok)
				require.Equal(t, pcommon.ValueTypeDouble, count.Type())
				assert.InDelta(t, test.counts[i], count.Double(), 1e-9)
			}
			assert.Equal(t, test.unreadable, p.Unreadable.Load())
		})
	}
}

// TestThreshold: tail_sampling learns the threshold, and that decisions depend on each other.
func TestThreshold(t *testing.T) {
	p := newPolicy(0.25)
	decision, threshold, err := p.EvaluateWithThreshold(t.Context(), pcommon.TraceID{9: 0xff}, traceOf(""))
	require.NoError(t, err)
	assert.Equal(t, samplingpolicy.Sampled, decision)
	assert.Equal(t, "c", threshold.TValue())
	assert.True(t, p.IsStateful())
	assert.Same(t, p, samplingpolicy.AsThresholdEvaluator(p))
}

// TestConsistent: of two collectors, the one with the larger share keeps all that the other keeps.
func TestConsistent(t *testing.T) {
	small, large := newPolicy(0.1), newPolicy(0.3)
	both := 0
	for i := range 1000 {
		id := pcommon.TraceID{0: 1, 9: byte(i * 37), 10: byte(i)}
		inSmall, err := small.Evaluate(t.Context(), id, traceOf(""))
		require.NoError(t, err)
		inLarge, err := large.Evaluate(t.Context(), id, traceOf(""))
		require.NoError(t, err)
		if inSmall == samplingpolicy.Sampled {
			assert.Equal(t, samplingpolicy.Sampled, inLarge)
			both++
		}
		assert.Equal(t, samplingpolicy.Sampled == inSmall, sampling.TraceIDToRandomness(id).Unsigned() >= thresholdOf(t, 0.1))
	}
	assert.Positive(t, both)
}

func thresholdOf(t *testing.T, p float64) uint64 {
	th, err := sampling.ProbabilityToThresholdWithPrecision(p, 4)
	require.NoError(t, err)
	return th.Unsigned()
}
