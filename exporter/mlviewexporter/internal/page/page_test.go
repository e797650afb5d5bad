package page

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/arrivals"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/kept"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/series"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/viewtest"
)

type s = viewtest.Span

// newPage is a page that holds what the pipeline makes of traces.
func newPage(t testing.TB, traces ...ptrace.Traces) *Page {
	now := time.Now()
	p := &Page{Traces: kept.NewStore(64 << 20), Series: series.NewStore(8<<20, now), Arrivals: arrivals.NewReader(""), Now: time.Now}
	for _, td := range traces {
		require.Zero(t, p.Traces.Add(td, now))
	}
	if len(traces) > 0 {
		for _, md := range viewtest.Metrics(t, nil, traces...) {
			require.Zero(t, p.Series.Add(md, now))
		}
	}
	return p
}

// get is the answer of a page without its markup, its spaces brought together.
func get(t testing.TB, p *Page, path string) (text, markup string) {
	t.Helper()
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	require.Equal(t, http.StatusOK, w.Code, path)
	markup = w.Body.String()
	text = html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(markup, " "))
	return strings.Join(strings.Fields(text), " "), markup
}

var pages = []string{"/", "/?window=1h", "/?window=start", "/traces", "/compare", "/compare?by=version", "/compare?by=run", "/compare?a=start&b=1h", "/map", "/map?window=start", "/training", "/arrivals"}

// TestEmpty: a page without data says what to do.
func TestEmpty(t *testing.T) {
	p := newPage(t)
	for _, path := range pages {
		text, _ := get(t, p, path)
		assert.NotContains(t, text, "NaN", path)
		assert.NotContains(t, text, "Inf", path)
	}
	text, _ := get(t, p, "/")
	assert.Contains(t, text, "OTEL_EXPORTER_OTLP_ENDPOINT")
}

func TestOverview(t *testing.T) {
	p := newPage(t, viewtest.Article(t))
	text, markup := get(t, p, "/?window=start")
	for _, want := range []string{
		"Feature store fell back to its database look here 1 100 % ", "Waited longer for the GPU than it computed look here 1 100 %",
		"lost 812 ms", "lost 580 ms", "lost 38 ms", "Counted over all requests",
	} {
		assert.Contains(t, text, want)
	}
	assert.Contains(t, markup, `<dd id="count">1</dd>`)
	text, _ = get(t, p, "/?window=start&pipeline=other")
	assert.NotContains(t, text, "812")
	text, _ = get(t, p, "/?window=start&service=ml.inference")
	assert.Contains(t, text, "its spans are counted")
	text, _ = get(t, p, "/?window=start&model=two-tower")
	assert.Contains(t, text, "its spans do not name a model", "feature extraction")
}

// TestNoRoom: figures that are not complete say so.
func TestNoRoom(t *testing.T) {
	p := newPage(t, viewtest.Article(t))
	text, _ := get(t, p, "/")
	assert.NotContains(t, text, "found no room")
	p.Series = series.NewStore(1000, time.Now())
	for _, md := range viewtest.Metrics(t, nil, viewtest.Article(t)) {
		p.Series.Add(md, time.Now())
	}
	text, _ = get(t, p, "/")
	assert.Contains(t, text, "series that found no room")
}

// TestTraces: each filter leaves out what it should, and keeps what it should.
func TestTraces(t *testing.T) {
	plain := viewtest.Diagnosed(t, viewtest.Trace(t, "plain", s{Name: "ml.pipeline.request", Service: "other", To: 100 * time.Millisecond, Attributes: map[string]any{"ml.stage": "request", "ml.model.name": "small"}, Failed: true}))
	p := newPage(t, viewtest.Article(t), plain)
	for query, want := range map[string]int{
		"": 2, "signal=queue_bound": 1, "signal=features_unavailable": 0, "cause=feature_store": 1, "cause=other": 1, "cause=gpu_queue": 0,
		"stage=inference": 1, "stage=request": 2, "stage=training": 0, "model=two-tower": 1, "model=small": 1, "model=none": 0,
		"service=other": 1, "service=ml.api_gateway": 1, "longer=99": 2, "longer=100": 1, "longer=1819.9": 1, "longer=1820": 0,
		"errors=1": 1, "pipeline=recommendation": 1, "window=5m": 2, "policy=x": 0, "signal=queue_bound&longer=2000": 0,
	} {
		text, _ := get(t, p, "/traces?"+query)
		assert.Contains(t, text, fmt.Sprintf(" %d of 2 traces", want), query)
	}
	text, _ := get(t, p, "/traces?longer=soon")
	assert.Contains(t, text, "found “soon”, must be a number of milliseconds")
	for sort, first := range map[string]string{"longest": "1 820 ms", "newest": "100 ms", "lost": "1 820 ms", "share": "100 ms"} {
		text, _ := get(t, p, "/traces?sort="+sort)
		assert.Regexp(t, `ml\.pipeline\.request \S+ (\S+ )?\S+ `+first, strings.ReplaceAll(text, "\u00a0", " "), sort)
	}
}

