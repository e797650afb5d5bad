package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestCutStreams: clients end their connections within a message, at any byte of it, over gRPC, HTTP and HTTP in chunks. None of
// such a message is taken, none of its memory stays reserved, and the spans of others pass.
func TestCutStreams(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush))
	prometheus := stack.StartPrometheus(t, nil, running.Addresses.Metrics)
	message, err := ptraceotlp.NewExportRequestFromTraces(manySpans(300)).MarshalProto()
	require.NoError(t, err)
	before := sendTo(t, running, 91, 100)

	r := rand.New(rand.NewPCG(9, 1))
	for i := range 60 {
		part := message[:r.IntN(len(message))]
		cut(t, running.Addresses.HTTP, fmt.Sprintf("POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n", len(message)), part, i)
		cut(t, running.Addresses.HTTP, fmt.Sprintf("POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", len(message)), part, i)
		cut(t, running.Addresses.GRPC, strings.TrimSuffix(halfCall(), halfData), inFrames(message, len(part)), i)
	}

	after := sendTo(t, running, 92, 100)
	untilCounted(prometheus, `job="otelcol-ml"`, append(before, after...))
	stack.Until(t, running.Process, "the memory of the cut requests", func(ctx context.Context) error {
		telemetry, err := running.Telemetry(ctx)
		if err != nil {
			return err
		}
		if n := telemetry.Sum("otelcol_extension_mladmission_in_flight"); n != 0 {
			return fmt.Errorf("%v bytes are reserved", n)
		}
		assert.Equal(t, spans(append(before, after...)), telemetry.Sum("otelcol_receiver_accepted_spans"))
		return nil
	})
	require.NotContains(t, running.Log(), "panic")
}

// cut sends part of a message, and ends the connection: closed, or reset.
func cut(t *testing.T, address, head string, part []byte, i int) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	_, err = conn.Write(append([]byte(head), part...))
	require.NoError(t, err)
	if i%2 == 0 {
		require.NoError(t, conn.(*net.TCPConn).SetLinger(0))
	}
	require.NoError(t, conn.Close())
}

// inFrames is what a gRPC client sends of a message: its head, and so many bytes in frames of HTTP/2, the last one cut.
func inFrames(message []byte, n int) []byte {
	const frame = 10_000
	message = append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	var out bytes.Buffer
	for len(message) > 0 {
		size := min(frame, len(message))
		out.Write([]byte{0, byte(size >> 8), byte(size), 0, 0, 0, 0, 0, 1})
		out.Write(message[:size])
		message = message[size:]
	}
	return out.Bytes()[:min(n, out.Len()-1)]
}

// manySpans are so many spans of a trace.
func manySpans(n int) ptrace.Traces {
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "cut")
	scope := resource.ScopeSpans().AppendEmpty()
	for i := range n {
		span := scope.Spans().AppendEmpty()
		span.SetTraceID(pcommon.TraceID{0xc0, 15: 1})
		span.SetSpanID(pcommon.SpanID{1, byte(i >> 8), byte(i)})
		span.SetName("predict")
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		span.SetEndTimestamp(span.StartTimestamp() + 1e6)
	}
	return traces
}
