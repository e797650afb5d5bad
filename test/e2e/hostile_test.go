package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpcgzip "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestHostileRequests sends requests that are made to end the process, over gRPC and HTTP, to the shipped file. Each is
// refused with the status by which the sender retries or not, and the spans of others pass.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush))
	prometheus := stack.StartPrometheus(t, nil, running.Addresses.Metrics)

	conn, err := grpc.NewClient(running.Addresses.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	overGRPC := func(request []byte) codes.Code {
		var answer []byte
		err := conn.Invoke(t.Context(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export", request, &answer,
			grpc.ForceCodecV2(raw{}), grpc.UseCompressor(grpcgzip.Name))
		return status.Code(err)
	}
	overHTTP := func(kind string, request []byte) int {
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		_, err := z.Write(request)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+running.Addresses.HTTP+"/v1/traces", &zipped)
		require.NoError(t, err)
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Content-Encoding", "gzip")
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode
	}

	before := sendTo(t, running, 81, 100)
	const proto, json = "application/x-protobuf", "application/json"
	attribute := func(value []byte) []byte {
		return field(1, field(2, field(2, field(9, append(field(1, []byte("k")), field(2, value)...)))))
	}
	deepList, deepMap := attribute(nested(1_300_000, 5, 1)), attribute(nested(900_000, 6, 1, 2))
	spans := field(1, field(2, bytes.Repeat([]byte{0x12, 0x00}, 8_000_000)))
	deepJSON := []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"k","value":` +
		strings.Repeat(`{"arrayValue":{"values":[`, 100_000) + strings.Repeat(`]}}`, 100_000) + `}]}]}]}]}`)

	whole, err := ptraceotlp.NewExportRequestFromTraces(manySpans(100)).MarshalProto()
	require.NoError(t, err)
	truncated := whole[:len(whole)/2]

	assert.Equal(t, codes.InvalidArgument, overGRPC(deepList), "1.3 million lists in each other")
	assert.Equal(t, codes.InvalidArgument, overGRPC(deepMap), "900,000 maps in each other")
	assert.Equal(t, codes.ResourceExhausted, overGRPC(spans), "8 million empty spans")
	assert.Equal(t, codes.InvalidArgument, overGRPC([]byte("no protobuf at all")))
	assert.Equal(t, codes.InvalidArgument, overGRPC(truncated))
	assert.Equal(t, 400, overHTTP(proto, truncated))
	assert.Equal(t, 400, overHTTP(proto, deepList))
	assert.Equal(t, 400, overHTTP(proto, deepMap))
	assert.Equal(t, 413, overHTTP(proto, spans))
	assert.Equal(t, 400, overHTTP(json, deepJSON))
	assert.Equal(t, 400, overHTTP(json, []byte(`{"resourceSpans":[`)))
	assert.Equal(t, 400, overHTTP(json, attribute([]byte{0x0a, 0x00})), "protobuf that is said to be JSON")
	assert.Equal(t, 400, overHTTP(proto, []byte(`{"resourceSpans":[]}`)))
	after := sendTo(t, running, 82, 100)

	untilCounted(prometheus, `job="otelcol-ml"`, append(before, after...))
	telemetry, err := running.Telemetry(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 13, telemetry.Sum("otelcol_extension_mladmission_refused"))
	require.NotContains(t, running.Log(), "panic")
}

// raw is a codec of requests that are encoded already.
type raw struct{}

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}
func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}
func (raw) Name() string { return "proto" }

// field encodes a length-delimited field.
func field(number byte, inside []byte) []byte {
	out := append([]byte{number<<3 | 2}, varint(len(inside))...)
	return append(out, inside...)
}

func varint(n int) []byte {
	var out []byte
	for ; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(out, byte(n))
}

// nested encodes so many values in each other, each in these fields, the outermost first.
func nested(depth int, fields ...byte) []byte {
	heads := make([][]byte, 0, depth*len(fields))
	size := 0
	for range depth {
		for i := len(fields) - 1; i >= 0; i-- {
			head := append([]byte{fields[i]<<3 | 2}, varint(size)...)
			size += len(head)
			heads = append(heads, head)
		}
	}
	out := make([]byte, 0, size)
	for i := len(heads) - 1; i >= 0; i-- {
		out = append(out, heads[i]...)
	}
	return out
}

// TestManyLargeRequestsAtOnce: what does not fit into memory beside others waits, and is accepted and counted.
func TestManyLargeRequestsAtOnce(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush,
		"yaml:extensions::mladmission: {max_request_bytes: 64000000, max_in_flight_bytes: 100000000, request_timeout: 120s}"))
	prompt := strings.Repeat("a prompt ", 1000)
	body := []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[`)
	const spans = 1000
	for i := range spans {
		body = fmt.Appendf(body, `{"traceId":"%032x","spanId":"%016x","name":"predict","startTimeUnixNano":"%d","endTimeUnixNano":"%d","attributes":[{"key":"gen_ai.prompt","value":{"stringValue":"%s"}}]},`,
			i+1, i+1, time.Now().Add(-time.Second).UnixNano(), time.Now().UnixNano(), prompt)
	}
	body = append(body[:len(body)-1], `]}]}]}`...)
	answers := make(chan int)
	const requests = 30
	for range requests {
		go func() { answers <- postJSON(running, body) }()
	}
	for range requests {
		assert.Equal(t, 200, <-answers)
	}
	telemetry, err := running.Telemetry(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, requests*spans, telemetry.Sum("otelcol_receiver_accepted_spans"))
	require.Zero(t, telemetry.Sum("otelcol_extension_mladmission_refused"))
	require.Zero(t, telemetry.Sum("otelcol_extension_mladmission_in_flight"))
}

func postJSON(running *collector.Collector, body []byte) int {
	ctx, cancel := context.WithTimeout(context.Background(), stack.Patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+running.Addresses.HTTP+"/v1/traces", bytes.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}
