package browser

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/browser/internal/chrome"
)

// TestPage looks at each part of the page in a browser, while the collector has the demo's traffic.
func TestPage(t *testing.T) {
	p := play(t)
	browser, err := chrome.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(browser.Close)
	v := &visit{played: p, browser: browser}
	t.Run("overview", v.overview)
	t.Run("waterfall", v.waterfall)
	t.Run("filters", v.filters)
	t.Run("compare", v.compare)
	t.Run("map", v.serviceMap)
	t.Run("copy", v.copyJSON)
	t.Run("keyboard", v.keyboard)
	t.Run("live", v.live)
	t.Run("arrivals", v.arrivals)
	t.Run("training", v.training)
	t.Run("accessibility", v.accessibility)
	t.Run("hostile", v.hostile)
}

type visit struct {
	*played
	browser *chrome.Browser
}

// open opens a page, and fails the test at its end where anything was wrong on it or it asked anybody else.
func (v *visit) open(t *testing.T, look chrome.Look, path string) *chrome.Tab {
	t.Helper()
	tab, err := v.browser.Open(look)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.Empty(t, tab.Problems())
		own, err := url.Parse(v.ViewURL())
		require.NoError(t, err)
		assert.Equal(t, []string{own.Host}, tab.Hosts())
		tab.Close()
	})
	require.NoError(t, tab.Go(v.url(path)))
	return tab
}

func evaluate[T any](t *testing.T, tab *chrome.Tab, expression string) T {
	t.Helper()
	value, err := chrome.Evaluate[T](tab, expression)
	require.NoError(t, err, "%.300s", expression)
	return value
}

// text is what a reader sees of an element, its spaces brought together.
func text(t *testing.T, tab *chrome.Tab, selector string) string {
	t.Helper()
	return evaluate[string](t, tab, fmt.Sprintf(`document.querySelector(%q).innerText.replace(/\s+/g, " ").trim()`, selector))
}

// cells are the texts of a row.
func cells(t *testing.T, tab *chrome.Tab, row string) []string {
	t.Helper()
	return evaluate[[]string](t, tab, fmt.Sprintf(`[...document.querySelector(%q).cells].map(c => c.innerText.replace(/\s+/g, " ").trim())`, row))
}

// milliseconds reads a time as the page writes it.
func milliseconds(t *testing.T, text string) float64 {
	t.Helper()
	text = strings.TrimPrefix(text, "≈ ")
	at := strings.LastIndex(text, " ")
	require.Positive(t, at, text)
	f, err := strconv.ParseFloat(strings.ReplaceAll(text[:at], " ", ""), 64)
	require.NoError(t, err, text)
	factor, known := map[string]float64{"µs": 0.001, "ms": 1, "s": 1000}[text[at+1:]]
	require.True(t, known, text)
	return f * factor
}

// overview: figures are those of what was sent.
func (v *visit) overview(t *testing.T) {
	tab := v.open(t, chrome.Desktop, "/?window=start")
	assert.Equal(t, strings.ReplaceAll(grouped(len(v.sent)), "\u00a0", " "), text(t, tab, "#count"))
	failed := v.count(func(s shop.Sent) bool {
		for _, sp := range s.Spans {
			if sp.Name == "ml.pipeline.request" {
				return sp.Error
			}
		}
		return false
	})
	assert.Positive(t, failed)
	assert.Equal(t, strconv.Itoa(failed), text(t, tab, "#errors"))

	signals := v.signals()
	for _, b := range []struct {
		cause, signal string
		each          float64
	}{
		{"feature_store", "feature_cascade", v.mean(func(s shop.Sent) time.Duration { return s.Features.DBLookup })},
		{"gpu_queue", "queue_bound", v.mean(func(s shop.Sent) time.Duration { return s.Inference.QueueWait })},
		{"cold_start", "cold_start", v.mean(func(s shop.Sent) time.Duration { return s.Assembly.ColdStart })},
		{"revalidation", "revalidated", v.repairs()},
	} {
		got := cells(t, tab, "#b-"+b.cause)
		assert.Positive(t, signals[b.signal], b.signal)
		assert.Equal(t, strconv.Itoa(signals[b.signal]), got[2], b.cause)
		state := "look here"
		if float64(signals[b.signal]) < 0.01*float64(len(v.sent)) {
			state = "well"
		}
		assert.Equal(t, state, got[1], b.cause)
		assert.InEpsilon(t, b.each, milliseconds(t, got[5]), 0.01, b.cause)
	}
	assert.Contains(t, cells(t, tab, "#b-gpu_queue")[7], "lost "+worst(v.sent, func(s shop.Sent) time.Duration {
		if !s.QueueBound() {
			return 0
		}
		return s.Inference.QueueWait
	}))

	// p95 is what a quantile over the buckets says: within those around the true one.
	var latencies []float64
	for _, s := range v.sent {
		latencies = append(latencies, shop.Milliseconds(s.Duration()))
	}
	bounds := []float64{10, 25, 50, 100, 250, 500, 800, 1000, 1250, 1500, 2000, 3000}
	for selector, q := range map[string]float64{"#p50": 0.5, "#p95": 0.95, "#p99": 0.99} {
		assert.InEpsilon(t, quantile(latencies, bounds, q), milliseconds(t, text(t, tab, selector)), 0.01, selector)
	}

	tab = v.open(t, chrome.Desktop, "/?window=start&pipeline=nobody")
	assert.Equal(t, "0", text(t, tab, "#count"), "the filter leaves out what is of another pipeline")
}

