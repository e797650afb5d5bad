package page

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/format"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/kept"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/series"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/spans"
)

// filter is what the reader chose: empty fields choose all.
type filter struct{ Pipeline, Service, Model, Window string }

// The windows.
const (
	fiveMinutes = "5m"
	oneHour     = "1h"
	sinceStart  = "start"
)

type option struct {
	Value, Name string
	Chosen      bool
}

var windowNames = []option{
	{Value: fiveMinutes, Name: "last 5 minutes"}, {Value: oneHour, Name: "last hour"}, {Value: sinceStart, Name: "since the start"},
}

func readFilter(r *http.Request) filter {
	f := filter{Pipeline: param(r, "pipeline"), Service: param(r, "service"), Model: param(r, "model"), Window: param(r, "window")}
	if !slices.ContainsFunc(windowNames, func(o option) bool { return o.Value == f.Window }) {
		f.Window = fiveMinutes
	}
	return f
}

// param is a parameter of the address. What is longer than any value that is held is cut: it is shown again on the page.
func param(r *http.Request, key string) string { return spans.Clip(r.URL.Query().Get(key), 300) }

func (f filter) match() series.Match {
	return series.Match{Pipeline: f.Pipeline, Service: f.Service, Model: f.Model}
}

// window is the chosen span of time.
func (f filter) window(now time.Time) series.Window {
	switch f.Window {
	case fiveMinutes:
		return series.Window{From: now.Add(-5 * time.Minute), To: now}
	case oneHour:
		return series.Window{From: now.Add(-time.Hour), To: now}
	}
	return series.Window{To: now}
}

// windowName is the chosen span of time in words.
func (f filter) windowName() string {
	for _, o := range windowNames {
		if o.Value == f.Window {
			return o.Name
		}
	}
	return ""
}

// has reports whether a trace is among those chosen.
func (f filter) has(s *kept.Summary, w series.Window) bool {
	return (f.Pipeline == "" || s.Pipeline == f.Pipeline) && (f.Service == "" || slices.Contains(s.Services, f.Service)) &&
		(f.Model == "" || slices.Contains(s.Models, f.Model)) && (w.From.IsZero() || s.Arrived > w.From.UnixNano())
}

// query is the filter as a part of an address, with more parameters.
func (f filter) query(more ...string) string {
	q := url.Values{}
	for key, value := range map[string]string{"pipeline": f.Pipeline, "service": f.Service, "model": f.Model} {
		if value != "" {
			q.Set(key, value)
		}
	}
	if f.Window != fiveMinutes {
		q.Set("window", f.Window)
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q.Encode()
}

// chooser is the form of the filter.
type chooser struct {
	Pipelines, Services, Models, Windows []option
}

func (p *Page) chooser(f filter) chooser {
	values := func(label func(series.Labels) string, chosen string) []option {
		return options(p.Series.Values(series.Match{}, label, series.Duration, series.Requests), chosen)
	}
	return chooser{
		Pipelines: values(func(l series.Labels) string { return l.Pipeline }, f.Pipeline),
		Services:  values(func(l series.Labels) string { return l.Service }, f.Service),
		Models:    values(func(l series.Labels) string { return l.Model }, f.Model),
		Windows:   choose(windowNames, f.Window),
	}
}

// options offers values, and the chosen one even where it is not among them any more.
func options(values []string, chosen string) []option {
	if chosen != "" && !slices.Contains(values, chosen) {
		values = append(values, chosen)
	}
	all := make([]option, 0, len(values))
	for _, v := range values {
		all = append(all, option{v, v, v == chosen})
	}
	return all
}

func choose(from []option, chosen string) []option {
	all := slices.Clone(from)
	for i := range all {
		all[i].Chosen = all[i].Value == chosen
	}
	return all
}

// words is a key as words: gpu_queue is "GPU queue".
func words(key string) string {
	text := strings.ReplaceAll(key, "_", " ")
	switch {
	case strings.HasPrefix(text, "gpu "):
		text = "GPU " + text[4:]
	case strings.HasPrefix(text, "revalidation"):
		text = "repair" + text[len("revalidation"):]
	}
	return text
}

// title starts with a capital.
func title(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// share is a part of a whole; a dash where there is no whole.
func share(part, whole float64) string {
	if whole == 0 {
		return "–"
	}
	return format.Percent(part / whole)
}
