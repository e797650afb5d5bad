package page

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/format"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/kept"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/spans"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// perTrainingPage is the number of runs on a page.
const perTrainingPage = 20

type training struct {
	Runs   []*run
	Held   int
	Before *run
}

// run is a training run.
type run struct {
	*kept.Summary
	ID     string
	Clock  string
	Model  string
	Stages []runStage
	Scores []pair
	// Before is the previous run of the same pipeline and model.
	Before string
	// Compare is the URL of the comparison with it.
	Compare string
	scores  map[string]float64
}

// runStage is a stage of a run. Bars are in parts of 1000 of the run.
type runStage struct {
	Name, Label string
	Duration    string
	Spans       int
	Failed      bool
	Bars        []causeBar
	ms          float64
}

// scoreKeys are the attributes of scores by their names in ml.evaluation.score.
var scoreKeys = []struct{ key, name string }{
	{vocab.EvaluationAccuracy, "accuracy"}, {vocab.EvaluationF1, "f1"}, {vocab.EvaluationAUC, "auc"}, {vocab.EvaluationLoss, "loss"},
}

func (p *Page) training(w http.ResponseWriter, _ *http.Request) {
	all := p.Traces.Runs()
	slices.SortStableFunc(all, func(a, b *kept.Summary) int { return int(min(max(b.Start-a.Start, -1), 1)) })
	v := training{Held: len(all)}
	// One more run than is shown, for its scores.
	for _, s := range all[:min(len(all), perTrainingPage+1)] {
		if _, td, ok := p.Traces.Trace(s.ID); ok {
			v.Runs = append(v.Runs, newRun(s, td, p.Now()))
		}
	}
	for i, r := range v.Runs {
		for _, earlier := range v.Runs[i+1:] {
			if earlier.Pipeline == r.Pipeline && earlier.Root == r.Root && (r.Model == "" || earlier.Model == "" || r.Model == earlier.Model) {
				r.beside(earlier)
				break
			}
		}
		if r.Scores == nil {
			r.beside(nil)
		}
	}
	v.Runs = v.Runs[:min(len(v.Runs), perTrainingPage)]
	p.render(w, http.StatusOK, "training", "Training runs", v)
}

// mostBars limits the bars of a stage: more are not distinguishable.
const mostBars = 100

func newRun(s *kept.Summary, td ptrace.Traces, now time.Time) *run {
	r := &run{Summary: s, ID: s.ID.String(), Clock: format.Clock(s.Start, now), Model: strings.Join(s.Models, ", "), scores: map[string]float64{}}
	all := spans.All(td)
	began, ended := s.Start, s.End
	for _, span := range all {
		began, ended = min(began, span.Start()), max(ended, span.End())
	}
	length := float64(max(ended-began, 1))
	stages := map[string]*runStage{}
	for _, span := range all {
		for _, score := range scoreKeys {
			if f, ok := span.Number(score.key); ok {
				r.scores[score.name] = f // spans are in the order of their starts: the newest value remains
			}
		}
		name := span.Text(vocab.Stage)
		if !slices.Contains(vocab.Stages, name) {
			continue
		}
		st := stages[name]
		if st == nil {
			st = &runStage{Name: name}
			stages[name] = st
		}
		st.Spans++
		st.Failed = st.Failed || span.Failed()
		st.ms += float64(span.End()-span.Start()) / 1e6
		if len(st.Bars) < mostBars {
			st.Bars = append(st.Bars, causeBar{X: float64(span.Start()-began) / length * 1000, Width: float64(span.End()-span.Start()) / length * 1000})
		}
	}
	for _, name := range vocab.Stages {
		if st := stages[name]; st != nil {
			st.Duration = format.Ms(st.ms)
			st.Label = words(name) + ": " + st.Duration
			r.Stages = append(r.Stages, *st)
		}
	}
	return r
}

// beside adds the scores of an earlier run to those of this one.
func (r *run) beside(earlier *run) {
	r.Scores = []pair{}
	if earlier != nil {
		r.Before = earlier.Clock
		r.Compare = "/compare?by=run&a=" + earlier.ID + "&b=" + r.ID
	}
	for _, score := range scoreKeys {
		now, has := r.scores[score.name]
		if !has {
			continue
		}
		row := pair{Name: score.name, A: "–", B: format.Score(now), Change: "–"}
		if earlier != nil {
			if before, ok := earlier.scores[score.name]; ok {
				row.A, row.Change = format.Score(before), format.Signed(now-before, format.Score)
			}
		}
		r.Scores = append(r.Scores, row)
	}
}