// repairs is the page's estimate: each validation is as long as the others.
func (v *visit) repairs() float64 {
	var time, attempts, spans float64
	for _, s := range v.sent {
		if s.Inference.Error == "" {
			time += shop.Milliseconds(s.Post.Duration)
			attempts += float64(s.Post.Attempts())
			spans++
		}
	}
	return time * (attempts - spans) / attempts / float64(len(v.sent))
}

// worst is the longest of a time, as the page writes it.
func worst(sent []shop.Sent, of func(shop.Sent) time.Duration) string {
	longest := time.Duration(0)
	for _, s := range sent {
		longest = max(longest, of(s))
	}
	ms := int(math.Round(shop.Milliseconds(longest)))
	return strings.ReplaceAll(grouped(ms), "\u00a0", " ") + " ms"
}

// quantile is Prometheus' histogram_quantile over the buckets of some values.
func quantile(values, bounds []float64, q float64) float64 {
	rank, seen, lower := q*float64(len(values)), 0.0, 0.0
	for _, upper := range bounds {
		in := 0.0
		for _, v := range values {
			if v > lower && v <= upper {
				in++
			}
		}
		if seen+in >= rank {
			return lower + (upper-lower)*(rank-seen)/in
		}
		seen, lower = seen+in, upper
	}
	return math.NaN()
}

func (v *visit) article() string { return "/traces/" + v.sent[0].TraceID.String() }

// box is where something is drawn, in pixels from the left of its chart.
type box struct{ Left, Width, Chart float64 }

// waterfall: each bar of the article's request is where its time was, to the pixel.
func (v *visit) waterfall(t *testing.T) {
	for name, look := range map[string]chrome.Look{"desktop": chrome.Desktop, "phone": chrome.Phone} {
		t.Run(name, func(t *testing.T) {
			tab := v.open(t, look, v.article())
			article := v.sent[0]
			for _, s := range article.Spans {
				bars := v.bars(t, tab, s, "rect.span")
				require.Len(t, bars, 1, s.Name)
				v.near(t, bars[0], s.Start, s.Duration, s.Name)
			}
			for _, part := range []struct {
				span, class string
				after       time.Duration
				length      time.Duration
			}{
				{"ml.inference", "p-queue", 0, article.Inference.QueueWait},
				{"ml.inference", "p-compute", article.Inference.QueueWait, article.Inference.ForwardPass},
				{"ml.feature_extraction", "p-cache", 0, article.Features.CacheLookup},
				{"ml.feature_extraction", "p-database", article.Features.CacheLookup, article.Features.DBLookup},
				{"tokenizer_init", "p-load", 0, article.Assembly.ColdStart},
				{"ml.post_processing", "p-repair", article.Post.Duration / 2, article.Post.Duration - article.Post.Duration/2},
			} {
				s := v.span(t, part.span)
				bars := v.bars(t, tab, s, "rect."+part.class)
				require.Len(t, bars, 1, "%s %s", part.span, part.class)
				v.near(t, bars[0], s.Start.Add(part.after), part.length, part.span+" "+part.class)
			}
			assert.Equal(t, len(article.Spans), evaluate[int](t, tab, `document.querySelectorAll("tr.critical").length`), "its spans follow each other: all are on the critical path")
			for _, cause := range []string{"feature store 45 %", "GPU queue 32 %", "GPU compute 17 %", "cold start 2.1 %", "repair 1 %"} {
				assert.Contains(t, text(t, tab, "#main"), cause)
			}
			assert.Contains(t, text(t, tab, "#main"), "feature-store-fallback", "why it was kept")
			assert.False(t, evaluate[bool](t, tab, `document.documentElement.scrollWidth > innerWidth`), "nothing lies beside the screen")
		})
	}
	inference := v.span(t, "ml.inference")
	tab := v.open(t, chrome.Desktop, v.article())
	require.NoError(t, tab.Click("#s"+inference.ID.String()+" a"))
	assert.Contains(t, text(t, tab, ".details"), "ml.inference.queue_wait_ms 580", "attributes on demand")
}

