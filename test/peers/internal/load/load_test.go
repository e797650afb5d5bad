package load

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/traffic"
)

const (
	patience = time.Minute
	poll     = time.Millisecond
)

// receiver counts spans, and answers as it is set.
type receiver struct {
	ptraceotlp.UnimplementedGRPCServer
	spans  atomic.Uint64
	answer func() (ptraceotlp.ExportResponse, error)
}

func (r *receiver) Export(_ context.Context, request ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	r.spans.Add(uint64(request.Traces().SpanCount()))
	return r.answer()
}

func serve(t *testing.T, r *receiver) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	ptraceotlp.RegisterGRPCServer(server, r)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func source(t *testing.T) *traffic.Source {
	s, err := traffic.New("../../../../testdata/article/flamegraph.json", traffic.Shape{Pipelines: 2, Models: 3})
	require.NoError(t, err)
	return s
}

func taken() (ptraceotlp.ExportResponse, error) { return ptraceotlp.NewExportResponse(), nil }

func TestLoadSendsAsManyAsItSays(t *testing.T) {
	r, s := &receiver{answer: taken}, source(t)
	sent, err := Start(t.Context(), serve(t, r), s, 3, 20, 0)
	require.NoError(t, err)
	require.NoError(t, sent.Wait())
	assert.Equal(t, s.Counts(20).Spans, sent.Spans())
	assert.Equal(t, sent.Spans(), r.spans.Load())
}

func TestLoadSendsUntilStopped(t *testing.T) {
	r := &receiver{answer: taken}
	sent, err := Start(t.Context(), serve(t, r), source(t), 2, 0, 0)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return sent.Spans() > 10_000 }, patience, poll)
	require.NoError(t, sent.Stop())
	assert.Equal(t, sent.Spans(), r.spans.Load())
}

func TestLoadFailsWhereSpansAreRefused(t *testing.T) {
	for name, answer := range map[string]func() (ptraceotlp.ExportResponse, error){
		"rejected": func() (ptraceotlp.ExportResponse, error) {
			response := ptraceotlp.NewExportResponse()
			response.PartialSuccess().SetRejectedSpans(5)
			response.PartialSuccess().SetErrorMessage("too many")
			return response, nil
		},
		"unavailable": func() (ptraceotlp.ExportResponse, error) {
			return ptraceotlp.NewExportResponse(), status.Error(codes.Unavailable, "too many")
		},
	} {
		t.Run(name, func(t *testing.T) {
			sent, err := Start(t.Context(), serve(t, &receiver{answer: answer}), source(t), 2, 0, 0)
			require.NoError(t, err)
			assert.ErrorContains(t, sent.Wait(), "too many")
		})
	}
}
