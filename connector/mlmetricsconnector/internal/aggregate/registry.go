package aggregate

import (
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/distinct"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/exemplar"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/exponential"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"
)

// metric is the state of a metric.
type metric struct {
	plan *plan.Metric
	// whole tells that points are integers.
	whole bool
	// explicit and exponential are the forms of a histogram; maxSize is the latter's number of buckets.
	explicit, exponential bool
	maxSize               int
	limit                 int
	expiration            pcommon.Timestamp

	// The registry's lock guards the rest.

	// series are those within the limit; overflow takes what comes beyond it, nil until then.
	series   []*series
	overflow *series
	// sketches estimate the values of each label; estimates are those of the period before.
	sketches  []distinct.Sketch
	estimates []uint64
}

// series is the state of a series: what the flushes have merged. A flush owns
// it, except for metric, labels and overflow, which never change, and cells
// and next, which the registry's lock guards.
type series struct {
	metric   *metric
	hash     uint64
	labels   []string
	overflow bool
	cells    []*cell // by stripe
	next     *series // of the same hash

	// start is when the series began, or with delta points when its interval did.
	start pcommon.Timestamp
	// seen is when a flush last merged something; merged tells that one has.
	seen   pcommon.Timestamp
	merged bool
	// zeroed tells that the point at zero was exported, or that there is none; unsent that there is more to export.
	zeroed, unsent bool
	dead           bool

	total       float64
	counts      []float64
	exponential *exponential.Histogram
	// given and givenExponential are what was given out of counts that are fractions, nil before there are any.
	given            []float64
	givenExponential *exponential.Histogram
	exemplars        *exemplar.Reservoir
	newest           uint64
}

func (s *series) is(m *metric, labels []string) bool {
	return s.metric == m && equal(s.labels, labels)
}

// registry knows the series of all stripes, so that limits hold over all of them.
type registry struct {
	mu      sync.Mutex
	metrics []*metric
	byHash  map[uint64]*series
	stripes int
	now     func() pcommon.Timestamp
	// texts has the label values of all series.
	texts texts

	seriesChunk chunk[series]
	labelChunk  chunk[string]
	cellsChunk  chunk[*cell]
	countChunk  chunk[float64]

	// reservoirs has a lock of its own.
	reservoirs reservoirs
}

// cell returns a stripe's cell of the series with these labels, a new one
// where the stripe had none. Where the metric is at its limit and does not
// know the labels, it is the cell of the overflow series. For exemplars no
// series is created: the result is nil where there is none.
func (r *registry) cell(m *metric, hash uint64, labels []string, stripe *stripe) *cell {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.byHash[hash]
	for s != nil && !s.is(m, labels) {
		s = s.next
	}
	switch {
	case s != nil:
	case stripe.exemplify:
		if s = m.overflow; s == nil || !m.full() {
			return nil
		}
	default:
		m.sketch(labels)
		if m.full() {
			s = r.overflow(m)
		} else {
			s = r.create(m, hash, labels)
		}
	}
	if s.cells[stripe.index] == nil {
		s.cells[stripe.index] = stripe.newCell(s)
	}
	return s.cells[stripe.index]
}

func (r *registry) create(m *metric, hash uint64, labels []string) *series {
	s := r.newSeries(m)
	s.labels = r.labelChunk.take(len(labels))
	for i, l := range labels {
		s.labels[i] = r.texts.own(l)
	}
	s.hash, s.next = hash, r.byHash[hash]
	r.byHash[hash] = s
	m.series = append(m.series, s)
	return s
}

func (r *registry) newSeries(m *metric) *series {
	now := r.now()
	s := r.seriesChunk.one()
	*s = series{metric: m, cells: r.cellsChunk.take(r.stripes), start: now, seen: now}
	if m.plan.Kind == definition.Histogram {
		s.counts = r.countChunk.take(len(m.plan.Buckets) + 1)
		if m.exponential {
			s.exponential = exponential.New(m.maxSize)
		}
	}
	return s
}

// remove forgets dead series.
func (r *registry) remove() {
	for hash, s := range r.byHash {
		var kept *series
		for s != nil {
			next := s.next
			if s.dead {
				*s = series{metric: s.metric, dead: true} // its chunk may live on
			} else {
				s.next, kept = kept, s
			}
			s = next
		}
		if kept == nil {
			delete(r.byHash, hash)
		} else {
			r.byHash[hash] = kept
		}
	}
	if r.texts.full() {
		r.texts.retain(r.metrics)
	}
}
