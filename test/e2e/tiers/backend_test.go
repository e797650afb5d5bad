package tiers

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// backend takes OTLP over HTTP as Tempo and Jaeger do. It can go away and come back at its address.
type backend struct {
	t       testing.TB
	address string
	server  *http.Server

	mutex  sync.Mutex
	traces kept.Traces
}

func startBackend(t testing.TB) *backend {
	t.Helper()
	b := &backend{t: t, address: "127.0.0.1:0", traces: kept.Traces{}}
	b.comeBack()
	t.Cleanup(b.goAway)
	return b
}

func (b *backend) comeBack() {
	b.t.Helper()
	var listener net.Listener
	require.Eventually(b.t, func() (free bool) {
		var err error
		listener, err = net.Listen("tcp", b.address)
		return err == nil
	}, stack.Patience, 10*time.Millisecond)
	b.address = listener.Addr().String()
	b.server = &http.Server{Handler: b}
	go func(server *http.Server) { _ = server.Serve(listener) }(b.server)
}

func (b *backend) goAway() { b.server.Close() }

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	unzipped, err := gzip.NewReader(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(unzipped)
	request := ptraceotlp.NewExportRequest()
	if err == nil {
		err = request.UnmarshalProto(body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, resource := range request.Traces().ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				id := span.TraceID()
				b.traces[id] = append(b.traces[id], kept.Span{Span: span, Resource: resource.Resource()})
			}
		}
	}
}

// received are the traces that have arrived.
func (b *backend) received() kept.Traces {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	traces := kept.Traces{}
	for id, trace := range b.traces {
		traces[id] = trace
	}
	return traces
}

// TestBackendAway takes the backend away, kills the collector while kept traces wait for it, and looks for every one of
// them once both are back.
func TestBackendAway(t *testing.T) {
	t.Parallel()
	for _, overlay := range []string{"deploy/tempo/otelcol.yaml", "deploy/jaeger/otelcol.yaml"} {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			store := startBackend(t)
			options := stack.CollectorOptions(t, stack.Root(t, overlay))
			options.Env = append(options.Env, "OTELCOL_ML_OTLP_ENDPOINT=http://"+store.address)
			first := stack.StartCollector(t, options)
			traffic := newTraffic(t, startFront(t, first.GRPC), 53)

			// Some before, so that the way is known to work.
			traffic.send(1, 200)
			untilDelivered(t, store, traffic.all())
			delivered := len(store.received())
			store.goAway()

			traffic.send(3, 200)
			sent := traffic.all()
			untilKept(t, sent, first)
			waiting := untilQueued(t, first, store)
			kill(t, first)
			require.Len(t, store.received(), delivered, "nothing arrives at a backend that is away")

			store.comeBack()
			second := stack.StartCollector(t, options)
			untilDelivered(t, store, sent)
			f := compare(t, sent, store.received())
			assert.Empty(t, ids(f.missing), "traces that are lost")
			assert.Empty(t, ids(f.partial), "traces that arrive in part")
			stack.Stop(t, second.Process)
			t.Logf("%d kept traces, %d before, %d B waiting when the collector was killed; %d arrived twice in whole or part",
				f.kept, delivered, waiting, len(f.repeated))
		})
	}
}

func untilDelivered(t testing.TB, store *backend, sent []shop.Sent) {
	t.Helper()
	want := 0
	for _, s := range sent {
		if toKeep(s) {
			want++
		}
	}
	require.Eventually(t, func() bool { return len(store.received()) >= want }, stack.Patience, 50*time.Millisecond,
		"kept traces at the backend, of %d", want)
}

// untilQueued waits until every kept trace that the backend has not got is in the queue to it, and returns the queue's
// size in bytes. The file gets a trace a moment earlier than the queue.
func untilQueued(t testing.TB, running *collector.Collector, store *backend) (size int) {
	t.Helper()
	want := bytesKept(t, running.KeptFile(), store.received())
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
