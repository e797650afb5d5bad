package page

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/format"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/kept"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/series"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// perPage is the number of traces on a page.
const perPage = 50

// traceFilter is the selection among the kept traces.
type traceFilter struct {
	filter
	Signal, Cause, Stage, Policy, Sort string
	Longer                             string // ms, as typed
	longer                             float64
	Errors                             bool
	Page                               int
}

var sorts = []option{
	{Value: "newest", Name: "newest first"}, {Value: "longest", Name: "longest first"},
	{Value: "lost", Name: "most time lost first"}, {Value: "share", Name: "largest share first"},
}

type traces struct {
	Filter                                                         traceFilter
	Pipelines, Services, Models, Signals, Causes, Stages, Policies []option
	Windows, Sorts                                                 []option
	Rows                                                           []traceRow
	Found, Held                                                    int
	From, To                                                       int
	Previous, Next                                                 string
	Problem                                                        string
	AnyPolicy                                                      bool
}

type traceRow struct {
	*kept.Summary
	ID     string
	Clock  string
	Why    []string
	Marks  []string
	Notes  []string
	Causes []causeBar
}

func readTraceFilter(r *http.Request) (f traceFilter, problem string) {
	f = traceFilter{
		filter: readFilter(r), Signal: param(r, "signal"), Cause: param(r, "cause"), Stage: param(r, "stage"), Policy: param(r, "policy"),
		Sort: param(r, "sort"), Longer: strings.TrimSpace(param(r, "longer")), Errors: param(r, "errors") != "",
	}
	if param(r, "window") == "" {
		f.Window = sinceStart // everything in memory
	}
	if !slices.ContainsFunc(sorts, func(o option) bool { return o.Value == f.Sort }) {
		f.Sort = sorts[0].Value
	}
	if f.Longer != "" {
		ms, err := strconv.ParseFloat(f.Longer, 64)
		if err != nil || !(ms >= 0) {
			problem = "Longer than: found “" + f.Longer + "”, must be a number of milliseconds such as 800. All durations are shown."
		} else {
			f.longer = ms
		}
	}
	if n, err := strconv.Atoi(param(r, "page")); err == nil && n > 1 {
		f.Page = n - 1
	}
	return f, problem
}

func (f *traceFilter) has(s *kept.Summary, w series.Window) bool {
	return f.filter.has(s, w) &&
		(f.Signal == "" || s.Has(vocab.SignalPrefix+f.Signal)) &&
		(f.Cause == "" || s.Bottleneck == f.Cause) &&
		(f.Stage == "" || s.HasStage(f.Stage)) &&
		(f.Policy == "" || slices.Contains(s.Policies, f.Policy)) &&
		(!f.Errors || s.Errors > 0) &&
		(f.longer == 0 || float64(s.Duration()) > f.longer*1e6)
}

func (f *traceFilter) order(a, b *kept.Summary) int {
	switch f.Sort {
	case "longest":
		return cmp.Compare(b.Duration(), a.Duration())
	case "lost":
		return cmp.Compare(lostIn(b), lostIn(a))
	case "share":
		return cmp.Compare(b.Share, a.Share)
	}
	return cmp.Compare(b.Start, a.Start)
}

func lostIn(s *kept.Summary) (ms float64) {
	for _, lost := range s.Lost {
		ms += lost
	}
	return ms
}

