package e2e

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestShutdownUnderLoad ends the collector by SIGTERM, twice, while clients send as fast as it answers. What it has accepted is
// in the metrics and, here, in the file of kept traces.
func TestShutdownUnderLoad(t *testing.T) {
	t.Parallel()
	const clients, spans, enough = 4, 8, 5000
	options := stack.CollectorOptions(t, stack.Root(t, "test/e2e/testdata/metrics-file.yaml"))
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=600s"}
	running := stack.StartCollector(t, options)
	var next, unsure atomic.Int64
	var mutex sync.Mutex
	accepted := map[pcommon.TraceID]bool{}
	var senders sync.WaitGroup
	for range clients {
		senders.Go(func() {
			conn, err := grpc.NewClient(running.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
			if !assert.NoError(t, err) {
				return
			}
			defer conn.Close()
			client := ptraceotlp.NewGRPCClient(conn)
			for {
				id := pcommon.TraceID{0x10, 15: 1}
				n := next.Add(1)
				for i := range 4 {
					id[4+i] = byte(n >> (8 * i))
				}
				if _, err := client.Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(failedTrace(id, spans))); err != nil {
					unsure.Add(1) // it may have been accepted, and the answer lost
					return
				}
				mutex.Lock()
				accepted[id] = true
				mutex.Unlock()
			}
		})
	}
	stack.Until(t, running.Process, "enough traces", func(context.Context) error {
		if n := next.Load(); n < enough {
			return fmt.Errorf("%d traces", n)
		}
		return nil
	})
	require.NoError(t, syscall.Kill(running.PID(), syscall.SIGTERM))
	require.NoError(t, syscall.Kill(running.PID(), syscall.SIGTERM))
	stack.Stop(t, running.Process)
	require.Equal(t, 0, running.ExitCode(), running.Tail(10))
	senders.Wait()

	counted := lastCounts(t, options.DataDir+"/metrics.jsonl")["duration_ms"]
	assert.GreaterOrEqual(t, counted, float64(spans*len(accepted)))
	assert.LessOrEqual(t, counted, float64(spans*(len(accepted)+int(unsure.Load()))))
	traces, err := kept.Read(options.DataDir + "/kept-traces.jsonl")
	require.NoError(t, err)
	for id := range accepted {
		if !assert.Len(t, traces[id], spans, "spans of trace %s", id) {
			break
		}
	}
	t.Logf("%d traces were accepted, %d requests had no answer", len(accepted), unsure.Load())
}

// failedTrace is a trace of spans of which the first failed, so that it is kept.
func failedTrace(id pcommon.TraceID, spans int) ptrace.Traces {
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "loaded")
	resource.Resource().Attributes().PutStr("ml.pipeline.name", "recommendation")
	scope := resource.ScopeSpans().AppendEmpty()
	for i := range spans {
		span := scope.Spans().AppendEmpty()
		span.SetTraceID(id)
		span.SetSpanID(pcommon.SpanID{byte(i + 1)})
		span.SetName("predict")
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		span.SetStartTimestamp(span.EndTimestamp() - 1e6)
		if i == 0 {
			span.Status().SetCode(ptrace.StatusCodeError)
		} else {
			span.SetParentSpanID(pcommon.SpanID{1})
		}
	}
	return traces
}
