// Package policy implements the sampling policy for tail sampling, which calls Evaluate for each trace. All methods
// may be called concurrently.
package policy

import (
	"context"
	"sync/atomic"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/budget"
	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/classify"
)

// Policy decides on traces within a budget and marks those that are kept. Several policies may share a budget.
type Policy struct {
	Reader classify.Reader
	Budget *budget.Allocator
	// Unreadable counts kept spans whose trace state cannot be parsed.
	Unreadable *atomic.Int64
}

// tail_sampling also writes the threshold of a ThresholdEvaluator to the trace state if its feature gate
// processor.tailsamplingprocessor.usetracestate is enabled. It then finds the threshold of mark.
var _ samplingpolicy.ThresholdEvaluator = (*Policy)(nil)

// Evaluate decides on a trace.
func (p *Policy) Evaluate(ctx context.Context, id pcommon.TraceID, trace *samplingpolicy.TraceData) (samplingpolicy.Decision, error) {
	decision, _, err := p.EvaluateWithThreshold(ctx, id, trace)
	return decision, err
}

// EvaluateWithThreshold decides on a trace and returns the threshold. It adds the adjusted count to the spans of a
// kept trace; tail_sampling passes its own copy.
func (p *Policy) EvaluateWithThreshold(_ context.Context, id pcommon.TraceID, trace *samplingpolicy.TraceData) (samplingpolicy.Decision, sampling.Threshold, error) {
	t := p.Reader.Read(id, trace.ReceivedBatches)
	threshold, keep := p.Budget.Decide(&t)
	if !keep {
		return samplingpolicy.NotSampled, threshold, nil
	}
	p.Unreadable.Add(mark(trace.ReceivedBatches, threshold))
	return samplingpolicy.Sampled, threshold, nil
}

// IsStateful reports that decisions depend on earlier traces.
func (p *Policy) IsStateful() bool { return true }