func TestPaging(t *testing.T) {
	p := newPage(t)
	for i := range 250 {
		p.Traces.Add(viewtest.Trace(t, fmt.Sprintf("%03d", i), s{Name: "root"}), time.Now())
	}
	text, markup := get(t, p, "/traces")
	assert.Contains(t, text, "1 to 50 shown")
	assert.Contains(t, markup, `href="/traces?page=2" rel="next"`)
	text, markup = get(t, p, "/traces?page=5&service=")
	assert.Contains(t, text, "201 to 250 shown")
	assert.NotContains(t, markup, `rel="next"`)
	text, _ = get(t, p, "/traces?page=99999999999999999999")
	assert.Contains(t, text, "1 to 50 shown")
	text, _ = get(t, p, "/traces?page=77")
	assert.Contains(t, text, "201 to 250 shown")
}

func TestTrace(t *testing.T) {
	td := viewtest.Article(t)
	p := newPage(t, td)
	p.TraceURL = "http://jaeger.example.com/trace/{trace_id}"
	id := p.Traces.Requests()[0].ID.String()
	text, markup := get(t, p, "/traces/"+id)
	assert.Contains(t, text, "feature store 45 % GPU queue 32 % GPU compute 17 %")
	assert.Contains(t, markup, `href="http://jaeger.example.com/trace/`+id+`"`)
	inference := regexp.MustCompile(`span=([0-9a-f]{16})[^>]*><bdi>ml\.inference<`).FindStringSubmatch(markup)
	require.NotNil(t, inference)
	text, _ = get(t, p, "/traces/"+id+"?span="+inference[1])
	assert.Contains(t, text, "ml.inference.queue_wait_ms 580")

	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/traces/"+id+".json", nil))
	back, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(w.Body.Bytes())
	require.NoError(t, err)
	assert.Equal(t, td.SpanCount(), back.SpanCount())
	assert.True(t, json.Valid(w.Body.Bytes()))

	for _, path := range []string{"/traces/" + strings.Repeat("0", 32), "/traces/nonsense", "/traces/..%2f..", "/nowhere", "/static/nowhere"} {
		w := httptest.NewRecorder()
		p.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		assert.Equal(t, http.StatusNotFound, w.Code, path)
	}
	w = httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
}

// TestCauses: the page knows every cause that mldiagnosis names, and has a colour for each, and for each part of a span.
func TestCauses(t *testing.T) {
	metadata, err := os.ReadFile("../../../../processor/mldiagnosisprocessor/metadata.yaml")
	require.NoError(t, err)
	enum := regexp.MustCompile(`(?s)bottleneck:.*?enum:\n((?:    - \w+\n)+)`).FindSubmatch(metadata)
	require.NotNil(t, enum)
	assert.ElementsMatch(t, strings.Fields(strings.ReplaceAll(string(enum[1]), "- ", "")), causes)
	style, err := staticFiles.ReadFile("static/page.css")
	require.NoError(t, err)
	for _, c := range causes {
		assert.Regexp(t, `\.c-`+c+`[ ,]`, string(style))
	}
	for _, part := range partNames {
		assert.Regexp(t, `\.p-`+part.Class+`[ ,]`, string(style))
	}
}

