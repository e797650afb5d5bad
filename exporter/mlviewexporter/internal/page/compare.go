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
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// What can be compared.
const (
	byWindow  = "window"
	byVersion = "version"
	byRun     = "run"
)

var comparisons = []option{{Value: byWindow, Name: "two windows of time"}, {Value: byVersion, Name: "two model versions"}, {Value: byRun, Name: "two training runs"}}

// windowsToCompare are identified by the first letter of their name.
var windowsToCompare = []struct {
	option
	from, to time.Duration // before now
}{
	{option{Value: "5m", Name: "last 5 minutes"}, 5 * time.Minute, 0},
	{option{Value: "5m-before", Name: "the 5 minutes before"}, 10 * time.Minute, 5 * time.Minute},
	{option{Value: "1h", Name: "last hour"}, time.Hour, 0},
	{option{Value: "1h-before", Name: "the hour before"}, 2 * time.Hour, time.Hour},
	{option{Value: "start", Name: "since the start"}, 0, 0},
}

type compare struct {
	By      string
	Bys     []option
	Filter  filter
	Chooser chooser
	A, B    []option
	NameA   string
	NameB   string
	Most    string // the largest change, in a sentence
	Missing string // why the comparison is not possible
	Of      string // what shares and signals refer to
	Totals  []pair
	Stages  []stagePair
	Signals []pair
	Scores  []pair
}

// pair is a figure for both sides.
type pair struct {
	Name, A, B, Change string
	weight             float64
}

// stagePair is a stage on both sides.
type stagePair struct {
	Name               string
	A, B, Change       string // mean duration
	P95A, P95B         string
	ShareA, ShareB     string
	BarA, BarB         float64
	weight, difference float64
}

// side is one side of a comparison.
type side struct {
	name    string
	of      float64 // requests, or whatever the figures count
	stages  map[string]*series.Dist
	signals map[string]float64
	errors  float64
	latency *series.Dist
	scores  map[string]float64
}

func (p *Page) compare(w http.ResponseWriter, r *http.Request) {
	f := readFilter(r)
	v := compare{By: param(r, "by"), Filter: f, Chooser: p.chooser(f)}
	if !slices.ContainsFunc(comparisons, func(o option) bool { return o.Value == v.By }) {
		v.By = byWindow
	}
	v.Bys = choose(comparisons, v.By)
	var a, b side
	switch v.By {
	case byVersion:
		a, b = p.compareVersions(&v, f, param(r, "a"), param(r, "b"))
	case byRun:
		a, b = p.compareRuns(&v, param(r, "a"), param(r, "b"))
	default:
		a, b = p.compareWindows(&v, f, param(r, "a"), param(r, "b"))
	}
	if v.Missing == "" {
		v.fill(&a, &b)
	}
	p.render(w, http.StatusOK, "compare", "Compare", v)
}

func (p *Page) compareWindows(v *compare, f filter, a, b string) (one, two side) {
	v.Of = "requests"
	pick := func(chosen, otherwise string) (all []option, s side) {
		at := slices.IndexFunc(windowsToCompare, func(o struct {
			option
			from, to time.Duration
		}) bool {
			return o.Value == chosen
		})
		if at < 0 {
			return nil, side{name: otherwise}
		}
		now := p.Now()
		window := series.Window{From: now.Add(-windowsToCompare[at].from), To: now.Add(-windowsToCompare[at].to)}
		if windowsToCompare[at].from == 0 {
			window.From = time.Time{}
		}
		for _, o := range windowsToCompare {
			o.Chosen = o.Value == chosen
			all = append(all, o.option)
		}
		requests := p.requests(f, window)
		s = p.side(windowsToCompare[at].Name, f.match(), window)
		s.of, s.errors, s.latency = requests.Count, requests.Errors, &requests.latency
		v.Of = requests.Many
		return all, s
	}
	if v.A, one = pick(a, ""); v.A == nil {
		v.A, one = pick("5m-before", "")
	}
	if v.B, two = pick(b, ""); v.B == nil {
		v.B, two = pick("5m", "")
	}
	switch {
	case p.Series.Newest().IsZero():
		v.Missing = "No metrics have come yet."
	case one.of == 0 || two.of == 0:
		v.Missing = "There were no " + v.Of + " in one of the two: choose another window."
	}
	return one, two
}

// side reads the figures of series in a window.
func (p *Page) side(name string, match series.Match, w series.Window) side {
	s := side{name: name, stages: p.Series.By(series.Duration, match, w, func(l series.Labels) string { return l.Stage }), signals: map[string]float64{}}
	for signal, d := range p.Series.By(series.Signals, match, w, func(l series.Labels) string { return l.Detail }) {
		s.signals[signal] = d.Sum
	}
	return s
}