func (v *visit) span(t *testing.T, name string) shop.Span {
	for _, s := range v.sent[0].Spans {
		if s.Name == name {
			return s
		}
	}
	require.Fail(t, "no span", name)
	return shop.Span{}
}

func (v *visit) bars(t *testing.T, tab *chrome.Tab, s shop.Span, selector string) []box {
	return evaluate[[]box](t, tab, fmt.Sprintf(`[...document.querySelectorAll("#s%s svg.bar %s")].map(r => {
		const chart = r.ownerSVGElement.getBoundingClientRect(), bar = r.getBoundingClientRect();
		return {Left: bar.left - chart.left, Width: bar.width, Chart: chart.width};
	})`, s.ID, selector))
}

// near demands that a bar is where a time was, to half a pixel.
func (v *visit) near(t *testing.T, b box, start time.Time, length time.Duration, what string) {
	t.Helper()
	all := v.sent[0].Duration().Seconds()
	assert.Greater(t, b.Chart, 200.0, what)
	assert.InDelta(t, start.Sub(v.sent[0].Start).Seconds()/all*b.Chart, b.Left, 0.5, "%s: left", what)
	assert.InDelta(t, length.Seconds()/all*b.Chart, b.Width, 0.5, "%s: width", what)
}

// filters: a reader chooses in the form, and what is found is what was sent.
func (v *visit) filters(t *testing.T) {
	slow := v.count(func(s shop.Sent) bool { return shop.Milliseconds(s.Duration()) > 1000 })
	require.Positive(t, slow)
	signals := v.signals()
	for _, c := range []struct {
		choose string
		found  int
	}{
		{`form.elements.signal.value = "queue_bound"`, signals["queue_bound"]},
		{`form.elements.signal.value = "cold_start"`, signals["cold_start"]},
		{`form.elements.longer.value = "1000"`, slow},
		{`form.elements.errors.checked = true`, v.count(func(s shop.Sent) bool { return len(failures(s)) > 0 })},
		{`form.elements.signal.value = "queue_bound"; form.elements.longer.value = "1000"`, v.count(func(s shop.Sent) bool {
			return s.QueueBound() && shop.Milliseconds(s.Duration()) > 1000
		})},
		{`form.elements.signal.value = "cold_start"; form.elements.stage.value = "training"`, 0},
	} {
		tab := v.open(t, chrome.Desktop, "/traces")
		evaluate[string](t, tab, `{ const form = document.querySelector("form.filter"); `+c.choose+`; "" }`)
		require.NoError(t, tab.Click("form.filter button"))
		assert.Regexp(t, fmt.Sprintf(`^%d of `, c.found), text(t, tab, "#found"), c.choose)
	}
	tab := v.open(t, chrome.Desktop, "/traces?sort=longest")
	longest := worst(v.sent, func(s shop.Sent) time.Duration { return s.Duration() })
	assert.Equal(t, longest, evaluate[string](t, tab, `document.querySelector("tbody tr").cells[2].innerText.replace(/\s/g, " ")`))
}

