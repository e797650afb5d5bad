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

	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestOtherSpans: a span of no ML pipeline passes untouched, not even coerced, and no metric counts it. A span that
// nothing recognises, of a service of an ML pipeline, is counted by its duration.
func TestOtherSpans(t *testing.T) {
	t.Parallel()
	options := stack.CollectorOptions(t, stack.FastFlush, stack.Root(t, "test/e2e/testdata/all-traces.yaml"))
	running := stack.StartCollector(t, options)
	input := ptrace.NewTraces()
	add := func(service, pipeline string, id byte) ptrace.Span {
		resource := input.ResourceSpans().AppendEmpty()
		resource.Resource().Attributes().PutStr("service.name", service)
		if pipeline != "" {
			resource.Resource().Attributes().PutStr("ml.pipeline.name", pipeline)
		}
		span := resource.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetTraceID(pcommon.TraceID{0x07, 15: id})
		span.SetSpanID(pcommon.SpanID{0x07, 7: id})
		span.SetName("GET /basket")
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		span.SetEndTimestamp(span.StartTimestamp() + 5_000_000)
		span.Attributes().PutStr("http.request.method", "GET")
		span.Attributes().PutStr("ml.client.id", "7") // of the vocabulary, but no reason to keep the trace
		return span
	}
	other := add("web", "", 1)
	add("basket", "recommendation", 2)
	export(t, running, input)

	traces := untilSpans(t, running, options.DataDir+"/all-traces.jsonl", 2)
	got := traces[other.TraceID()]
	require.Len(t, got, 1)
	assert.Equal(t, other.Attributes().AsRaw(), got[0].Attributes().AsRaw())

	stack.Until(t, running.Process, "the metrics", func(ctx context.Context) error {
		metrics, err := running.Metrics(ctx)
		if err != nil {
			return err
		}
		if n := metrics.Sum("duration_ms_count", "service_name", "basket"); n != 1 {
			return fmt.Errorf("%v spans of the pipeline are counted", n)
		}
		assert.Zero(t, metrics.Sum("duration_ms_count", "service_name", "web"))
		return nil
	})
}
