package mladmissionextension

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/otelcol-ml/otelcol-ml/extension/mladmissionextension/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/extension/mladmissionextension/internal/metadatatest"
	"github.com/otelcol-ml/otelcol-ml/extension/mladmissionextension/internal/shape"
)

func newTestAdmission(t *testing.T, change func(*Config)) (*admission, *componenttest.Telemetry) {
	t.Helper()
	tel := componenttest.NewTelemetry()
	config := createDefaultConfig().(*Config)
	config.MaxInFlightBytes = 1 << 30
	change(config)
	require.NoError(t, config.Validate())
	set := extensiontest.NewNopSettings(metadata.Type)
	set.ID = component.NewID(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	e, err := create(context.Background(), set, config)
	require.NoError(t, err)
	require.NoError(t, e.Start(context.Background(), componenttest.NewNopHost()))
	t.Cleanup(func() {
		require.NoError(t, e.Shutdown(context.Background()))
		require.NoError(t, tel.Shutdown(context.Background()))
	})
	return e.(*admission), tel
}

func (a *admission) inFlight() int64 { return a.reading.used.Load() + a.processing.used.Load() }

// server is an OTLP service behind the middleware. It holds requests while hold is locked.
type server struct {
	ptraceotlp.UnimplementedGRPCServer
	hold sync.RWMutex
	mu   sync.Mutex
	got  int
}

func (s *server) Export(_ context.Context, r ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	s.mu.Lock()
	s.got += r.Traces().SpanCount()
	s.mu.Unlock()
	s.hold.RLock()
	defer s.hold.RUnlock()
	return ptraceotlp.NewExportResponse(), nil
}

func (s *server) spans() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	request := ptraceotlp.NewExportRequest()
	if r.Header.Get("Content-Type") == jsonType {
		err = request.UnmarshalJSON(data)
	} else {
		err = request.UnmarshalProto(data)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, _ = s.Export(r.Context(), request)
}

func serveGRPC(t *testing.T, a *admission) (*server, ptraceotlp.GRPCClient, *grpc.Server, string) {
	t.Helper()
	options, err := a.GetGRPCServerOptions(context.Background())
	require.NoError(t, err)
	g, s := grpc.NewServer(options...), &server{}
	ptraceotlp.RegisterGRPCServer(g, s)
	listener, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	go func() { _ = g.Serve(listener) }()
	t.Cleanup(g.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return s, ptraceotlp.NewGRPCClient(conn), g, listener.Addr().String()
}

func serveHTTP(t *testing.T, a *admission) (*server, string) {
	t.Helper()
	wrap, err := a.GetHTTPHandler(context.Background())
	require.NoError(t, err)
	s := &server{}
	h, err := wrap(context.Background(), s)
	require.NoError(t, err)
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	return s, web.URL + "/v1/traces"
}

// deep returns spans of which one has a value that is so deep.
func deep(depth int) ptraceotlp.ExportRequest {
	td := ptrace.NewTraces()
	span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetTraceID(pcommon.TraceID{1})
	v := span.Attributes().PutEmpty("deep")
	for range depth - 1 {
		v = v.SetEmptySlice().AppendEmpty()
	}
	v.SetStr("leaf")
	return ptraceotlp.NewExportRequestFromTraces(td)
}

func large(spans int) ptraceotlp.ExportRequest {
	td := ptrace.NewTraces()
	all := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range spans {
		all.AppendEmpty()
	}
	return ptraceotlp.NewExportRequestFromTraces(td)
}

func requireRefused(t *testing.T, tel *componenttest.Telemetry, expected map[string]int64) {
	t.Helper()
	var points []metricdata.DataPoint[int64]
	for _, name := range reasonNames {
		points = append(points, metricdata.DataPoint[int64]{Value: expected[name], Attributes: attribute.NewSet(
			attribute.String("extension", "mladmission"), attribute.String("reason", name))})
	}
	metadatatest.AssertEqualExtensionMladmissionRefused(t, tel, points, metricdatatest.IgnoreTimestamp())
}

func TestGRPC(t *testing.T) {
	a, tel := newTestAdmission(t, func(c *Config) { c.MaxRequestBytes = 2 << 20 })
	s, client, _, _ := serveGRPC(t, a)
	export := func(r ptraceotlp.ExportRequest) codes.Code {
		_, err := client.Export(context.Background(), r)
		return status.Code(err)
	}
	require.Equal(t, codes.OK, export(deep(100)))
	require.Equal(t, codes.InvalidArgument, export(deep(5000)))
	require.Equal(t, codes.ResourceExhausted, export(large(50_000)))
	require.Equal(t, codes.OK, export(large(500)))
	require.Equal(t, 501, s.spans())
	require.Eventually(t, func() bool { return a.inFlight() == 0 }, time.Minute, time.Millisecond, "all is given back")
	requireRefused(t, tel, map[string]int64{"depth": 1, "size": 1})
	a.decoded.Range(func(any, any) bool { t.Fatal("a request is still remembered"); return false })
}

func TestHTTP(t *testing.T) {
	a, tel := newTestAdmission(t, func(c *Config) { c.MaxRequestBytes = 2 << 20 })
	s, url := serveHTTP(t, a)
	post := func(kind string, body []byte) int {
		response, err := http.Post(url, kind, bytes.NewReader(body))
		require.NoError(t, err)
		answer, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		if response.StatusCode != http.StatusOK {
			require.Equal(t, kind, response.Header.Get("Content-Type"))
			require.NotEmpty(t, answer)
		}
		return response.StatusCode
	}
	proto := func(r ptraceotlp.ExportRequest) []byte {
		data, err := r.MarshalProto()
		require.NoError(t, err)
		return data
	}
	json := func(r ptraceotlp.ExportRequest) []byte {
		data, err := r.MarshalJSON()
		require.NoError(t, err)
		return data
	}
	require.Equal(t, 200, post(protobufType, proto(deep(100))))
	require.Equal(t, 200, post(jsonType, json(deep(100))))
	require.Equal(t, 400, post(protobufType, proto(deep(5000))))
	require.Equal(t, 400, post(jsonType, json(deep(5000))))
	require.Equal(t, 413, post(protobufType, proto(large(50_000))))
	require.Equal(t, 413, post(jsonType, []byte(strings.Repeat(" ", 3<<20))))
	require.Equal(t, 400, post(jsonType, proto(deep(1))), "protobuf that is said to be JSON")
	require.Equal(t, 400, post(protobufType, json(deep(1))))
	require.Equal(t, 200, post(protobufType, nil), "an empty request is valid")
	require.Equal(t, 2, s.spans())
	require.Zero(t, a.inFlight())
	requireRefused(t, tel, map[string]int64{"depth": 2, "size": 2, "malformed": 2})
}

// TestBusy: the sizes of requests in flight add up, and further requests get a status that senders retry.
func TestBusy(t *testing.T) {
	limits := func(c *Config) {
		c.MaxRequestBytes, c.MaxInFlightBytes, c.RequestTimeout = 1<<20, 2<<20*4/3, time.Second
	}
	thousand, err := large(1000).MarshalProto()
	require.NoError(t, err)
	memory, err := shape.Proto(thousand, shape.Traces, 100)
	require.NoError(t, err)
	spans := 1000 * (900 << 10) / memory // twice as many fit, and not three times as many
	t.Run("grpc", func(t *testing.T) {
		a, tel := newTestAdmission(t, limits)
		a.largest.Store(0) // of requests that came before
		s, client, _, _ := serveGRPC(t, a)
		s.hold.Lock()
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() {
				_, err := client.Export(context.Background(), large(spans))
				require.NoError(t, err)
			})
		}
		require.Eventually(t, func() bool { return s.spans() == 2*spans }, time.Minute, time.Millisecond)
		_, err := client.Export(context.Background(), large(spans))
		require.Equal(t, codes.Unavailable, status.Code(err))
		s.hold.Unlock()
		wait.Wait()
		_, err = client.Export(context.Background(), large(spans))
		require.NoError(t, err)
		requireRefused(t, tel, map[string]int64{"busy": 1})
	})
	t.Run("http", func(t *testing.T) {
		a, tel := newTestAdmission(t, limits)
		s, url := serveHTTP(t, a)
		data, err := large(spans).MarshalProto()
		require.NoError(t, err)
		post := func() *http.Response {
			response, err := http.Post(url, protobufType, bytes.NewReader(data))
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			return response
		}
		s.hold.Lock()
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() { require.Equal(t, 200, post().StatusCode) })
		}
		require.Eventually(t, func() bool { return s.spans() == 2*spans }, time.Minute, time.Millisecond)
		refused := post()
		require.Equal(t, 503, refused.StatusCode)
		require.NotEmpty(t, refused.Header.Get("Retry-After"))
		s.hold.Unlock()
		wait.Wait()
		require.Equal(t, 200, post().StatusCode)
		requireRefused(t, tel, map[string]int64{"busy": 1})
	})
}