func failures(s shop.Sent) (failed []shop.Span) {
	for _, sp := range s.Spans {
		if sp.Error {
			failed = append(failed, sp)
		}
	}
	return failed
}

// compare: a window beside itself shows no change, and the figures of what was sent.
func (v *visit) compare(t *testing.T) {
	tab := v.open(t, chrome.Desktop, "/compare?a=start&b=1h")
	all := text(t, tab, "#main")
	n := strings.ReplaceAll(grouped(len(v.sent)), "\u00a0", " ")
	assert.Contains(t, all, "requests "+n+" "+n)
	assert.NotContains(t, all, "Changed most")
	assert.NotRegexp(t, `[+−]\d`, all)
	tab = v.open(t, chrome.Desktop, "/compare")
	evaluate[string](t, tab, `{ const form = document.querySelector("form.filter"); form.elements.a.value = "1h"; form.elements.b.value = "start"; "" }`)
	require.NoError(t, tab.Click("form.filter button"))
	assert.Contains(t, text(t, tab, "#main"), "requests "+n+" "+n)
	v.open(t, chrome.Desktop, "/compare?by=version&window=start")
}

// serviceMap: the eight calls of the article's services, with their errors.
func (v *visit) serviceMap(t *testing.T) {
	tab := v.open(t, chrome.Desktop, "/map?window=start")
	edges := evaluate[[]string](t, tab, `[...document.querySelector("#edges + .scroll table").tBodies[0].rows].map(r => r.cells[0].innerText + " > " + r.cells[1].innerText)`)
	assert.ElementsMatch(t, []string{
		"ml.api_gateway > ml.input_validator", "ml.api_gateway > ml.feature_extractor", "ml.feature_extractor > ml.feature_store",
		"ml.api_gateway > ml.batch_assembler", "ml.batch_assembler > ml.tokenizer", "ml.api_gateway > ml.inference",
		"ml.inference > ml.model_server", "ml.api_gateway > ml.post_processor",
	}, edges)
	assert.Equal(t, 8, evaluate[int](t, tab, `document.querySelectorAll("svg.map path.edge").length`))
	assert.Equal(t, 9, evaluate[int](t, tab, `document.querySelectorAll("svg.map g").length`))
}

func (v *visit) copyJSON(t *testing.T) {
	tab := v.open(t, chrome.Desktop, v.article())
	for _, permission := range []string{"clipboard-read", "clipboard-write"} {
		require.NoError(t, tab.Allow(permission))
	}
	copied := evaluate[string](t, tab, `(async () => {
		const said = document.getElementById("copied");
		const done = new Promise(resolve => new MutationObserver(() => resolve(said.textContent)).observe(said, {childList: true}));
		document.querySelector("button[data-copy]").click();
		await done;
		return await navigator.clipboard.readText();
	})()`)
	var otlp struct {
		ResourceSpans []struct{ ScopeSpans []struct{ Spans []any } }
	}
	require.NoError(t, json.Unmarshal([]byte(copied), &otlp))
	spans := 0
	for _, rs := range otlp.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			spans += len(ss.Spans)
		}
	}
	assert.Equal(t, len(v.sent[0].Spans), spans)
}

// keyboard: the first key leads to the content, and every link, button and field can be reached and is seen to be.
func (v *visit) keyboard(t *testing.T) {
	tab := v.open(t, chrome.Desktop, v.article())
	require.NoError(t, tab.Press("\t"))
	assert.Equal(t, "Skip to the content", evaluate[string](t, tab, `document.activeElement.innerText`))
	require.NoError(t, tab.Press("\r"))
	assert.Equal(t, "main", evaluate[string](t, tab, `document.activeElement.id`))
	want := evaluate[int](t, tab, `document.querySelectorAll("main a, main button:not([hidden])").length`)
	for i := range want {
		require.NoError(t, tab.Press("\t"))
		assert.True(t, evaluate[bool](t, tab, `document.activeElement.matches("main a, main button")`), "%d", i)
		assert.NotEqual(t, "none", evaluate[string](t, tab, `getComputedStyle(document.activeElement).outlineStyle`))
	}
}

