package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/prometheusexporter"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector"
	"github.com/otelcol-ml/otelcol-ml/extension/mladmissionextension"
	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor"
	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor"
)

// FuzzChain sends arbitrary bytes as a request over HTTP. Whatever is accepted is counted, span for span, and what the
// metrics become can be read by Prometheus in both of its formats.
func FuzzChain(f *testing.F) {
	inputs, err := filepath.Glob("../../testdata/dialects/*/*.input.json")
	require.NoError(f, err)
	require.NotEmpty(f, inputs)
	for _, input := range inputs {
		text, err := os.ReadFile(input)
		require.NoError(f, err)
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(text)
		require.NoError(f, err)
		encoded, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
		require.NoError(f, err)
		f.Add(encoded)
	}
	f.Add(hostileLabels(f))
	f.Fuzz(func(t *testing.T, request []byte) {
		c := newChain(t)
		status, spans := c.send(t, request)
		metrics := c.scrape(t)
		if status != http.StatusOK {
			require.Zero(t, spans)
		}
		counted := 0.0
		for format, body := range metrics {
			counted = parse(t, format, body, "ml_stage_calls_total")
			require.LessOrEqual(t, counted, float64(spans), "%s: spans that no request had are counted", format)
		}
	})
}

// hostileLabels is a request whose attributes would break the exposition where they were not escaped.
func hostileLabels(t testing.TB) []byte {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "a\"} 1\n# HELP x y\nx{le=\"+Inf\"")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	for i, value := range []string{"line\nbreak", `quote"brace}`, "\\", "\xff\xfe", "__name__", "le", ""} {
		s := spans.AppendEmpty()
		s.SetTraceID(pcommon.TraceID{byte(i + 1)})
		s.SetSpanID(pcommon.SpanID{byte(i + 1)})
		s.SetName(value)
		s.SetStartTimestamp(1)
		s.SetEndTimestamp(2e6)
		for _, key := range []string{"ml.model.name", "ml.stage", "__name__", "le", "quantile", "ml_model_name", "ml.pipeline.name"} {
			s.Attributes().PutStr(key, value)
		}
		s.Attributes().PutDouble("ml.inference.queue_wait_ms", 12)
	}
	data, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	require.NoError(t, err)
	return data
}

// chain is the components between the receiver and the scrape.
type chain struct {
	handler  http.Handler
	taken    int
	stop     []func(context.Context) error
	endpoint string
}

// start adds a component to a chain.
func start[C component.Component](t testing.TB, c *chain, of C, err error) C {
	require.NoError(t, err)
	require.NoError(t, of.Start(context.Background(), componenttest.NewNopHost()))
	c.stop = append(c.stop, of.Shutdown)
	return of
}

// signals and sampler are one for all requests, as in a process: to create them takes longer than a request.
var shared = sync.OnceValues(func() (s struct {
	signals, sampler func(context.Context, ptrace.Traces) error
	signalled        *consumertest.TracesSink
}, err error) {
	s.signalled = new(consumertest.TracesSink)
	sf := mlsignalsprocessor.NewFactory()
	signals, err := sf.CreateTraces(context.Background(), processortest.NewNopSettings(sf.Type()), sf.CreateDefaultConfig(), s.signalled)
	if err != nil {
		return s, err
	}
	df := mldiagnosisprocessor.NewFactory()
	diagnosis, err := df.CreateTraces(context.Background(), processortest.NewNopSettings(df.Type()), df.CreateDefaultConfig(), consumertest.NewNop())
	if err != nil {
		return s, err
	}
	tf := mltailsamplingprocessor.NewFactory()
	config := tf.CreateDefaultConfig().(*mltailsamplingprocessor.Config)
	config.DecisionWait = time.Millisecond
	config.PolicyCfgs = append(config.PolicyCfgs, alwaysSample())
	sampler, err := tf.CreateTraces(context.Background(), processortest.NewNopSettings(tf.Type()), config, diagnosis)
	if err != nil {
		return s, err
	}
	s.signals, s.sampler = signals.ConsumeTraces, sampler.ConsumeTraces
	host := componenttest.NewNopHost()
	return s, errors.Join(signals.Start(context.Background(), host), diagnosis.Start(context.Background(), host), sampler.Start(context.Background(), host))
})

