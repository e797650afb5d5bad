package shop

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// receiver takes OTLP as a collector does.
type receiver struct {
	ptraceotlp.UnimplementedGRPCServer
	refuse error
	taken  chan ptrace.Traces
}

func (r *receiver) Export(_ context.Context, request ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	if r.refuse == nil {
		r.taken <- request.Traces()
	}
	return ptraceotlp.NewExportResponse(), r.refuse
}

func listen(t *testing.T, r *receiver) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	ptraceotlp.RegisterGRPCServer(server, r)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

// The article's request arrives as one trace: each span under the one that called its service, as the headers said.
func TestPlay(t *testing.T) {
	r := &receiver{taken: make(chan ptrace.Traces, 100)}
	shop, err := Open(t.Context(), Config{Endpoint: listen(t, r)})
	require.NoError(t, err)
	sent := shop.Play(ArticleRequest(at))
	require.NoError(t, shop.Close(t.Context()))
	close(r.taken)

	spans, services := map[string]ptrace.Span{}, map[string]string{}
	for batch := range r.taken {
		for _, resource := range batch.ResourceSpans().All() {
			service, _ := resource.Resource().Attributes().Get("service.name")
			for _, span := range resource.ScopeSpans().At(0).Spans().All() {
				spans[span.Name()], services[span.Name()] = span, service.Str()
			}
		}
	}
	require.Len(t, spans, 10)
	require.Len(t, sent.Spans, 10)
	for _, s := range sent.Spans {
		got := spans[s.Name]
		assert.Equal(t, pcommon.TraceID(sent.TraceID), got.TraceID(), s.Name)
		assert.Equal(t, pcommon.SpanID(s.ID), got.SpanID(), s.Name)
		assert.Equal(t, s.Service, services[s.Name])
		assert.Equal(t, s.Start, got.StartTimestamp().AsTime(), s.Name)
		assert.Equal(t, s.Start.Add(s.Duration), got.EndTimestamp().AsTime(), s.Name)
	}
	for child, parent := range map[string]string{
		"ml.input_validation": "ml.pipeline.request", "ml.feature_extraction": "ml.pipeline.request",
		"ml.batch_assembly": "ml.pipeline.request", "ml.inference": "ml.pipeline.request",
		"ml.post_processing": "ml.pipeline.request",
		"cache_lookup":       "ml.feature_extraction", "db_fallback": "ml.feature_extraction",
		"tokenizer_init": "ml.batch_assembly", "model_server.forward": "ml.inference",
	} {
		assert.Equal(t, spans[parent].SpanID(), spans[child].ParentSpanID(), child)
	}
	wait, _ := spans["ml.inference"].Attributes().Get("ml.inference.queue_wait_ms")
	assert.Equal(t, 580.0, wait.Double())
}

// An exporter's batch processor only logs what it loses; a count that is to be exact must not.
func TestCloseTellsWhatWasLost(t *testing.T) {
	r := &receiver{refuse: status.Error(codes.InvalidArgument, "no thanks")}
	shop, err := Open(t.Context(), Config{Endpoint: listen(t, r)})
	require.NoError(t, err)
	shop.Play(ArticleRequest(at))
	err = shop.Close(t.Context())
	require.ErrorContains(t, err, "10 spans did not reach the collector")
	assert.ErrorContains(t, err, "no thanks")
}

func TestReloadIsNotTheFirstColdStart(t *testing.T) {
	r := &receiver{taken: make(chan ptrace.Traces, 100)}
	shop, err := Open(t.Context(), Config{Endpoint: listen(t, r)})
	require.NoError(t, err)
	other := ArticleRequest(at)
	other.Assembly.Tokenizer = 1
	assert.False(t, shop.Play(ArticleRequest(at)).Reload)
	assert.True(t, shop.Play(ArticleRequest(at)).Reload)
	assert.False(t, shop.Play(other).Reload, "another replica")
	require.NoError(t, shop.Close(t.Context()))
}