// live: where the reader asks for it, the page follows what comes, without being loaded anew, and stops when asked to.
func (v *visit) live(t *testing.T) {
	tab := v.open(t, chrome.Desktop, "/arrivals")
	evaluate[string](t, tab, `window.kept = "kept"; document.querySelector("button[data-live]").click(); ""`)
	v.send(t, map[string]any{"service.name": "shipping"}, "net/http", time.Now(), span{trace: "shipping", id: "a", name: "GET /parcels", to: time.Millisecond})
	shown := `new Promise(resolve => { const look = () => document.querySelector("main").innerText.includes("GET /parcels") ? resolve(window.kept) : setTimeout(look, 50); look(); })`
	assert.Equal(t, "kept", evaluate[string](t, tab, shown))
	assert.Equal(t, "true", evaluate[string](t, tab, `document.querySelector("button[data-live]").getAttribute("aria-pressed")`))
	require.NoError(t, tab.Go(v.url("/")))
	assert.Equal(t, "true", evaluate[string](t, tab, `document.querySelector("button[data-live]").getAttribute("aria-pressed")`), "on the next page too")
	evaluate[string](t, tab, `document.querySelector("button[data-live]").click(); ""`)
	assert.Equal(t, "false", evaluate[string](t, tab, `document.querySelector("button[data-live]").getAttribute("aria-pressed")`))
}

// arrivals: a new service that nobody recognises is named, with what to do.
func (v *visit) arrivals(t *testing.T) {
	v.send(t, map[string]any{"service.name": "billing"}, "net/http", time.Now(), span{trace: "billing", id: "a", name: "GET /invoices", to: time.Millisecond})
	v.until(t, "/arrivals", "GET /invoices")
	tab := v.open(t, chrome.Desktop, "/arrivals")
	rows := evaluate[[]string](t, tab, `[...document.querySelector("#unrecognised").tBodies[0].rows].map(r => r.innerText.replace(/\s+/g, " "))`)
	assert.Contains(t, rows, "GET /invoices billing net/http 1 not counted")
	dialects := map[string]int{"ml": 0, "none": 2} // of billing and of shipping
	for _, s := range v.sent {
		for _, sp := range s.Spans {
			if strings.HasPrefix(sp.Name, "ml.") || sp.Name == "tokenizer_init" {
				dialects["ml"]++
			} else {
				dialects["none"]++
			}
		}
	}
	for name, n := range dialects {
		row := name + " " + strings.ReplaceAll(grouped(n), "\u00a0", " ") + " "
		assert.Contains(t, text(t, tab, "#dialects"), row)
	}
	assert.Contains(t, text(t, tab, "#main"), "duration_ms")
	assert.Contains(t, text(t, tab, "#main"), "spans refused 0")
}

// training: two runs, the newer with its scores beside the older one's.
func (v *visit) training(t *testing.T) {
	began := time.Now().Add(-30 * time.Hour)
	for i, auc := range []float64{0.81, 0.84} {
		run := fmt.Sprint("run ", i)
		at := began.Add(time.Duration(i) * 24 * time.Hour)
		hours := time.Duration(3+i) * time.Hour
		v.send(t, map[string]any{"service.name": "trainer", "ml.pipeline.name": "ranking"}, "trainer", at,
			span{trace: run, id: "train", parent: "fit", name: "train", to: hours, attributes: map[string]any{"ml.stage": "training"}},
			span{trace: run, id: "eval", parent: "fit", name: "evaluate", from: hours, to: hours + time.Hour, attributes: map[string]any{"ml.stage": "evaluation", "ml.evaluation.auc": auc}},
			span{trace: run, id: "fit", name: "fit", to: hours + time.Hour, attributes: map[string]any{"ml.model.name": "ranker"}})
	}
	v.until(t, "/training", "0.84")
	v.until(t, "/training", "0.81")
	tab := v.open(t, chrome.Desktop, "/training")
	assert.Contains(t, text(t, tab, ".run"), "auc 0.84 0.81 +0.03")
	bar := evaluate[box](t, tab, `(() => { const r = document.querySelector(".run .timeline tbody rect"), chart = r.ownerSVGElement.getBoundingClientRect(), bar = r.getBoundingClientRect();
		return {Left: bar.left - chart.left, Width: bar.width, Chart: chart.width}; })()`)
	assert.InDelta(t, 0, bar.Left, 0.5)
	assert.InDelta(t, 4.0/5*bar.Chart, bar.Width, 0.5)
	require.NoError(t, tab.Click(".run p a"))
	assert.Equal(t, "Changed most: training: 60 min more in the run", text(t, tab, "#most"))
}

