package mlviewexporter

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/viewtest"
)

// running is a started exporter of both signals.
type running struct {
	exporter.Traces
	metrics exporter.Metrics
	address string
	tel     *componenttest.Telemetry
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func start(t *testing.T, cfg *Config, host component.Host) *running {
	t.Helper()
	r, err := tryStart(t, cfg, host)
	require.NoError(t, err)
	return r
}

func tryStart(t *testing.T, cfg *Config, host component.Host) (*running, error) {
	cfg.Endpoint = freeAddress(t)
	require.NoError(t, cfg.Validate())
	tel := componenttest.NewTelemetry()
	set := exportertest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	factory := NewFactory()
	traces, err := factory.CreateTraces(t.Context(), set, cfg)
	require.NoError(t, err)
	metrics, err := factory.CreateMetrics(t.Context(), set, cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, metrics.Shutdown(context.Background()))
		assert.NoError(t, traces.Shutdown(context.Background()))
		assert.NoError(t, tel.Shutdown(context.Background()))
	})
	err = traces.Start(t.Context(), host)
	if err == nil {
		require.NoError(t, metrics.Start(t.Context(), host))
	}
	return &running{traces, metrics, cfg.Endpoint, tel}, err
}

func defaults() *Config { return createDefaultConfig().(*Config) }

// get asks with a client that keeps no connection for later.
func get(t *testing.T, url string, change func(*http.Request)) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	if change != nil {
		change(request)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	answer, err := client.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

// TestBothSignals: traces and metrics of one component are on one page.
func TestBothSignals(t *testing.T) {
	r := start(t, defaults(), componenttest.NewNopHost())
	td := viewtest.Article(t)
	require.NoError(t, r.ConsumeTraces(t.Context(), td))
	require.NoError(t, r.ConsumeTraces(t.Context(), viewtest.Trace(t, "", viewtest.Span{Name: "without a trace ID"})))
	for _, md := range viewtest.Metrics(t, nil, td) {
		require.NoError(t, r.metrics.ConsumeMetrics(t.Context(), md))
	}
	status, body := get(t, "http://"+r.address+"/?window=start", nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `<dd id="count">1</dd>`, "from metrics")
	assert.Contains(t, body, "lost 812", "from traces")

	held, err := r.tel.GetMetric("otelcol_exporter_mlview_traces")
	require.NoError(t, err)
	assert.NotEmpty(t, held.Data)
	dropped, err := r.tel.GetMetric("otelcol_exporter_mlview_dropped_spans")
	require.NoError(t, err)
	assert.NotEmpty(t, dropped.Data)
	evicted, err := r.tel.GetMetric("otelcol_exporter_mlview_evicted_traces")
	require.NoError(t, err)
	points := evicted.Data.(metricdata.Sum[int64]).DataPoints
	require.Len(t, points, 1)
	assert.Zero(t, points[0].Value)
	id, _ := points[0].Attributes.Value("exporter")
	assert.Contains(t, id.AsString(), "mlview/", "distinguished from others")
}

// TestSeveralViews: components of other names do not share.
func TestSeveralViews(t *testing.T) {
	a, b := start(t, defaults(), componenttest.NewNopHost()), start(t, defaults(), componenttest.NewNopHost())
	require.NoError(t, a.ConsumeTraces(t.Context(), viewtest.Article(t)))
	_, body := get(t, "http://"+a.address+"/traces", nil)
	assert.Contains(t, body, "1 of 1 traces")
	_, body = get(t, "http://"+b.address+"/traces", nil)
	assert.Contains(t, body, "0 of 0 traces")
}

// TestShutdownWithOpenConnections: a browser that keeps its connection, or sends its request slowly, does not hold it up.
func TestShutdownWithOpenConnections(t *testing.T) {
	r := start(t, defaults(), componenttest.NewNopHost())
	idle, err := net.Dial("tcp", r.address)
	require.NoError(t, err)
	defer idle.Close()
	slow, err := net.Dial("tcp", r.address)
	require.NoError(t, err)
	defer slow.Close()
	_, err = slow.Write([]byte("GET / HTTP/1.1\r\nHost: localh"))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, r.Traces.Shutdown(ctx))
	require.NoError(t, r.metrics.Shutdown(ctx))
	_, err = net.Dial("tcp", r.address)
	require.Error(t, err, "nothing listens any more")
}

