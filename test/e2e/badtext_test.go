package e2e

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestTextThatIsNotUTF8 sends a span whose texts no backend would take. They reach Prometheus, the kept file and the
// backend with U+FFFD in the place of their bad bytes, as does a span of no ML pipeline.
func TestTextThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	receiving := &spanCounter{spans: map[pcommon.TraceID]int{}}
	server := httptest.NewServer(receiving)
	t.Cleanup(server.Close)
	options := stack.CollectorOptions(t, stack.FastFlush, stack.Root(t, "deploy/backend/otelcol.yaml"))
	options.Env = append(options.Env, "OTELCOL_ML_OTLP_ENDPOINT="+server.URL)
	running := stack.StartCollector(t, options)

	input := ptrace.NewTraces()
	for i, resource := range []map[string]any{
		{"service.name": "inf\xffer", "ml.pipeline.name": "recommendation"}, {"service.name": "sh\xffop"},
	} {
		rs := input.ResourceSpans().AppendEmpty()
		require.NoError(t, rs.Resource().Attributes().FromRaw(resource))
		ss := rs.ScopeSpans().AppendEmpty()
		ss.Scope().SetName("sc\xffope")
		span := ss.Spans().AppendEmpty()
		span.SetTraceID(pcommon.TraceID{0xba, 15: byte(i + 1)})
		span.SetSpanID(pcommon.SpanID{0xba, 7: byte(i + 1)})
		span.SetName("caf\xe9")
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		span.SetEndTimestamp(span.StartTimestamp() + 20e6)
		span.Status().SetCode(ptrace.StatusCodeError) // so that it is kept
		span.Status().SetMessage("no such caf\xe9")
		span.Attributes().PutStr("customer", "Zo\xeb")
		span.Attributes().PutStr("k\xff", "value")
		span.Attributes().PutEmptySlice("items").AppendEmpty().SetStr("\xc3")
		span.Events().AppendEmpty().SetName("\xff")
	}
	export(t, running, input)

	var traces kept.Traces
	stack.Until(t, running.Process, "the kept traces", func(context.Context) (err error) {
		if traces, err = kept.Read(running.KeptFile()); err == nil && len(traces) < 2 {
			return fmt.Errorf("%d of 2 traces", len(traces))
		}
		return err
	})
	for _, trace := range traces {
		span := trace[0]
		assert.Equal(t, "caf\uFFFD", span.Name())
		assert.Equal(t, "no such caf\uFFFD", span.Status().Message())
		assert.Equal(t, "\uFFFD", span.Events().At(0).Name())
		attributes := span.Attributes().AsRaw()
		assert.Equal(t, "Zo\uFFFD", attributes["customer"])
		assert.Equal(t, "value", attributes["k\uFFFD"])
		assert.Equal(t, []any{"\uFFFD"}, attributes["items"])
	}
	text, err := os.ReadFile(running.KeptFile())
	require.NoError(t, err)
	assert.True(t, utf8.Valid(text))

	stack.Until(t, running.Process, "the traces at the backend", func(context.Context) error {
		if n := len(receiving.received()); n < 2 {
			return fmt.Errorf("%d of 2 have arrived", n)
		}
		return nil
	})
	assert.Zero(t, receiving.notText(), "texts that a backend refuses")

	stack.Until(t, running.Process, "the metrics", func(ctx context.Context) error {
		metrics, err := running.Metrics(ctx)
		if err != nil {
			return err
		}
		if n := metrics.Sum("duration_ms_count", "span_name", "caf\uFFFD", "service_name", "inf\uFFFDer"); n != 1 {
			return fmt.Errorf("%v observations", n)
		}
		return nil
	})
	telemetry, err := running.Telemetry(t.Context())
	require.NoError(t, err)
	// Of each span: the service, the scope, the name, the status, two values, a key and an event.
	assert.Equal(t, 16.0, telemetry.Sum("otelcol_processor_mldiagnosis_repaired_texts"))
	assert.Positive(t, telemetry.Sum("otelcol_connector_mlmetrics_repaired_labels"))
}