// accessibility: axe finds nothing serious on any page, by day, by night and on a phone, and nothing lies beside the screen.
func (v *visit) accessibility(t *testing.T) {
	source, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	require.NoError(t, err, "run `make test/e2e/browser/node_modules`")
	inference := v.span(t, "ml.inference")
	paths := []string{"/?window=start", "/traces", "/traces?longer=x", v.article(), v.article() + "?span=" + inference.ID.String(),
		"/compare?a=start&b=1h", "/compare?by=version", "/compare?by=run", "/map?window=start", "/training", "/arrivals"}
	for name, look := range map[string]chrome.Look{"desktop": chrome.Desktop, "night": chrome.Night, "phone": chrome.Phone} {
		for _, path := range paths {
			t.Run(name+path, func(t *testing.T) {
				tab := v.open(t, look, path)
				found := evaluate[[]string](t, tab, string(source)+`;axe.run().then(r => r.violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v => v.id + ": " + v.help + " " + v.nodes.map(n => n.html + " " + n.failureSummary).join(" ")))`)
				assert.Empty(t, found)
				assert.False(t, evaluate[bool](t, tab, `document.documentElement.scrollWidth > innerWidth`), "nothing lies beside the screen")
				assert.Equal(t, look.Dark, evaluate[bool](t, tab, `matchMedia("(prefers-color-scheme: dark)").matches`))
			})
		}
	}
}

// hostile: texts that would run, restyle or overflow the page are text, under every heading.
func (v *visit) hostile(t *testing.T) {
	texts := []string{
		`<script>document.title="owned"</script>`, `"><img src=x onerror="document.title='owned'">`, `</svg><script>document.title="owned"</script>`,
		`<style>*{display:none}</style>`, "\u202Egnp.exe\u202C", strings.Repeat("<b onclick=alert(1)>x", 2400), // 50 kB
	}
	for i, text := range texts {
		trace := fmt.Sprint("hostile ", i)
		carried := map[string]any{text: text, "ml.stage": "inference", "ml.model.name": text, "ml.model.version": text, "ml.signal.cold_start": true, "ml.cold_start.component": text}
		v.send(t, map[string]any{"service.name": text, "ml.pipeline.name": text, text: text}, text, time.Now(),
			span{trace: trace, id: "root", name: text, to: time.Second, attributes: carried, failed: true, event: text},
			span{trace: trace, id: "child", parent: "root", name: text, to: time.Second, failed: true})
		v.until(t, "/traces?errors=1&sort=newest", "/traces/"+id(trace, 16))
	}
	paths := []string{"/?window=start", "/traces", "/map?window=start", "/compare?by=version&window=start", "/training", "/arrivals"}
	for i := range texts {
		trace := id(fmt.Sprint("hostile ", i), 16)
		paths = append(paths, "/traces/"+trace, "/traces/"+trace+"?span="+id("root", 8), "/?window=start&pipeline="+escaped(texts[i][:min(len(texts[i]), 1000)]))
	}
	for _, path := range paths {
		tab := v.open(t, chrome.Desktop, path)
		assert.True(t, strings.HasSuffix(evaluate[string](t, tab, `document.title`), "· otelcol-ml"), path)
		assert.Equal(t, 0, evaluate[int](t, tab, `document.querySelectorAll("img, style, b, [onerror], [onclick], script:not([src^='/static/page.js'])").length`), path)
		assert.Equal(t, "block", evaluate[string](t, tab, `getComputedStyle(document.querySelector("main")).display`), path)
		assert.False(t, evaluate[bool](t, tab, `document.documentElement.scrollWidth > innerWidth`), "%s: nothing lies beside the screen", path)
	}
	tab := v.open(t, chrome.Desktop, "/traces/"+id("hostile 0", 16))
	assert.Contains(t, text(t, tab, "h1"), texts[0], "shown as it is")
}
