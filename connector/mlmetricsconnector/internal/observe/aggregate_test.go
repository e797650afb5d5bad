package observe

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/series"
)

// aggregate is observers and the store of their series, as the connector has them.
type aggregate struct {
	*Observers
	store *series.Store
}

// settings are those of both.
type settings struct {
	SeriesLimit       int
	Expiration        time.Duration
	Delta             bool
	Histograms        metric.Form
	MaxSize           int
	MinMax            bool
	ExponentialSuffix string
	AdjustedCounts    bool
	LabelLength       int
	Now               func() time.Time
}

func newAggregate(p *compiled.Plan, s settings) *aggregate {
	if s.Now == nil {
		s.Now = time.Now
	}
	store := series.New(p.Metrics, series.Options{
		SeriesLimit: s.SeriesLimit, Expiration: s.Expiration, Delta: s.Delta, Histograms: s.Histograms, MaxSize: s.MaxSize,
		MinMax: s.MinMax, ExponentialSuffix: s.ExponentialSuffix, Now: s.Now,
	})
	return &aggregate{New(p, store, Options{AdjustedCounts: s.AdjustedCounts, LabelLength: s.LabelLength, Now: s.Now}), store}
}

// Flush does what the connector does at each interval.
func (a *aggregate) Flush(send func(pmetric.Metrics) error) (held bool, err error) {
	a.Age()
	return a.store.Flush(send)
}

// allCounts are the counts of the observers and, by metric, of the series.
type allCounts struct {
	Counts
	metrics []series.Counts
}

func (a *aggregate) takeCounts() (all allCounts) {
	all.Counts = a.TakeCounts()
	a.store.TakeCounts(func(_ int, c series.Counts) { all.metrics = append(all.metrics, c) })
	return all
}

func compile(metrics []metric.Definition) *compiled.Plan {
	p, err := compiled.Compile(metrics)
	if err != nil {
		panic(err)
	}
	return p
}
