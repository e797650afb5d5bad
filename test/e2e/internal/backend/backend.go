// Package backend is a backend of traces that can go away and come back.
package backend

import (
	"compress/gzip"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// Backend takes OTLP over HTTP as Tempo and Jaeger do. It can go away and come back at its address.
type Backend struct {
	t       testing.TB
	address string
	server  *http.Server

	mutex  sync.Mutex
	traces kept.Traces
}

// Start starts a backend and stops it with the test.
func Start(t testing.TB) *Backend {
	t.Helper()
	b := &Backend{t: t, address: "127.0.0.1:0", traces: kept.Traces{}}
	b.ComeBack()
	t.Cleanup(b.GoAway)
	return b
}

// Env is the environment variable with which the overlays of deploy/ send to it.
func (b *Backend) Env() string { return "OTELCOL_ML_OTLP_ENDPOINT=http://" + b.address }

// ComeBack listens again.
func (b *Backend) ComeBack() {
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

// GoAway closes the listener and all connections.
func (b *Backend) GoAway() { b.server.Close() }

func (b *Backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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

// Received are the traces that have arrived.
func (b *Backend) Received() kept.Traces {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return maps.Clone(b.traces)
}