// TestRequestsWait: twenty clients, each with a connection, send requests of which one or two fit at once, over and over. They wait
// for each other, and none is refused.
func TestRequestsWait(t *testing.T) {
	const clients, each, spans = 20, 5, 3000
	limits := func(c *Config) { c.MaxRequestBytes, c.MaxInFlightBytes, c.RequestTimeout = 3<<20, 5<<20, time.Minute }
	t.Run("grpc", func(t *testing.T) {
		a, tel := newTestAdmission(t, limits)
		s, _, _, address := serveGRPC(t, a)
		var wait sync.WaitGroup
		for range clients {
			wait.Go(func() {
				conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
				if !assert.NoError(t, err) {
					return
				}
				defer conn.Close()
				for range each {
					_, err := ptraceotlp.NewGRPCClient(conn).Export(context.Background(), large(spans))
					assert.NoError(t, err)
				}
			})
		}
		wait.Wait()
		require.Equal(t, clients*each*spans, s.spans())
		requireRefused(t, tel, map[string]int64{})
		require.Eventually(t, func() bool { return a.inFlight() == 0 }, time.Minute, time.Millisecond, "all is given back")
		require.Eventually(t, func() bool {
			a.connections.mutex.Lock()
			defer a.connections.mutex.Unlock()
			return len(a.connections.requests) == 0
		}, time.Minute, time.Millisecond, "no connection is remembered")
	})
	t.Run("http", func(t *testing.T) {
		a, tel := newTestAdmission(t, limits)
		s, url := serveHTTP(t, a)
		data, err := large(spans).MarshalProto()
		require.NoError(t, err)
		var wait sync.WaitGroup
		for range clients {
			wait.Go(func() {
				for range each {
					response, err := http.Post(url, protobufType, bytes.NewReader(data))
					if assert.NoError(t, err) {
						assert.Equal(t, 200, response.StatusCode)
						assert.NoError(t, response.Body.Close())
					}
				}
			})
		}
		wait.Wait()
		require.Equal(t, clients*each*spans, s.spans())
		requireRefused(t, tel, map[string]int64{})
		require.Zero(t, a.inFlight())
	})
}