func TestTraining(t *testing.T) {
	run := func(id string, at time.Duration, auc float64, training time.Duration) ptrace.Traces {
		return viewtest.Trace(t, id,
			s{Name: "fit", Service: "trainer", From: at, To: at + training + time.Hour, Attributes: map[string]any{"ml.model.name": "ranker", "ml.model.version": id}},
			s{Name: "train", Parent: "fit", Service: "trainer", From: at, To: at + training, Attributes: map[string]any{"ml.stage": "training"}},
			s{Name: "evaluate", Parent: "fit", Service: "trainer", From: at + training, To: at + training + time.Hour, Attributes: map[string]any{"ml.stage": "evaluation", "ml.evaluation.auc": auc}})
	}
	p := newPage(t, run("monday", 0, 0.81, 3*time.Hour), run("tuesday", 24*time.Hour, 0.84, 5*time.Hour))
	text, markup := get(t, p, "/training")
	assert.Contains(t, text, "auc 0.84 0.81 +0.03")
	assert.Contains(t, text, "training 5 h")
	assert.Less(t, strings.Index(text, "6 h"), strings.Index(text, "4 h"), "the newest first")
	link := regexp.MustCompile(`href="(/compare\?by=run[^"]*)"`).FindStringSubmatch(markup)
	require.NotNil(t, link)
	text, _ = get(t, p, html.UnescapeString(link[1]))
	assert.Contains(t, text, "Changed most: training: 2 h more in the run")
	assert.Contains(t, text, "training 3 h 5 h +2 h (+67 %)")
	assert.Contains(t, text, "auc 0.81 0.84 +0.03")
	text, _ = get(t, p, "/traces")
	assert.Contains(t, text, "training run")
}

// TestCompareVersions: the stage that changed most is on top.
func TestCompareVersions(t *testing.T) {
	var traces []ptrace.Traces
	for i := range 40 {
		version, wait := "1", 20*time.Millisecond
		if i%2 == 1 {
			version, wait = "2", 60*time.Millisecond
		}
		traces = append(traces, viewtest.Trace(t, fmt.Sprint(i), s{Name: "i", Service: "server", To: 100*time.Millisecond + wait, Attributes: map[string]any{
			"ml.stage": "inference", "ml.model.version": version, "ml.signal.queue_bound": version == "2"}}))
	}
	p := newPage(t, traces...)
	text, _ := get(t, p, "/compare?by=version&window=start")
	assert.Contains(t, text, "Changed most: inference: 40 ms more on average for each of the inferences")
	assert.Contains(t, text, "inference 120 ms 160 ms +40 ms (+33 %)")
	assert.Contains(t, text, "queue bound 0 % 100 % +100 points")
}

