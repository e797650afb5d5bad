package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// full reports whether tests of many clients and huge traces are to run in full, as `make hostile` has it.
func full() bool { return os.Getenv("OTELCOL_ML_FULL") != "" }

// TestHostileSpans sends spans that can be decoded and that are made to fool what is behind: IDs of zero and twice the same,
// years 1970 and 2262, labels that would end a line of the exposition, thousands of attributes, and text of megabytes. The
// spans of others pass, and Prometheus can read all there is.
func TestHostileSpans(t *testing.T) {
	t.Parallel()
	options := stack.CollectorOptions(t, stack.FastFlush)
	options.Env = append(options.Env, "OTELCOL_ML_DECISION_WAIT=1s")
	running := stack.StartCollector(t, options)
	prometheus := stack.StartPrometheus(t, nil, running.Addresses.Metrics)
	before := sendTo(t, running, 91, 50)

	spans := 0
	for name, set := range map[string]func(ptrace.Span){
		"zero IDs":       func(s ptrace.Span) { s.SetTraceID(pcommon.TraceID{}); s.SetSpanID(pcommon.SpanID{}) },
		"its own parent": func(s ptrace.Span) { s.SetParentSpanID(s.SpanID()) },
		"1970":           func(s ptrace.Span) { s.SetStartTimestamp(1); s.SetEndTimestamp(1e9) },
		"2262":           func(s ptrace.Span) { s.SetStartTimestamp(math.MaxInt64 - 1e9); s.SetEndTimestamp(math.MaxInt64) },
		"2554":           func(s ptrace.Span) { s.SetStartTimestamp(math.MaxUint64 - 1e9); s.SetEndTimestamp(math.MaxUint64) },
		"line break": func(s ptrace.Span) {
			s.Attributes().PutStr("ml.model.name", "x\"} 1\nduration_ms_count 99999\n# EOF\n")
		},
		"quotes": func(s ptrace.Span) { s.Attributes().PutStr("ml.model.name", `a"b\",le="+Inf`) },
		"reserved": func(s ptrace.Span) {
			for _, key := range []string{"__name__", "le", "job", "instance", "ml_model_name", "ml.model_name", "quantile"} {
				s.Attributes().PutStr(key, "hostile")
			}
		},
		"10,000 attributes": func(s ptrace.Span) {
			for i := range 10_000 {
				s.Attributes().PutStr(fmt.Sprint("key.", i), "value")
			}
		},
		"10 MB of text": func(s ptrace.Span) { s.Attributes().PutStr("ml.model.name", strings.Repeat("long ", 2_000_000)) },
	} {
		td := hostileSpan(name)
		set(td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0))
		for range 2 { // each twice, with the same IDs
			export(t, running, td)
			spans++
		}
	}
	td := ptrace.NewTraces()
	hostileSpan("100 MB").CopyTo(td)
	td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().PutStr("prompt", strings.Repeat("x", 100_000_000))
	assert.Equal(t, http.StatusRequestEntityTooLarge, postZipped(t, running, td), "100 MB of text, 100 kB compressed")
	after := sendTo(t, running, 92, 50)

	untilCounted(prometheus, `job="otelcol-ml",service_name!="hostile"`, append(before, after...))
	stack.Until(t, prometheus.Process, "the hostile spans", func(context.Context) error {
		if n := prometheus.Number(`sum(ml_stage_calls_total{service_name="hostile"})`); n != float64(spans) {
			return fmt.Errorf("%v of %d are counted", n, spans)
		}
		return nil
	})
	require.NotContains(t, running.Log(), "panic")
}

func hostileSpan(name string) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "hostile")
	rs.Resource().Attributes().PutStr("ml.pipeline.name", "hostile")
	s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetTraceID(pcommon.TraceID{0xab, 15: byte(len(name))})
	s.SetSpanID(pcommon.SpanID{0xab})
	s.SetName(name)
	s.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	s.SetEndTimestamp(s.StartTimestamp() + 1e6)
	s.Status().SetCode(ptrace.StatusCodeError)
	return td
}

// postZipped sends a request over HTTP, compressed, and returns the status.
func postZipped(t *testing.T, running *collector.Collector, td ptrace.Traces) int {
	t.Helper()
	body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	require.NoError(t, err)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err = z.Write(body)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+running.Addresses.HTTP+"/v1/traces", &zipped)
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("Content-Encoding", "gzip")
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

// TestOneHugeTrace: a trace of a million spans (in full) is counted span for span, and others are kept beside it.
func TestOneHugeTrace(t *testing.T) {
	t.Parallel()
	batches, size := 10, 2_000
	if full() {
		batches, size = 100, 10_000
	}
	options := stack.CollectorOptions(t, stack.FastFlush)
	options.Env = append(options.Env, "OTELCOL_ML_DECISION_WAIT=2s")
	running := stack.StartCollector(t, options)
	id := pcommon.TraceID{0xcd}
	for batch := range batches {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", "huge")
		rs.Resource().Attributes().PutStr("ml.pipeline.name", "huge")
		spans := rs.ScopeSpans().AppendEmpty().Spans()
		for i := range size {
			s := spans.AppendEmpty()
			s.SetTraceID(id)
			s.SetSpanID(pcommon.SpanID{1, byte(batch), byte(i), byte(i >> 8)})
			s.SetParentSpanID(pcommon.SpanID{1})
			s.SetName("step")
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now()))
			s.SetEndTimestamp(s.StartTimestamp() + 1e6)
		}
		export(t, running, td)
	}
	other := pcommon.TraceID{0xce}
	failed := spanOf(other, 1, step{"shop", "", "shop", "checkout", true})
	failed.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Status().SetCode(ptrace.StatusCodeError)
	export(t, running, failed)
	untilKept(t, running, other, 1)
	stack.Until(t, running.Process, "all spans in the metrics", func(ctx context.Context) error {
		metrics, err := running.Metrics(ctx)
		if err != nil {
			return err
		}
		if n := metrics.Sum("duration_ms_count", "service_name", "huge"); n != float64(batches*size) {
			return fmt.Errorf("%v of %d", n, batches*size)
		}
		return nil
	})
}

// TestHalfOpenConnections: thousands of clients that connect and say nothing are served around, and disconnected.
func TestHalfOpenConnections(t *testing.T) {
	t.Parallel()
	each := 100
	if full() {
		each = 3_000
	}
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush))
	var silent []net.Conn
	t.Cleanup(func() {
		for _, conn := range silent {
			_ = conn.Close()
		}
	})
	for _, address := range []string{running.Addresses.GRPC, running.Addresses.HTTP} {
		for range each {
			conn, err := net.Dial("tcp", address)
			require.NoError(t, err)
			silent = append(silent, conn)
		}
	}
	sendTo(t, running, 93, 50)
	// gRPC says a few bytes first, its settings. Each connection must come to its end.
	for i, conn := range silent {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(stack.Patience)))
		_, err := io.Copy(io.Discard, conn)
		var timeout net.Error
		require.False(t, errors.As(err, &timeout) && timeout.Timeout(), "connection %d of %d is still open", i, len(silent))
	}
	sendTo(t, running, 94, 50)
}