func (p *Page) traces(w http.ResponseWriter, r *http.Request) {
	f, problem := readTraceFilter(r)
	now := p.Now()
	window := f.window(now)
	all := append(p.Traces.Requests(), p.Traces.Runs()...)
	known := newKnown()
	var found []*kept.Summary
	for _, s := range all {
		known.add(s)
		if f.has(s, window) {
			found = append(found, s)
		}
	}
	slices.SortStableFunc(found, f.order)
	f.Page = max(min(f.Page, (len(found)-1)/perPage), 0)
	v := traces{
		Filter: f, Problem: problem, Found: len(found), Held: len(all), AnyPolicy: len(known.policies) > 0,
		Pipelines: options(sorted(known.pipelines), f.Pipeline), Services: options(sorted(known.services), f.Service),
		Models: options(sorted(known.models), f.Model), Policies: options(sorted(known.policies), f.Policy),
		Signals: named(trimmed(vocab.Signals), f.Signal), Causes: named(causes, f.Cause), Stages: named(vocab.Stages, f.Stage),
		Windows: choose(windowNames, f.Window), Sorts: choose(sorts, f.Sort),
		From: min(f.Page*perPage+1, len(found)), To: min((f.Page+1)*perPage, len(found)),
	}
	if f.Page > 0 {
		v.Previous = pageLink(r, f.Page)
	}
	if v.To < v.Found {
		v.Next = pageLink(r, f.Page+2)
	}
	for _, s := range found[f.Page*perPage : v.To] {
		v.Rows = append(v.Rows, p.traceRow(s))
	}
	p.render(w, http.StatusOK, "traces", "Traces", v)
}

func (p *Page) traceRow(s *kept.Summary) traceRow {
	row := traceRow{Summary: s, ID: s.ID.String(), Clock: format.Clock(s.Start, p.Now()), Why: s.Policies, Causes: causeBars(s.Shares)}
	for _, key := range s.Signals() {
		row.Marks = append(row.Marks, words(vocab.SignalName(key)))
	}
	for _, note := range []struct {
		set  bool
		text string
	}{
		{s.NoRoot, "no root"}, {s.Partial && !s.NoRoot, "partial"}, {s.Skewed, "skewed clock"}, {s.Training, "training run"},
	} {
		if note.set {
			row.Notes = append(row.Notes, note.text)
		}
	}
	return row
}

func pageLink(r *http.Request, page int) string {
	q := r.URL.Query()
	q.Set("page", strconv.Itoa(page))
	return "/traces?" + q.Encode()
}

// causes are the causes of mldiagnosis.
var causes = []string{"gpu_queue", "gpu_compute", "gpu_prefill", "gpu_decode", "feature_store", "cold_start", "revalidation", "other"}

// named returns keys as options, in words.
func named(keys []string, chosen string) []option {
	all := options(keys, chosen)
	for i := range all {
		all[i].Name = words(all[i].Value)
	}
	return all
}

func trimmed(keys []string) []string {
	short := make([]string, len(keys))
	for i, key := range keys {
		short[i] = vocab.SignalName(key)
	}
	return short
}

// known returns the values that occur in the stored traces.
type known struct{ pipelines, services, models, policies map[string]bool }

func newKnown() known {
	return known{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
}

func (k *known) add(s *kept.Summary) {
	if s.Pipeline != "" {
		k.pipelines[s.Pipeline] = true
	}
	for _, each := range []struct {
		set    map[string]bool
		values []string
	}{{k.services, s.Services}, {k.models, s.Models}, {k.policies, s.Policies}} {
		for _, v := range each.values {
			each.set[v] = true
		}
	}
}

// mostOptions keeps a list of choices usable, and the page small.
const mostOptions = 500

func sorted(set map[string]bool) []string {
	values := make([]string, 0, len(set))
	for v := range set {
		values = append(values, v)
	}
	slices.Sort(values)
	return values[:min(len(values), mostOptions)]
}

// causeBar is a part of the bar of causes. X and Width are in parts of 1000.
type causeBar struct {
	Cause    string
	X, Width float64
	Share    float64
}

func causeBars(shares []kept.Share) (bars []causeBar) {
	x := 0.0
	for _, s := range shares {
		width := min(max(s.Share, 0)*1000, 1000-x)
		bars = append(bars, causeBar{cause(s.Cause), x, width, s.Share})
		x += width
	}
	return bars
}

// cause returns a known cause, else "other", because it becomes a CSS class.
func cause(name string) string {
	if slices.Contains(causes, name) {
		return name
	}
	return "other"
}

func traceLink(id string, more ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	link := "/traces/" + url.PathEscape(id)
	if len(q) > 0 {
		link += "?" + q.Encode()
	}
	return link
}
