package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// TestBadReloads: SIGHUP with a file that is not YAML, that has a mistyped key, or with which the collector cannot start
// leaves the collector running as before. A good one works after each.
func TestBadReloads(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	changing := filepath.Join(t.TempDir(), "changing.yaml")
	write := func(text string) { require.NoError(t, os.WriteFile(changing, []byte(text), 0o600)) }
	write("{}")
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush, changing))
	pid := running.PID()
	reload := func(what string, n int) {
		t.Helper()
		require.NoError(t, syscall.Kill(pid, syscall.SIGHUP))
		stack.Until(t, running.Process, what, func(context.Context) error {
			if got := strings.Count(running.Log(), what); got < n {
				return fmt.Errorf("%d times in the log", got)
			}
			return nil
		})
	}
	sendTo(t, running, 71, 10)

	write("receivers: [")
	reload("The new configuration is invalid", 1)
	sendTo(t, running, 72, 10)
	write("processors: {mlsignals: {no_such_key: 1}}")
	reload("The new configuration is invalid", 2)
	require.Contains(t, running.Log(), "no_such_key")
	sendTo(t, running, 73, 10)
	require.Equal(t, 1, strings.Count(running.Log(), "Everything is ready."), "it has not been started again")

	write(fmt.Sprintf("receivers: {otlp/second: {protocols: {http: {endpoint: %q}}}}\nservice: {pipelines: {traces/receive: {receivers: [otlp, otlp/second]}}}", taken.Addr()))
	reload("it restarts with the last one that worked", 1)
	stack.Until(t, running.Process, "the collector to be ready again", func(context.Context) error {
		if n := strings.Count(running.Log(), "Everything is ready."); n < 2 {
			return fmt.Errorf("it was ready %d times", n)
		}
		return nil
	})
	sendTo(t, running, 74, 10)
	require.NoError(t, taken.Close())
	reload("Everything is ready.", 3)
	response, err := http.Get("http://" + taken.Addr().String())
	require.NoError(t, err, "the new receiver listens")
	require.NoError(t, response.Body.Close())
	write(otherBuckets)
	reload("Everything is ready.", 4)
	sendTo(t, running, 75, 10)
}

// TestStalledClients: half a request over HTTP, half a call and a silent connection over gRPC do not keep the collector
// from stopping, and what others have sent comes out.
func TestStalledClients(t *testing.T) {
	t.Parallel()
	options := stack.CollectorOptions(t)
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=600s"}
	running := stack.StartCollector(t, options)
	dial := func(address, text string) {
		t.Helper()
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = conn.Write([]byte(text))
		require.NoError(t, err)
	}
	dial(running.Addresses.HTTP, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\n\n")
	dial(running.Addresses.HTTP, "POST /v1/traces HTTP/1.1\r\nHost: x\r\n")
	dial(running.Addresses.GRPC, "")
	dial(running.Addresses.GRPC, halfCall())
	sent := sendSome(t, running, 100)
	stack.Stop(t, running.Process) // which fails the test after 30 s
	require.Equal(t, 0, running.ExitCode(), running.Tail(10))
	traces, err := kept.Read(options.DataDir + "/kept-traces.jsonl")
	require.NoError(t, err)
	mustKeep := 0
	for _, s := range sent {
		if truth.MustKeep(s) {
			mustKeep++
			assert.Contains(t, traces, pcommon.TraceID(s.TraceID))
		}
	}
	require.NotZero(t, mustKeep)
}

// halfCall returns the bytes of a gRPC client that stalls: the HTTP/2 preface, empty settings, the headers of a call as
// literals, and a cut message.
func halfCall() string {
	var headers strings.Builder
	for _, f := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"}, {":authority", "x"},
		{"content-type", "application/grpc"}, {"te", "trailers"},
	} {
		headers.WriteByte(0)
		for _, text := range f {
			headers.WriteByte(byte(len(text)))
			headers.WriteString(text)
		}
	}
	return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" +
		string([]byte{0, 0, byte(headers.Len()), 1, 4, 0, 0, 0, 1}) + headers.String() + halfData
}

// halfData is a frame with the head of a message of 256 bytes, and one byte of it.
const halfData = "\x00\x00\x06\x00\x00\x00\x00\x00\x01" + "\x00\x00\x00\x01\x00" + "\x01"

// TestHangingBackend: a backend that takes connections and answers nothing does not keep the collector from stopping,
// which says what it dropped. The file of kept traces is whole.
func TestHangingBackend(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	options := stack.CollectorOptions(t, stack.Root(t, "deploy/backend/otelcol.yaml"),
		"yaml:exporters::otlp_http/backend::sending_queue::batch: {flush_timeout: 1s, min_size: 1000, max_size: 20000}")
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s", "OTELCOL_ML_OTLP_ENDPOINT=" + server.URL}
	running := stack.StartCollector(t, options)
	sent := sendSome(t, running, 1000)
	stack.Stop(t, running.Process)
	require.Equal(t, 1, running.ExitCode())
	require.Contains(t, running.Log(), "The shutdown did not end in time")
	require.Regexp(t, `"dropped": \["otlp_http/backend: \d+`, running.Log())
	traces, err := kept.Read(options.DataDir + "/kept-traces.jsonl")
	require.NoError(t, err)
	for _, s := range sent {
		if truth.MustKeep(s) {
			assert.Contains(t, traces, pcommon.TraceID(s.TraceID))
		}
	}
}