func newChain(t testing.TB) *chain {
	c := &chain{}
	both, err := shared()
	require.NoError(t, err)

	pf := prometheusexporter.NewFactory()
	pc := pf.CreateDefaultConfig().(*prometheusexporter.Config)
	c.endpoint = freeAddress(t)
	pc.ServerConfig.NetAddr.Endpoint = c.endpoint
	pc.EnableOpenMetrics, pc.WithoutScopeInfo = true, true
	exporter, err := pf.CreateMetrics(context.Background(), exportertest.NewNopSettings(pf.Type()), pc)
	start(t, c, exporter, err)

	mf := mlmetricsconnector.NewFactory()
	mc := mf.CreateDefaultConfig()
	set := connectortest.NewNopSettings(mf.Type())
	metrics, err := mf.CreateTracesToMetrics(context.Background(), set, mc, exporter)
	start(t, c, metrics, err)

	af := mladmissionextension.NewFactory()
	admission, err := af.Create(context.Background(), extensiontest.NewNopSettings(af.Type()), af.CreateDefaultConfig())
	start(t, c, admission, err)
	wrap, err := admission.(extensionmiddleware.HTTPServer).GetHTTPHandler(context.Background())
	require.NoError(t, err)
	c.handler, err = wrap(context.Background(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		request := ptraceotlp.NewExportRequest()
		if err := request.UnmarshalProto(body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.taken = request.Traces().SpanCount()
		both.signalled.Reset()
		require.NoError(t, both.signals(r.Context(), request.Traces()))
		for _, td := range both.signalled.AllTraces() {
			require.Equal(t, c.taken, td.SpanCount())
			require.NoError(t, metrics.(consumer.Traces).ConsumeTraces(r.Context(), td))
			require.NoError(t, both.sampler(r.Context(), td))
		}
	}))
	require.NoError(t, err)
	return c
}

// send sends a request and returns the status and the spans that were accepted.
func (c *chain) send(t testing.TB, body []byte) (status, spans int) {
	r := httptest.NewRequest(http.MethodPost, "/v1/traces", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-protobuf")
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	require.Contains(t, []int{http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge}, w.Code)
	return w.Code, c.taken
}

// scrape ends the chain but for the exporter, so that all is flushed, and returns what it serves by format.
func (c *chain) scrape(t testing.TB) map[string][]byte {
	for i := len(c.stop) - 1; i > 0; i-- {
		require.NoError(t, c.stop[i](context.Background()))
	}
	got := map[string][]byte{}
	for _, format := range []string{"text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0"} {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+c.endpoint+"/metrics", nil)
		require.NoError(t, err)
		r.Header.Set("Accept", format)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, string(body))
		got[response.Header.Get("Content-Type")] = body
	}
	require.Len(t, got, 2)
	http.DefaultClient.CloseIdleConnections()
	require.NoError(t, c.stop[0](context.Background()))
	return got
}

// parse reads an exposition with Prometheus' own parser and returns the sum of a metric.
func parse(t testing.TB, format string, body []byte, metric string) (sum float64) {
	parser, err := textparse.New(body, format, labels.NewSymbolTable(), textparse.ParserOptions{})
	require.NoError(t, err, format)
	seen := map[string]bool{}
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return sum
		}
		require.NoError(t, err, "%s: %s", format, body)
		if entry != textparse.EntrySeries {
			continue
		}
		var series labels.Labels
		parser.Labels(&series)
		require.True(t, series.IsValid(1), "%s", series) // 1 is UTF-8
		require.False(t, seen[series.String()], "%s twice in %s", series, body)
		seen[series.String()] = true
		if _, _, value := parser.Series(); series.Get("__name__") == metric {
			sum += value
		}
	}
}

func freeAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return fmt.Sprint(l.Addr())
}

// TestChainCounts: each span of a hostile request is counted in both formats.
func TestChainCounts(t *testing.T) {
	c := newChain(t)
	status, spans := c.send(t, hostileLabels(t))
	require.Equal(t, http.StatusOK, status)
	for format, body := range c.scrape(t) {
		require.EqualValues(t, spans, parse(t, format, body, "ml_stage_calls_total"), format)
	}
}
