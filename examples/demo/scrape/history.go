package scrape

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// History is a sequence of scrapes. It is for one goroutine.
type History struct {
	series map[uint64]*series
	engine *promql.Engine
	last   time.Time
}

type series struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// NewHistory returns an empty history.
func NewHistory() *History {
	return &History{
		series: map[uint64]*series{},
		engine: promql.NewEngine(promql.EngineOpts{
			MaxSamples: 50_000_000, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{}),
		}),
	}
}

// Add appends what a scrape at a time, later than those before, has read.
func (h *History) Add(at time.Time, scraped Samples) {
	h.last = at
	for _, s := range scraped {
		hash := s.Labels.Hash()
		of := h.series[hash]
		if of == nil {
			of = &series{labels: s.Labels}
			h.series[hash] = of
		}
		of.samples = append(of.samples, sample{at: at.UnixMilli(), value: s.Value})
	}
}

// Query answers a PromQL expression as of the last scrape.
func (h *History) Query(ctx context.Context, expression string) (promql.Vector, error) {
	query, err := h.engine.NewInstantQuery(ctx, queryable{h}, nil, expression, h.last)
	if err != nil {
		return nil, err
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		return nil, result.Err
	}
	vector, err := result.Vector()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expression, err)
	}
	return append(promql.Vector(nil), vector...), nil // the engine reuses its own once the query is closed
}

// sample is a float at a time in Unix milliseconds.
type sample struct {
	at    int64
	value float64
}

func (s sample) ST() int64                     { return 0 }
func (s sample) T() int64                      { return s.at }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// queryable hands the history to the engine.
type queryable struct{ history *History }

func (q queryable) Querier(int64, int64) (storage.Querier, error) { return q, nil }

func (q queryable) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var selected []storage.Series
	for _, s := range q.history.series {
		if matches(s.labels, matchers) {
			selected = append(selected, storage.NewListSeries(s.labels, s.samples))
		}
	}
	return &seriesSet{series: selected, at: -1}
}

func (queryable) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (queryable) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (queryable) Close() error { return nil }

func matches(of labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(of.Get(m.Name)) {
			return false
		}
	}
	return true
}

type seriesSet struct {
	series []storage.Series
	at     int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.series) }
func (s *seriesSet) At() storage.Series                { return s.series[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
