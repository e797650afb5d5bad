package page

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/format"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/kept"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/series"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/spans"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// wellBelow is the share of requests below which a bottleneck, or errors, are shown as healthy.
const wellBelow = 0.01

type overview struct {
	Filter     filter
	Chooser    chooser
	Window     string
	Nothing    bool // no metrics have arrived
	Requests   requests
	Rows       []bottleneck
	Stages     []stage
	Threshold  string
	TracesLink string
	NoRoom     int // series dropped for lack of memory
}

// requests are the figures at the top.
type requests struct {
	One, Many string // what is counted
	Why       string // why other things than requests are counted
	Count     float64
	PerMinute float64
	Errors    float64
	ErrorWell bool
	P50       string
	P95       string
	P99       string
	Plot      plot
	latency   series.Dist
}

func quantileOf(d *series.Dist, q float64) string {
	v, capped := d.Quantile(q)
	text := format.Ms(v)
	if capped {
		text = "over " + text
	}
	return text
}

// bottleneck is a row of the table.
type bottleneck struct {
	Title, Cause, Signal string
	Count                float64
	Share                float64
	Verdict              verdict
	LostPerMinute        float64
	LostEach             float64
	Estimated            bool
	Missing              string // why there is no figure
	Plot                 plot
	Worst                *kept.Summary
	WorstMs              float64
	Link                 string
}

type verdict struct{ Class, Text string }

func verdictOf(count, share float64) verdict {
	switch {
	case count == 0:
		return verdict{"well", "well: none"}
	case share < wellBelow:
		return verdict{"well", "well"}
	}
	return verdict{"look", "look here"}
}

func (p *Page) overview(w http.ResponseWriter, r *http.Request) {
	f := readFilter(r)
	now := p.Now()
	v := overview{
		Filter: f, Chooser: p.chooser(f), Window: f.windowName(), Nothing: p.Series.Newest().IsZero(),
		Threshold: format.Percent(wellBelow), TracesLink: "/traces?" + f.query(), NoRoom: p.Series.NoRoom(),
	}
	if !v.Nothing {
		window := f.window(now)
		v.Requests = p.requests(f, window)
		v.Rows = p.bottlenecks(f, window, &v.Requests)
		v.Stages = p.stages(f.match(), window)
	}
	p.render(w, http.StatusOK, "overview", "Overview", v)
}

// requests counts requests, or spans if the selected service has no requests, or inferences if no service has
// requests.
func (p *Page) requests(f filter, w series.Window) requests {
	match := f.match()
	inferences := match
	inferences.Stage = vocab.StageInference
	r := requests{One: "request", Many: "requests"}
	switch {
	case p.has(series.Requests, match):
		failed := match
		failed.Detail = series.Is("false")
		r.Count, r.Errors = p.Series.Sum(series.Requests, match, w).Sum, p.Series.Sum(series.Requests, failed, w).Sum
		failed.Stage, failed.Detail = vocab.StageRequest, series.Is("ERROR")
		r.Errors = max(r.Errors, p.Series.Sum(series.StageCalls, failed, w).Sum)
		r.latency = p.Series.Sum(series.Latency, match, w)
		r.Plot = p.countPlot(series.Requests, match, w)
	case f.Service != "":
		r.One, r.Many, r.Why = "span", "spans", "This service does not receive the requests themselves, so its spans are counted."
		p.count(&r, match, w)
	case p.has(series.Duration, inferences):
		r.One, r.Many, r.Why = "inference", "inferences", "No span of stage request shows the requests of this choice, so inferences are counted."
		p.count(&r, inferences, w)
	}
	r.PerMinute = r.Count / p.minutes(w)
	r.ErrorWell = r.Errors < wellBelow*r.Count || r.Errors == 0
	r.P50, r.P95, r.P99 = quantileOf(&r.latency, 0.5), quantileOf(&r.latency, 0.95), quantileOf(&r.latency, 0.99)
	return r
}

// count fills the figures from spans.
func (p *Page) count(r *requests, match series.Match, w series.Window) {
	r.latency = p.Series.Sum(series.Duration, match, w)
	r.Count = r.latency.Count
	r.Plot = p.countPlot(series.Duration, match, w)
	match.Detail = series.Is("ERROR")
	r.Errors = p.Series.Sum(series.StageCalls, match, w).Sum
}

// has reports whether a metric has matching series.
func (p *Page) has(metric string, match series.Match) bool {
	return len(p.Series.Values(match, func(series.Labels) string { return "any" }, metric)) > 0
}

func (p *Page) minutes(w series.Window) float64 {
	return max(p.Series.Length(w).Minutes(), 0.25)
}