func TestTakenAddress(t *testing.T) {
	r := start(t, defaults(), componenttest.NewNopHost())
	cfg := defaults()
	cfg.Endpoint = r.address
	factory := NewFactory()
	second, err := factory.CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), cfg)
	require.NoError(t, err)
	err = second.Start(t.Context(), componenttest.NewNopHost())
	assert.ErrorContains(t, err, "endpoint: found "+r.address+", must be an address that is free to listen on")
	require.NoError(t, second.Shutdown(context.Background()))
}

// TestHosts: a web site whose name resolves to this machine does not get the page.
func TestHosts(t *testing.T) {
	cfg := defaults()
	cfg.Hosts = []string{"ml.example.com"}
	r := start(t, cfg, componenttest.NewNopHost())
	for host, want := range map[string]int{
		"localhost:9465": 200, "LOCALHOST": 200, "127.0.0.1:1": 200, "[::1]:9465": 200, "ml.example.com": 200, "ML.example.com:443": 200,
		"attacker.example": 403, "localhost.attacker.example": 403, "127.0.0.1.attacker.example:9465": 403,
	} {
		status, _ := get(t, "http://"+r.address+"/", func(request *http.Request) { request.Host = host })
		assert.Equal(t, want, status, host)
	}
}

// doorkeeper lets in who sends the word.
type doorkeeper struct {
	component.StartFunc
	component.ShutdownFunc
}

func (doorkeeper) Authenticate(ctx context.Context, sources map[string][]string) (context.Context, error) {
	if len(sources["Authorization"]) == 1 && sources["Authorization"][0] == "the word" {
		return ctx, nil
	}
	return ctx, errors.New("no")
}

type hostWith map[component.ID]component.Component

func (h hostWith) GetExtensions() map[component.ID]component.Component { return h }

func TestAuthentication(t *testing.T) {
	id := component.MustNewIDWithName("basicauth", "server")
	cfg := defaults()
	cfg.Auth.Authenticator = "basicauth/server"
	r := start(t, cfg, hostWith{id: doorkeeper{}})
	for _, path := range []string{"/", "/traces", "/static/page.css", "/nowhere"} {
		status, body := get(t, "http://"+r.address+path, nil)
		assert.Equal(t, http.StatusUnauthorized, status, path)
		assert.NotContains(t, body, "<", path)
	}
	status, _ := get(t, "http://"+r.address+"/", func(request *http.Request) {
		request.Header.Set("Authorization", "the word")
		request.Host = "ml.example.com"
	})
	assert.Equal(t, http.StatusOK, status)

	for _, host := range []hostWith{{}, {id: struct {
		component.StartFunc
		component.ShutdownFunc
	}{}}} {
		cfg := defaults()
		cfg.Auth.Authenticator = "basicauth/server"
		_, err := tryStart(t, cfg, host)
		assert.ErrorContains(t, err, "auth::authenticator: found basicauth/server, must be")
	}
}

func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	cfg := defaults()
	cfg.TLS = TLSConfig{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	require.NoError(t, os.WriteFile(cfg.TLS.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600))
	require.NoError(t, os.WriteFile(cfg.TLS.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), 0o600))
	r := start(t, cfg, componenttest.NewNopHost())
	status, _ := get(t, "https://"+r.address+"/", nil)
	assert.Equal(t, http.StatusOK, status)

	broken := defaults()
	broken.TLS = TLSConfig{CertFile: cfg.TLS.KeyFile, KeyFile: cfg.TLS.CertFile}
	_, err = tryStart(t, broken, componenttest.NewNopHost())
	assert.ErrorContains(t, err, "tls: found cert_file")
}
