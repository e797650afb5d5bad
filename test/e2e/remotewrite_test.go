package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestRemoteWriteAway: with the block of docs/configuration.md, a receiver of remote write that takes connections and never
// answers costs a bounded queue, and does not keep the collector from ending.
func TestRemoteWriteAway(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	page, err := os.ReadFile(stack.Root(t, "docs/configuration.md"))
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```yaml\n(exporters:\n  prometheus_remote_write:.*?)```").FindSubmatch(page)
	require.NotNil(t, block)
	overlay := t.TempDir() + "/remote-write.yaml"
	text := regexp.MustCompile(`https://mimir[^\n]*`).ReplaceAllString(string(block[1]), server.URL)
	require.NoError(t, os.WriteFile(overlay, []byte(text), 0o600))

	services := 500
	if full() {
		services = 10_000
	}
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush, overlay))
	for from := 0; from < services; from += 500 {
		td := ptrace.NewTraces()
		for n := from; n < from+500; n++ {
			rs := td.ResourceSpans().AppendEmpty()
			rs.Resource().Attributes().PutStr("service.name", fmt.Sprint("service-", n))
			rs.Resource().Attributes().PutStr("ml.pipeline.name", "many")
			s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
			s.SetTraceID(pcommon.TraceID{1, byte(n), byte(n >> 8)})
			s.SetSpanID(pcommon.SpanID{1})
			s.SetName("predict")
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now()))
			s.SetEndTimestamp(s.StartTimestamp() + 1e6)
		}
		export(t, running, td)
	}
	stack.Until(t, running.Process, "a full queue", func(ctx context.Context) error {
		telemetry, err := running.Telemetry(ctx)
		if err != nil {
			return err
		}
		size := telemetry.Sum("otelcol_exporter_queue_size", "exporter", "prometheus_remote_write")
		require.LessOrEqual(t, size, 12.0)
		if telemetry.Sum("otelcol_exporter_enqueue_failed_metric_points", "exporter", "prometheus_remote_write") == 0 {
			return fmt.Errorf("%v requests wait", size)
		}
		t.Logf("%d services, full queue: resident memory %.0f MB", services, telemetry.Sum("otelcol_process_memory_rss")/1e6)
		return nil
	})
	stack.Stop(t, running.Process) // which fails the test after 30 s
}