func (p *Page) compareVersions(v *compare, f filter, a, b string) (one, two side) {
	v.Of = "inferences"
	// Only versions that serve requests or were evaluated: requests cannot be compared by the version of a training
	// run.
	match := f.match()
	match.Stage = vocab.StageInference
	version := func(l series.Labels) string { return l.Version }
	known := map[string]bool{}
	for _, v := range append(p.Series.Values(match, version, series.Duration), p.Series.Values(f.match(), version, series.Score)...) {
		known[v] = true
	}
	versions := sorted(known)
	if len(versions) < 2 && (a == "" || b == "") {
		v.Missing = "There are not two versions: the spans of inferences name " + format.Count(float64(len(versions)), "version", "versions") + " in ml.model.version."
	}
	if b == "" && len(versions) > 0 {
		b = versions[len(versions)-1]
	}
	if a == "" && len(versions) > 1 {
		a = versions[len(versions)-2]
	}
	v.A, v.B = options(versions, a), options(versions, b)
	window := f.window(p.Now())
	read := func(version string) side {
		match := f.match()
		match.Version = version
		s := p.side(version, match, window)
		s.scores = p.scores(match)
		if d := s.stages[vocab.StageInference]; d != nil {
			s.of, s.latency = d.Count, d
		}
		match.Detail = series.Is("ERROR")
		s.errors = p.Series.Sum(series.StageCalls, match, window).Sum
		return s
	}
	one, two = read(a), read(b)
	if v.Missing == "" && len(one.stages) == 0 && len(two.stages) == 0 && len(one.scores) == 0 && len(two.scores) == 0 {
		v.Missing = "No span in this time names one of the two versions: choose another time."
	}
	return one, two
}

// scores returns the newest score of each kind.
func (p *Page) scores(match series.Match) map[string]float64 {
	newest := map[string]series.Gauge{}
	for l, g := range p.Series.Gauges(series.Score, match) {
		if g.At >= newest[l.Detail].At {
			newest[l.Detail] = g
		}
	}
	scores := map[string]float64{}
	for name, g := range newest {
		scores[name] = g.Value
	}
	return scores
}

func (p *Page) compareRuns(v *compare, a, b string) (one, two side) {
	v.Of = "runs"
	runs := p.Traces.Runs()
	if len(runs) < 2 {
		v.Missing = "There are not two training runs in memory."
	}
	var ids []option
	for _, s := range runs[:min(len(runs), mostOptions)] {
		ids = append(ids, option{Value: s.ID.String(), Name: runName(s, p.Now())})
	}
	if a == "" && len(ids) > 1 {
		a = ids[1].Value
	}
	if b == "" && len(ids) > 0 {
		b = ids[0].Value
	}
	v.A, v.B = choose(ids, a), choose(ids, b)
	read := func(id string) side {
		traceID, ok := traceID(id)
		if !ok {
			return side{}
		}
		summary, td, ok := p.Traces.Trace(traceID)
		if !ok {
			v.Missing = "One of the two runs has left memory: choose another one."
			return side{}
		}
		run := newRun(summary, td, p.Now())
		s := side{name: "run of " + run.Clock, of: 1, stages: map[string]*series.Dist{}, signals: map[string]float64{}, scores: run.scores, errors: float64(summary.Errors)}
		for _, st := range run.Stages {
			s.stages[st.Name] = &series.Dist{Count: float64(st.Spans), Sum: st.ms}
		}
		for _, key := range summary.Signals() {
			s.signals[vocab.SignalName(key)]++
		}
		s.latency = &series.Dist{Count: 1, Sum: float64(summary.Duration()) / 1e6}
		return s
	}
	return read(a), read(b)
}

func runName(s *kept.Summary, now time.Time) string {
	return s.Root + ", " + format.Clock(s.Start, now)
}

