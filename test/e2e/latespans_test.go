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
	// The decision caches tell traces apart by the second half of their IDs.
	telling, training, routine := pcommon.TraceID{15: 1}, pcommon.TraceID{15: 2}, routineID()
	plain := func(ptrace.Span) {}
	failed := func(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError) }
	export(t, running, oneSpan(telling, 1, failed))
	export(t, running, oneSpan(training, 1, text("ml.stage", "training")))
	export(t, running, oneSpan(routine, 1, plain))

	traces := untilDecided(t, running, 3)
	require.Len(t, traces[telling], 1)
	require.Len(t, traces[training], 1, "training runs far outlast the decision wait, so they are always kept")
	require.Empty(t, traces[routine])

	export(t, running, oneSpan(routine, 2, failed))
	export(t, running, oneSpan(telling, 2, plain))
	untilKept(t, running, telling, 2)
	stack.Until(t, running.Process, "both late spans", func(ctx context.Context) error {
		telemetry, err := running.Telemetry(ctx)
		if err != nil {
			return err
		}
		const metric = "otelcol_processor_tail_sampling_early_releases_from_cache_decision"
		kept, dropped := telemetry.Sum(metric, "sampled", "true"), telemetry.Sum(metric, "sampled", "false")
		if kept != 1 || dropped != 1 {
			return fmt.Errorf("%v followed a trace that was kept, %v one that was not", kept, dropped)
		}
		return nil
	})
	assert.Empty(t, untilDecided(t, running, 3)[routine])
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
