package arrivals

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// text is what otelcol-ml v0.1.0 with collector v0.158.0 served at localhost:8888/metrics, shortened, and with the two
// counters of the end that no demo raises.
const text = `# HELP otelcol_processor_mlsignals_spans Spans seen, by the dialect that recognised them
# TYPE otelcol_processor_mlsignals_spans counter
otelcol_processor_mlsignals_spans{dialect="ml",otel_scope_name="x"} 34802
otelcol_processor_mlsignals_spans{dialect="none",otel_scope_name="x"} 17876
otelcol_processor_mlsignals_unrecognised_spans{ml="true",scope="s",service="shop",span="cache_lookup"} 1200
otelcol_processor_mlsignals_unrecognised_spans{ml="false",scope="",service="billing",span="GET \"/a\\b\",{x=\"y\"}\n<b>"} 4000
otelcol_processor_mlsignals_invalid_values{key="ml.batch.size"} 3
otelcol_connector_mlmetrics_invalid_values{attribute="ml.batch.size",connector="mlmetrics"} 2
otelcol_connector_mlmetrics_invalid_values{attribute="duration",connector="mlmetrics"} 1
otelcol_connector_mlmetrics_spans_total{connector="mlmetrics",ml="true"} 5e+04
otelcol_connector_mlmetrics_series_active{connector="mlmetrics",metric="duration_ms"} 50
otelcol_connector_mlmetrics_series_limit{connector="mlmetrics",metric="duration_ms"} 100
otelcol_connector_mlmetrics_overflowed{connector="mlmetrics",metric="duration_ms"} 0
otelcol_connector_mlmetrics_series_active{connector="mlmetrics",metric="ml.tokens"} 100
otelcol_connector_mlmetrics_series_limit{connector="mlmetrics",metric="ml.tokens"} 100
otelcol_connector_mlmetrics_overflowed{connector="mlmetrics",metric="ml.tokens"} 7
otelcol_receiver_accepted_spans{receiver="otlp",transport="grpc"} 52678
otelcol_receiver_refused_spans{receiver="otlp",transport="grpc"} 2
otelcol_receiver_refused_spans{receiver="otlp",transport="http"} 3
otelcol_processor_tail_sampling_global_count_traces_sampled{decision="sampled",sampled="true"} 406
otelcol_processor_tail_sampling_global_count_traces_sampled{decision="not_sampled",sampled="false"} 5292
otelcol_processor_tail_sampling_sampling_trace_dropped_too_early 1
go_goroutines 12
otelcol_broken{a="b 1
otelcol_broken
otelcol_broken{a="b"} x
`

func TestReport(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(text))
	}))
	defer server.Close()
	reader := NewReader(server.URL)
	defer reader.Close()
	samples, err := reader.Read(t.Context())
	require.NoError(t, err)
	r := NewReport(samples)
	assert.True(t, r.Signals)
	assert.Equal(t, 52678.0, r.Spans)
	assert.Equal(t, 34802.0, r.Recognised)
	assert.Equal(t, 50000.0, r.Counted)
	assert.Equal(t, []Count{{Name: "ml", Count: 34802}, {Name: "none", Count: 17876}}, r.Dialects)
	assert.Equal(t, []Name{{`GET "/a\b",{x="y"}` + "\n<b>", "billing", "", false, 4000}, {"cache_lookup", "shop", "s", true, 1200}}, r.Names)
	assert.Equal(t, []Count{{Name: "ml.batch.size", Count: 3}, {Name: "duration", Count: 1}}, r.Invalid)
	assert.Equal(t, []Series{{"ml.tokens", "mlmetrics", 100, 100, 7, 1}, {"duration_ms", "mlmetrics", 50, 100, 0, 0.5}}, r.Series)
	ways := map[string]Count{}
	for _, w := range r.Ways {
		ways[w.Name] = w
	}
	assert.Equal(t, 5.0, ways["spans refused"].Count)
	assert.True(t, ways["spans refused"].Bad)
	assert.False(t, ways["spans accepted"].Bad)
	assert.Equal(t, 406.0, ways["traces kept"].Count)
	assert.Equal(t, 5292.0, ways["traces not kept"].Count)
	assert.True(t, ways["traces lost before their decision"].Bad)
	assert.NotContains(t, ways, "late spans", "this collector does not report it")
}

// TestSamplerWithinSampler: mltailsampling decides with a tail_sampling of its own, which counts the same traces.
func TestSamplerWithinSampler(t *testing.T) {
	samples, err := parse(strings.NewReader(text + "otelcol_processor_mltailsampling_traces{decision=\"sampled\"} 400\n"))
	require.NoError(t, err)
	for _, w := range NewReport(samples).Ways {
		if w.Name == "traces kept" {
			assert.Equal(t, 400.0, w.Count)
		}
	}
}

func TestUnreadable(t *testing.T) {
	for _, c := range []struct {
		name, want string
		answer     http.HandlerFunc
	}{
		{"status", "503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }},
		{"endless line", "too long", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(strings.Repeat("x", 2<<20))) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			_, err := NewReader(server.URL).Read(t.Context())
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(text)
	f.Fuzz(func(t *testing.T, text string) {
		samples, _ := parse(strings.NewReader(text))
		NewReport(samples)
	})
}