// fill pairs the figures, the largest changes first.
func (v *compare) fill(a, b *side) {
	v.NameA, v.NameB = a.name, b.name
	v.stages(a, b)
	keys := map[string]bool{}
	for _, m := range []map[string]float64{a.signals, b.signals} {
		for signal := range m {
			keys[signal] = true
		}
	}
	for _, signal := range sorted(keys) {
		x, y := ratio(a.signals[signal], a.of), ratio(b.signals[signal], b.of)
		v.Signals = append(v.Signals, pair{words(signal), format.Percent(x), format.Percent(y), points(y - x), math.Abs(y - x)})
	}
	slices.SortStableFunc(v.Signals, func(x, y pair) int { return cmp.Compare(y.weight, x.weight) })
	clear(keys)
	for _, m := range []map[string]float64{a.scores, b.scores} {
		for name := range m {
			keys[name] = true
		}
	}
	for _, name := range sorted(keys) {
		x, hasX := a.scores[name]
		y, hasY := b.scores[name]
		row := pair{Name: name, A: "–", B: "–", Change: "–"}
		if hasX {
			row.A = format.Score(x)
		}
		if hasY {
			row.B = format.Score(y)
		}
		if hasX && hasY {
			row.Change = format.Signed(y-x, format.Score)
		}
		v.Scores = append(v.Scores, row)
	}
	v.Totals = []pair{{Name: v.Of, A: format.Round(a.of), B: format.Round(b.of)}}
	duration := "mean duration"
	if v.By == byRun {
		duration = "duration"
	}
	if a.latency != nil && b.latency != nil {
		v.Totals = append(v.Totals, pair{Name: duration, A: format.Ms(a.latency.Mean()), B: format.Ms(b.latency.Mean()), Change: change(a.latency.Mean(), b.latency.Mean())})
		if pa := quantileOf(a.latency, 0.95); pa != "–" {
			x, _ := a.latency.Quantile(0.95)
			y, _ := b.latency.Quantile(0.95)
			v.Totals = append(v.Totals, pair{Name: "p95", A: pa, B: quantileOf(b.latency, 0.95), Change: change(x, y)})
		}
	}
	v.Totals = append(v.Totals, pair{Name: "errors", A: format.Percent(ratio(a.errors, a.of)), B: format.Percent(ratio(b.errors, b.of)), Change: points(ratio(b.errors, b.of) - ratio(a.errors, a.of))})
	if v.By == byRun {
		v.Totals[len(v.Totals)-1] = pair{Name: "failed spans", A: format.Round(a.errors), B: format.Round(b.errors), Change: format.Signed(b.errors-a.errors, format.Round)}
		v.Totals = v.Totals[1:]
	}
}

func (v *compare) stages(a, b *side) {
	total := func(s *side) (ms float64) {
		for name, d := range s.stages {
			if name != "" && name != vocab.StageRequest {
				ms += d.Sum
			}
		}
		return ms
	}
	totalA, totalB := total(a), total(b)
	for _, name := range vocab.Stages {
		x, y := a.stages[name], b.stages[name]
		if x == nil && y == nil {
			continue
		}
		if x == nil {
			x = &series.Dist{}
		}
		if y == nil {
			y = &series.Dist{}
		}
		row := stagePair{
			Name: words(name), A: format.Ms(x.Mean()), B: format.Ms(y.Mean()), Change: change(x.Mean(), y.Mean()),
			P95A: quantileOf(x, 0.95), P95B: quantileOf(y, 0.95), ShareA: "–", ShareB: "–",
		}
		if name != vocab.StageRequest {
			row.BarA, row.BarB = ratio(x.Sum, totalA)*1000, ratio(y.Sum, totalB)*1000
			row.ShareA, row.ShareB = share(x.Sum, totalA), share(y.Sum, totalB)
		}
		// The weight is what a stage adds to each request, so that a rare stage does not precede one that users
		// notice.
		if eachA, eachB := ratio(x.Sum, a.of), ratio(y.Sum, b.of); !same(eachA, eachB) {
			row.difference = eachB - eachA
		}
		row.weight = math.Abs(row.difference)
		if name == vocab.StageRequest {
			row.weight = -1 // the sum of the others comes last
		}
		v.Stages = append(v.Stages, row)
	}
	slices.SortStableFunc(v.Stages, func(x, y stagePair) int { return cmp.Compare(y.weight, x.weight) })
	if len(v.Stages) > 0 && v.Stages[0].weight > 0 {
		s := v.Stages[0]
		more := "more"
		if s.difference < 0 {
			more = "less"
		}
		of := "on average for each of the " + v.Of
		if v.By == byRun {
			of = "in the run"
		}
		v.Most = s.Name + ": " + format.Ms(math.Abs(s.difference)) + " " + more + " " + of
	}
}

func ratio(part, whole float64) float64 {
	if whole == 0 || math.IsNaN(part) || math.IsNaN(whole) {
		return 0
	}
	return part / whole
}

// change returns the change of a duration.
func change(a, b float64) string {
	if math.IsNaN(a) || math.IsNaN(b) {
		return "–"
	}
	if same(a, b) {
		return "±0"
	}
	text := format.Signed(b-a, format.Ms)
	if a > 0 {
		text += " (" + format.Signed((b-a)/a, format.Percent) + ")"
	}
	return text
}

// same reports whether two sums differ only because of the order of additions.
func same(a, b float64) bool { return math.Abs(b-a) <= 1e-9*math.Max(math.Abs(a), math.Abs(b)) }

// points returns the change of shares in percentage points.
func points(change float64) string {
	return format.Signed(change*100, format.Round) + " points"
}
