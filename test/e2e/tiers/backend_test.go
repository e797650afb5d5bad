package tiers

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/backend"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestBackendAway takes the backend away, kills the collector while kept traces wait for it, and looks for every one of
// them once both are back.
func TestBackendAway(t *testing.T) {
	t.Parallel()
	for _, overlay := range []string{"deploy/tempo/otelcol.yaml", "deploy/jaeger/otelcol.yaml"} {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			store := backend.Start(t)
			options := stack.CollectorOptions(t, stack.Root(t, overlay))
			options.Env = append(options.Env, store.Env())
			first := stack.StartCollector(t, options)
			traffic := newTraffic(t, startFront(t, first.GRPC), 53)

			// Some before, so that the way is known to work.
			traffic.send(1, 200)
			untilDelivered(t, store, traffic.all())
			delivered := len(store.Received())
			store.GoAway()

			traffic.send(3, 200)
			sent := traffic.all()
			untilKept(t, sent, first)
			waiting := untilQueued(t, first, store)
			kill(t, first)
			require.Len(t, store.Received(), delivered, "nothing arrives at a backend that is away")

			store.ComeBack()
			second := stack.StartCollector(t, options)
			untilDelivered(t, store, sent)
			f := compare(t, sent, store.Received())
			assert.Empty(t, ids(f.missing), "traces that are lost")
			assert.Empty(t, ids(f.partial), "traces that arrive in part")
			stack.Stop(t, second.Process)
			t.Logf("%d kept traces, %d before, %d B waiting when the collector was killed; %d arrived twice in whole or part",
				f.kept, delivered, waiting, len(f.repeated))
		})
	}
}

func untilDelivered(t testing.TB, store *backend.Backend, sent []shop.Sent) {
	t.Helper()
	want := 0
	for _, s := range sent {
		if toKeep(s) {
			want++
		}
	}
	require.Eventually(t, func() bool { return len(store.Received()) >= want }, stack.Patience, 50*time.Millisecond,
		"kept traces at the backend, of %d", want)
}

// untilQueued waits until every kept trace that the backend has not got is in the queue to it, and returns the queue's
// size in bytes. The file gets a trace a moment earlier than the queue.
func untilQueued(t testing.TB, running *collector.Collector, store *backend.Backend) (size int) {
	t.Helper()
	want := bytesKept(t, running.KeptFile(), store.Received())
	require.Positive(t, want)
	stack.Until(t, running.Process, "the kept traces in the queue", func(ctx context.Context) error {
		telemetry, err := running.Telemetry(ctx)
		if err != nil {
			return err
		}
		if size = int(telemetry.Sum("otelcol_exporter_queue_size", "exporter", "otlp_http/backend")); size < want {
			return fmt.Errorf("%d of %d bytes", size, want)
		}
		return nil
	})
	return size
}

// bytesKept is the size, as protobuf, of the file's traces without some. The file has a line for each.
func bytesKept(t testing.TB, path string, without kept.Traces) (size int) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for line := range bytes.Lines(text) {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		require.NoError(t, err)
		id := traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).TraceID()
		if _, has := without[id]; !has {
			size += (&ptrace.ProtoMarshaler{}).TracesSize(traces)
		}
	}
	return size
}
