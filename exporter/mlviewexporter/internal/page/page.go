// Package page renders the contents of the stores as HTML pages. Its handlers may be called concurrently.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/arrivals"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/format"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/kept"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/series"
)

// Page has the stores that the handlers read.
type Page struct {
	Traces   *kept.Store
	Series   *series.Store
	Arrivals *arrivals.Reader
	// TraceURL is the URL of a trace in Tempo or Jaeger, with {trace_id} for its ID. Empty: no link.
	TraceURL string
	Now      func() time.Time
}

//go:embed templates
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

var templates = func() map[string]*template.Template {
	base := template.Must(template.New("").Funcs(functions).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
	parsed := map[string]*template.Template{}
	for _, name := range []string{"overview", "traces", "trace", "compare", "map", "training", "arrivals", "message"} {
		parsed[name] = template.Must(template.Must(base.Clone()).ParseFS(templateFiles, "templates/"+name+".html"))
	}
	return parsed
}()

var functions = template.FuncMap{
	"ms":      format.Ms,
	"ns":      format.Ns,
	"round":   format.Round,
	"percent": format.Percent,
	"share":   share,
	"pos":     func(f float64) string { return strconv.FormatFloat(f/10, 'f', 3, 64) + "%" },
	"px":      func(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) },
	"add":     func(a, b float64) float64 { return a + b },
	"pairs": func(v compare, title string, rows []pair) map[string]any {
		return map[string]any{"V": v, "Title": title, "Rows": rows}
	},
	"counted": func(title, what string, rows []arrivals.Count) map[string]any {
		return map[string]any{"Title": title, "What": what, "Rows": rows}
	},
	"asset":      asset,
	"title":      title,
	"words":      words,
	"whole":      func(n int) string { return format.Whole(int64(n)) },
	"causeClass": cause,
}

// Handler returns the handler of all pages.
func (p *Page) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.overview)
	mux.HandleFunc("GET /traces", p.traces)
	mux.HandleFunc("GET /traces/{id}", p.trace)
	mux.HandleFunc("GET /compare", p.compare)
	mux.HandleFunc("GET /map", p.serviceMap)
	mux.HandleFunc("GET /training", p.training)
	mux.HandleFunc("GET /arrivals", p.arrivals)
	static, err := fs.Sub(staticFiles, "static")
	if err != nil {
		panic(err) // cannot fail: the folder is embedded
	}
	files := http.StripPrefix("/static/", http.FileServerFS(static))
	mux.HandleFunc("GET /static/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("v") {
			w.Header().Set("Cache-Control", "max-age=31536000, immutable") // the URL has the version
		}
		files.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		p.message(w, http.StatusNotFound, "There is no such page", "Choose one of the pages above.")
	})
	return secured(mux)
}

// asset returns the URL of a static file, with its version.
func asset(name string) (string, error) {
	content, err := staticFiles.ReadFile("static/" + name)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return "/static/" + name + "?v=" + hex.EncodeToString(sum[:6]), nil
}

// policy is the content security policy: only style and script files of this page, no inline script or style, and
// nothing from other hosts. Content of spans is therefore never executed.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// view has the data of the layout, and the page's own data in Data.
type view struct {
	Title, Tab string
	Tabs       []tab
	Data       any
}

type tab struct {
	Path, Name string
	Current    bool
}

func (p *Page) render(w http.ResponseWriter, status int, name, title string, data any) {
	v := view{Title: title, Tab: name, Data: data}
	for _, t := range []tab{
		{Path: "/", Name: "Overview"}, {Path: "/traces", Name: "Traces"}, {Path: "/compare", Name: "Compare"},
		{Path: "/map", Name: "Service map"}, {Path: "/training", Name: "Training runs"}, {Path: "/arrivals", Name: "What arrives"},
	} {
		t.Current = t.Path == "/"+name || t.Path == "/" && name == "overview" || t.Path == "/traces" && name == "trace"
		v.Tabs = append(v.Tabs, t)
	}
	var b bytes.Buffer
	if err := templates[name].ExecuteTemplate(&b, "layout.html", v); err != nil {
		http.Error(w, "the page could not be rendered: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client may have disconnected
}

type message struct{ Title, Text string }

func (p *Page) message(w http.ResponseWriter, status int, title, text string) {
	p.render(w, status, "message", title, message{title, text})
}