// TestWarnings: what is missing or off is said, on the trace and in the list.
func TestWarnings(t *testing.T) {
	ms := time.Millisecond
	request := map[string]any{"ml.stage": "request"}
	for _, c := range []struct {
		name, warning, tag string
		spans              []s
	}{
		{"gap", "Spans are missing", "partial", []s{{Name: "request", Service: "a", To: 100 * ms, Attributes: request}, {Name: "b", Parent: "lost", Service: "a", From: ms, To: 2 * ms}}},
		{"noroot", "No root span has come", "no root", []s{{Name: "a", Parent: "x", To: ms, Attributes: request}}},
		{"skew", "The clock of a service was off", "skewed clock", []s{{Name: "request", Service: "a", To: 100 * ms, Attributes: request},
			{Name: "infer", Parent: "request", Service: "b", From: time.Hour, To: time.Hour + 50*ms, Attributes: map[string]any{"ml.stage": "inference", "ml.inference.forward_pass_ms": 40.0}}}},
		{"undivided", "A part of GPU compute may have been waiting", "GPU compute", []s{{Name: "request", Service: "a", To: 100 * ms, Attributes: request}, {Name: "infer", Parent: "request", Service: "a", From: ms, To: 90 * ms, Attributes: map[string]any{"ml.stage": "inference"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPage(t, viewtest.Diagnosed(t, viewtest.Trace(t, c.name, c.spans...)))
			text, _ := get(t, p, "/traces/"+p.Traces.Requests()[0].ID.String())
			assert.Contains(t, text, c.warning)
			text, _ = get(t, p, "/traces")
			assert.Contains(t, text, c.tag)
		})
	}
}

func TestServiceMap(t *testing.T) {
	p := newPage(t, viewtest.Article(t))
	text, _ := get(t, p, "/map?window=start")
	assert.Contains(t, text, "ml.api_gateway ml.inference 1 ")
	assert.Contains(t, text, "895 ms")
	circle := viewtest.Trace(t, "circle", s{Name: "a", Service: "x"}, s{Name: "b", Parent: "a", Service: "y"}, s{Name: "c", Parent: "b", Service: "x"})
	text, _ = get(t, newPage(t, circle), "/map")
	assert.Contains(t, text, "x y 1")
	assert.Contains(t, text, "y x 1")

	many := []s{{Name: "root", Service: "root"}}
	for i := range 3 * mostNodes {
		many = append(many, s{Name: fmt.Sprint(i), Parent: "root", Service: fmt.Sprint("service-", i)})
	}
	text, _ = get(t, newPage(t, viewtest.Trace(t, "many", many...)), "/map")
	assert.Contains(t, text, fmt.Sprintf("%d services with fewer calls are not drawn", 2*mostNodes+1))
}

// hostile are texts that would do harm if they were more than text.
var hostile = []string{
	`<script>document.title="owned"</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`,
	`</svg><script>alert(1)</script>`, `{{.}}`, "\u202Egnp.exe\u202C", "a\x00b\xff\xfe", `<style>*{display:none}</style>`, strings.Repeat("<b>x", 12_500),
}

// TestHostileTexts: names, attributes, services, versions and signals of spans are text, whatever they are.
func TestHostileTexts(t *testing.T) {
	clean, dirty := newPage(t, hostileTraces(t, func(i int) string { return fmt.Sprint("name ", i) })...), newPage(t, hostileTraces(t, func(i int) string { return hostile[i] })...)
	paths := append([]string{}, pages...)
	for _, text := range hostile {
		q := url.QueryEscape(text)
		paths = append(paths, "/?pipeline="+q+"&service="+q+"&model="+q+"&window="+q, "/traces?signal="+q+"&cause="+q+"&stage="+q+"&longer="+q+"&sort="+q+"&policy="+q+"&page="+q,
			"/compare?by=version&a="+q+"&b="+q, "/compare?by="+q+"&a="+q, "/compare?by=run&a="+q)
	}
	paths = append(paths, "/traces/"+clean.Traces.Requests()[0].ID.String(), "/traces/"+clean.Traces.Requests()[1].ID.String())
	for _, path := range paths {
		_, want := get(t, clean, path)
		_, got := get(t, dirty, path)
		known := elements(want)
		for _, path := range []string{"/compare?by=version&a=name+1&b=name+2", "/?pipeline=name+1"} { // as where such a name exists
			_, more := get(t, clean, path)
			known = append(known, elements(more)...)
		}
		for _, element := range elements(got) {
			assert.Contains(t, known, element, "in %.100s", path)
		}
		assert.LessOrEqual(t, len(got), 1<<20, path)
	}
}

func hostileTraces(t *testing.T, name func(int) string) (traces []ptrace.Traces) {
	for i := range hostile {
		text := name(i)
		attributes := map[string]any{
			text: text, "ml.model.name": text, "ml.model.version": text, "ml.stage": "inference", "ml.signal.cold_start": true, "ml.cold_start.component": text,
			"ml.diagnosis.bottleneck": text, "ml.diagnosis.share": 0.5, "ml.diagnosis.shares." + text: 0.5, "ml.diagnosis.causes": []any{text},
			"ml.diagnosis.critical_path": []any{text}, "ml.sampling.policies": []any{text}, "ml.pipeline.name": text,
		}
		td := viewtest.Trace(t, fmt.Sprint(i), s{Name: text, ID: "root", Service: text, To: time.Second, Attributes: attributes, Failed: true}, s{Name: text, ID: "child", Parent: "root", Service: text + text, To: time.Second})
		span := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
		span.Status().SetMessage(text)
		e := span.Events().AppendEmpty()
		e.SetName(text)
		e.Attributes().PutStr(text, text)
		td.ResourceSpans().At(0).ScopeSpans().At(0).Scope().SetName(text)
		traces = append(traces, td)
	}
	return traces
}

// elements are the names of a page's elements with the names of their attributes.
func elements(markup string) (all []string) {
	for _, tag := range regexp.MustCompile(`<[a-zA-Z!/](?:[^>"]|"[^"]*")*>`).FindAllString(markup, -1) {
		all = append(all, regexp.MustCompile(`"[^"]*"`).ReplaceAllString(tag, ""))
	}
	return all
}

// TestHeaders: nothing but the page's own files may run, and no other site may frame or read it.
func TestHeaders(t *testing.T) {
	for _, path := range append([]string{"/static/page.css", "/static/page.js", "/nowhere"}, pages...) {
		w := httptest.NewRecorder()
		newPage(t).Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		policy := w.Header().Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'none'", path)
		assert.Contains(t, policy, "frame-ancestors 'none'", path)
		assert.NotContains(t, policy, "unsafe", path)
		assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"), path)
		body, err := io.ReadAll(w.Body)
		require.NoError(t, err)
		assert.NotRegexp(t, `(?i)\sstyle=|\son[a-z]+=|(src|href)="(https?:)?//`, string(body), path)
	}
}