// TestReadingLeavesRoomForDecoding: requests that are being read cannot fill the memory in which they are to be decoded,
// and one that is alone is taken, whatever its size up to max_request_bytes.
func TestReadingLeavesRoomForDecoding(t *testing.T) {
	a, _ := newTestAdmission(t, func(c *Config) { c.MaxRequestBytes, c.MaxInFlightBytes = 4<<20, 4<<20 })
	a.received(1 << 20)
	_, err := a.begin(t.Context(), nil)
	require.NoError(t, err)
	_, err = a.begin(t.Context(), nil)
	require.Equal(t, codes.Unavailable, status.Code(err), "a quarter is for reading")
	require.NoError(t, a.reserve(t.Context(), a.processing, 0, 4<<20, 0))
	require.ErrorIs(t, a.reserve(t.Context(), a.processing, 0, 1, 0), errBusy)
}

// TestALargeRequestKeepsNobodyOut: requests follow one that is larger than any may be, which is refused.
func TestALargeRequestKeepsNobodyOut(t *testing.T) {
	a, _ := newTestAdmission(t, func(c *Config) { c.MaxRequestBytes, c.MaxInFlightBytes = 1<<20, 1<<20 })
	a.received(16 << 20)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := a.begin(ctx, nil)
	require.NoError(t, err)
	cancel()
	require.Eventually(t, func() bool { return a.inFlight() == 0 }, time.Minute, time.Millisecond)
	_, client, _, _ := serveGRPC(t, a)
	for range 3 {
		_, err := client.Export(t.Context(), large(1))
		require.NoError(t, err)
	}
}

// TestStalledClientsDoNotKeepTheServer: GracefulStop waits for requests, and for connections that say nothing.
func TestStalledClientsDoNotKeepTheServer(t *testing.T) {
	a, _ := newTestAdmission(t, func(c *Config) { c.RequestTimeout = time.Second })
	_, client, g, address := serveGRPC(t, a)
	_, err := client.Export(context.Background(), large(1))
	require.NoError(t, err)

	silent, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer silent.Close()
	half, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer half.Close()
	// The preface, empty settings, and the headers of a request that has no data: HPACK with literal fields.
	var headers bytes.Buffer
	for _, field := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"}, {":authority", "x"},
		{"content-type", "application/grpc"}, {"te", "trailers"},
	} {
		headers.WriteByte(0)
		for _, text := range field {
			headers.WriteByte(byte(len(text)))
			headers.WriteString(text)
		}
	}
	_, err = half.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
	require.NoError(t, err)
	_, err = half.Write(append([]byte{0, 0, byte(headers.Len()), 1, 4, 0, 0, 0, 1}, headers.Bytes()...))
	require.NoError(t, err)
	_, err = half.Write([]byte{0, 0, 6, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1}) // data: a message of 256 bytes, of which one comes
	require.NoError(t, err)

	stopped := make(chan struct{})
	go func() { g.GracefulStop(); close(stopped) }()
	select {
	case <-stopped:
	case <-time.After(time.Minute):
		t.Fatal("the server waits for clients that have stalled")
	}
}

func TestConfig(t *testing.T) {
	for key, change := range map[string]func(*Config){
		"max_depth":           func(c *Config) { c.MaxDepth = 0 },
		"max_request_bytes":   func(c *Config) { c.MaxRequestBytes = 10 },
		"max_in_flight_bytes": func(c *Config) { c.MaxInFlightBytes = 10 },
		"request_timeout":     func(c *Config) { c.RequestTimeout = 10 },
	} {
		config := createDefaultConfig().(*Config)
		require.NoError(t, config.Validate())
		change(config)
		require.ErrorContains(t, config.Validate(), key+": found ")
	}
	e, err := NewFactory().Create(context.Background(), extensiontest.NewNopSettings(metadata.Type), createDefaultConfig())
	require.NoError(t, err)
	require.Implements(t, (*extension.Extension)(nil), e)
	require.Positive(t, e.(*admission).processing.limit)
}
