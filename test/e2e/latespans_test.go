package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// TestLateSpans: a span that comes after its trace's decision follows it, whatever the span itself shows.
func TestLateSpans(t *testing.T) {
	t.Parallel()
	options := stack.CollectorOptions(t)
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s"}
	running := stack.StartCollector(t, options)
	// The decision caches distinguish traces by the second half of their IDs.
	mustKeep, training, routine := pcommon.TraceID{15: 1}, pcommon.TraceID{15: 2}, routineID()
	plain := func(ptrace.Span) {}
	failed := func(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError) }
	export(t, running, oneSpan(mustKeep, 1, failed))
	export(t, running, oneSpan(training, 1, text("ml.stage", "training")))
	export(t, running, oneSpan(routine, 1, plain))

	untilKept(t, running, training, 1) // passed on without a decision
	untilKept(t, running, mustKeep, 1)
	require.Empty(t, untilDecided(t, running, 2)[routine])

	export(t, running, oneSpan(routine, 2, failed))
	export(t, running, oneSpan(mustKeep, 2, plain))
	untilKept(t, running, mustKeep, 2)
	stack.Until(t, running.Process, "both late spans", func(ctx context.Context) error {
		sampling, err := running.Sampling(ctx)
		if err != nil {
			return err
		}
		if sampling.LateKept != 1 || sampling.LateDropped != 1 {
			return fmt.Errorf("%d followed a trace that was kept, %d one that was not", sampling.LateKept, sampling.LateDropped)
		}
		return nil
	})
	assert.Empty(t, untilDecided(t, running, 2)[routine])
}

// routineID is a trace ID that is not in the baseline.
func routineID() pcommon.TraceID {
	id := pcommon.TraceID{15: 3}
	for truth.InBaseline(trace.TraceID(id)) {
		id[15]++
	}
	return id
}

func oneSpan(id pcommon.TraceID, n byte, set func(ptrace.Span)) ptrace.Traces {
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "late")
	resource.Resource().Attributes().PutStr("ml.pipeline.name", "recommendation")
	span := resource.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetTraceID(id)
	span.SetSpanID(pcommon.SpanID{n})
	span.SetName("step")
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	span.SetEndTimestamp(span.StartTimestamp() + 1_000_000)
	set(span)
	return traces
}