// lost returns the time in ms lost to each bottleneck over all requests: every wait for the GPU and every database
// lookup, not only those with a signal.
func (p *Page) lost(i int, match series.Match, w series.Window) (ms float64, estimated bool) {
	switch spans.Bottlenecks[i].Signal {
	case vocab.SignalFeatureCascade:
		return p.Series.Sum(series.DBLookup, match, w).Sum, false
	case vocab.SignalQueueBound:
		return p.Series.Sum(series.QueueWait, match, w).Sum, false
	case vocab.SignalColdStart:
		return p.Series.Sum(series.ColdStartDuration, match, w).Sum, false
	}
	// The time of a repair is not measured. All validations are assumed to take equally long.
	post := match
	post.Stage = vocab.StagePostProcessing
	durations := p.Series.Sum(series.Duration, post, w)
	attempts := p.Series.Sum(series.ValidationAttempts, match, w)
	extra := attempts.Sum - attempts.Count
	validations := attempts.Sum + max(durations.Count-attempts.Count, 0)
	if validations <= 0 || extra <= 0 {
		return 0, true
	}
	return durations.Sum * extra / validations, true
}

func (p *Page) bottlenecks(f filter, w series.Window, of *requests) []bottleneck {
	rows := make([]bottleneck, len(spans.Bottlenecks))
	for i, b := range spans.Bottlenecks {
		signal := vocab.SignalName(b.Signal)
		match := f.match()
		match.Detail = series.Is(signal)
		row := bottleneck{Title: b.Title, Cause: b.Cause, Signal: signal, Link: "/traces?" + f.query("signal", signal)}
		row.Count = p.Series.Sum(series.Signals, match, w).Sum
		if of.Count > 0 {
			row.Share = min(row.Count/of.Count, 1)
		}
		row.Verdict = verdictOf(row.Count, row.Share)
		lost, estimated := p.lost(i, f.match(), w)
		row.LostPerMinute, row.Estimated = lost/p.minutes(w), estimated
		if of.Count > 0 {
			row.LostEach = lost / of.Count
		}
		row.Plot = p.countPlot(series.Signals, match, w)
		if f.Model != "" && row.Count == 0 && !p.named(i, f) {
			row.Missing = "its spans do not name a model"
			row.Verdict = verdict{"", "not known"}
		}
		rows[i] = row
	}
	for _, s := range p.Traces.Requests() {
		if !f.has(s, w) {
			continue
		}
		for i := range rows {
			if s.Lost[i] > rows[i].WorstMs {
				rows[i].Worst, rows[i].WorstMs = s, s.Lost[i]
			}
		}
	}
	return rows
}

// named reports whether spans of a bottleneck's stage have the selected model.
func (p *Page) named(i int, f filter) bool {
	metric := map[string]string{
		vocab.SignalFeatureCascade: series.DBLookup, vocab.SignalQueueBound: series.QueueWait,
		vocab.SignalRevalidated: series.ValidationAttempts, vocab.SignalColdStart: series.ColdStarts,
	}[spans.Bottlenecks[i].Signal]
	return p.has(metric, f.match())
}

// stage is a row of the table of stages.
type stage struct {
	Name          string
	Calls, Errors float64
	P50, P95      string
	Mean          float64
	Share         float64 // of the time of all stages except the request
	Bar           float64
}

func (p *Page) stages(match series.Match, w series.Window) []stage {
	byStage := func(l series.Labels) string { return l.Stage }
	durations := p.Series.By(series.Duration, match, w, byStage)
	failed := match
	failed.Detail = series.Is("ERROR")
	errors := p.Series.By(series.StageCalls, failed, w, byStage)
	var total float64
	for name, d := range durations {
		if name != vocab.StageRequest && name != "" {
			total += d.Sum
		}
	}
	var all []stage
	for name, d := range durations {
		if name == "" {
			continue
		}
		s := stage{Name: name, Calls: d.Count, P50: quantileOf(d, 0.5), P95: quantileOf(d, 0.95), Mean: d.Mean()}
		if e := errors[name]; e != nil {
			s.Errors = e.Sum
		}
		if name != vocab.StageRequest && total > 0 {
			s.Share = d.Sum / total
		}
		s.Bar = s.Share * 1000
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b stage) int {
		return cmp.Compare(slices.Index(vocab.Stages, a.Name), slices.Index(vocab.Stages, b.Name))
	})
	return all
}

// plot is a row of bars over time.
type plot struct {
	Bars          []plotBar
	Label         string
	Width, Height float64
}

type plotBar struct{ X, Y, Width, Height float64 }

const plotWidth, plotHeight = 180, 36

func (p *Page) countPlot(metric string, match series.Match, w series.Window) plot {
	points, step := p.Series.Plot(metric, match, w)
	out := plot{Width: plotWidth, Height: plotHeight}
	most, at, last := 0.0, time.Time{}, 0.0
	for _, pt := range points {
		if pt.Count > most {
			most, at = pt.Count, pt.At
		}
		last = pt.Count
	}
	if most == 0 {
		out.Label = "none in this time"
		return out
	}
	width := plotWidth / float64(len(points))
	for i, pt := range points {
		if pt.Count <= 0 {
			continue
		}
		height := math.Max(pt.Count/most*plotHeight, 1)
		out.Bars = append(out.Bars, plotBar{float64(i) * width, plotHeight - height, math.Max(width*0.85, 1), height})
	}
	out.Label = "at most " + format.Round(most) + " in " + format.Ns(int64(step)) + ", at " + at.UTC().Format("15:04:05") +
		" UTC; " + format.Round(last) + " in the newest"
	return out
}
