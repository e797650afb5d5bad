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

// filter is the selection of the reader: empty fields select everything.
type filter struct{ Pipeline, Service, Model, Window string }

// The windows of time.
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

// param returns a parameter of the URL. A value longer than any stored value is truncated, because the page shows it
// again.
func param(r *http.Request, key string) string { return spans.Clip(r.URL.Query().Get(key), 300) }

func (f filter) match() series.Match {
	return series.Match{Pipeline: f.Pipeline, Service: f.Service, Model: f.Model}
}

// window returns the selected window of time.
func (f filter) window(now time.Time) series.Window {
	switch f.Window {
	case fiveMinutes:
		return series.Window{From: now.Add(-5 * time.Minute), To: now}
	case oneHour:
		return series.Window{From: now.Add(-time.Hour), To: now}
	}
	return series.Window{To: now}
}

// windowName returns the name of the selected window.
func (f filter) windowName() string {
	for _, o := range windowNames {
		if o.Value == f.Window {
			return o.Name
		}
	}
	return ""
}

// has reports whether a trace is selected.
func (f filter) has(s *kept.Summary, w series.Window) bool {
	return (f.Pipeline == "" || s.Pipeline == f.Pipeline) && (f.Service == "" || slices.Contains(s.Services, f.Service)) &&
		(f.Model == "" || slices.Contains(s.Models, f.Model)) && (w.From.IsZero() || s.Arrived > w.From.UnixNano())
}

// query returns the filter as the query part of a URL, with more parameters.
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

// options returns the choices, and the selected one even if it no longer exists.
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

// words converts a key to words: gpu_queue becomes "GPU queue".
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

// title capitalises the first letter.
func title(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// share formats a share; a dash if the total is zero.
func share(part, whole float64) string {
	if whole == 0 {
		return "–"
	}
	return format.Percent(part / whole)
}
