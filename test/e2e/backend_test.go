package e2e

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// spanCounter takes OTLP over HTTP as Tempo and Jaeger do, and counts the spans of each trace.
type spanCounter struct {
	mutex sync.Mutex
	spans map[pcommon.TraceID]int
	// bad is the number of requests with text that is not UTF-8, which protobuf's own decoders refuse.
	bad int
}

func (b *spanCounter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := b.take(r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// unzipped is the body of an OTLP request as the exporter sends it.
func unzipped(r *http.Request, path string) ([]byte, error) {
	if r.URL.Path != path || r.Header.Get("Content-Encoding") != "gzip" {
		return nil, fmt.Errorf("unexpected request to %s, %s", r.URL.Path, r.Header)
	}
	body, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(body)
}

func (b *spanCounter) take(r *http.Request) error {
	body, err := unzipped(r, "/v1/traces")
	if err != nil {
		return err
	}
	request := ptraceotlp.NewExportRequest()
	if err := request.UnmarshalProto(body); err != nil {
		return err
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if err := proto.Unmarshal(body, &collectortrace.ExportTraceServiceRequest{}); err != nil {
		b.bad++
	}
	for _, resource := range request.Traces().ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				b.spans[span.TraceID()]++
			}
		}
	}
	return nil
}

func (b *spanCounter) notText() int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.bad
}

func (b *spanCounter) received() map[pcommon.TraceID]int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return maps.Clone(b.spans)
}

// TestBackend: one more file sends the kept traces, and only those, to an OTLP backend as well.
func TestBackend(t *testing.T) {
	t.Parallel()
	receiving := &spanCounter{spans: map[pcommon.TraceID]int{}}
	server := httptest.NewServer(receiving)
	t.Cleanup(server.Close)

	options := stack.CollectorOptions(t, stack.Root(t, "deploy/backend/otelcol.yaml"))
	options.Env = append(options.Env, "OTELCOL_ML_OTLP_ENDPOINT="+server.URL)
	running := stack.StartCollector(t, options)
	sent := sendTo(t, running, 31, 500)
	want := map[pcommon.TraceID]int{}
	for id, trace := range untilDecided(t, running, len(sent)) {
		want[id] = len(trace)
	}
	require.NotEmpty(t, want)
	stack.Until(t, running.Process, "the kept traces at the backend", func(context.Context) error {
		if n := len(receiving.received()); n < len(want) {
			return fmt.Errorf("%d of %d have arrived", n, len(want))
		}
		return nil
	})
	stack.Stop(t, running.Process)
	assert.Equal(t, want, receiving.received())
}

// TestNoBackend: without that file nothing is sent anywhere and nothing complains.
func TestNoBackend(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t))
	sent := sendTo(t, running, 31, 300)
	require.NotEmpty(t, untilDecided(t, running, len(sent)))
	stack.Stop(t, running.Process)
	for line := range strings.Lines(running.Log()) {
		assert.NotRegexp(t, `\t(warn|error)\t`, line)
	}
}
