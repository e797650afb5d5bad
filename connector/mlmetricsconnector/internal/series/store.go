// Package series keeps the series of metrics. It creates them up to a limit,
// adds up what the shards observed, exports all of them at each flush, and
// drops those that are idle.
//
// An observer locks a Shard, calls Find for the accumulator of a series and
// adds to it; it may keep the accumulator until Retired. Flush may be called
// at any time: it locks shard after shard, moves what they hold to the series,
// and writes the series out without holding a lock that an observer needs.
// The order of locks is: flush, shard, store.
package series

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/lightstep/go-expohisto/structure"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
)

// Options are the settings of a store.
type Options struct {
	// Scope is the name of the instrumentation scope of the metrics.
	Scope string
	// SeriesLimit is the largest number of series of a metric, besides its overflow series. 0: no limit.
	SeriesLimit int
	// Expiration is how long a series may be idle. 0: for ever.
	Expiration time.Duration
	// Delta exports what was counted since the last flush, not since the start.
	Delta bool
	// Histograms is the form of the histograms that have none of their own. Empty: Explicit.
	Histograms metric.Form
	// MaxSize is the largest number of exponential buckets for either sign; MinMax adds the extremes to them.
	MaxSize int
	MinMax  bool
	// ExponentialSuffix is appended to the name of the exponential histogram where there is an explicit one too.
	ExponentialSuffix string
	// InstanceLabel and Instance are a label on every point. No label where InstanceLabel is empty.
	InstanceLabel, Instance string
	// Now returns the time.
	Now func() time.Time
}

// MinMaxSize is the smallest MaxSize: with it the whole range of a double fits
// at scale -4, the coarsest that Prometheus can represent.
const MinMaxSize = 2*1024>>4 + 8

// maxShards bounds what many cores cost: each shard has accumulators of its own.
const maxShards = 32

// Store is safe for concurrent use.
type Store struct {
	options Options
	metrics []*family
	// shards are those that observe, and last the one for exemplars.
	shards []*Shard

	flushing sync.Mutex
	flushed  pcommon.Timestamp

	// mu guards byKey, the lists of the families and the slabs.
	mu     sync.Mutex
	byKey  map[string]*series
	series slab[series]
	lists  slab[*Accumulator]
	counts slab[uint64]
}

// New returns a store for the metrics of a plan.
func New(metrics []*compiled.Metric, options Options) *Store {
	s := &Store{options: options, byKey: make(map[string]*series)}
	for _, m := range metrics {
		form := cmp.Or(m.Form, options.Histograms, metric.Explicit)
		s.metrics = append(s.metrics, &family{
			Metric: m, integer: m.Whole(),
			explicit:    form != metric.Exponential,
			exponential: form != metric.Explicit,
			size:        structure.NewConfig(structure.WithMaxSize(int32(options.MaxSize))),
			limit:       cmp.Or(*cmp.Or(m.SeriesLimit, &options.SeriesLimit), math.MaxInt),
			expiration:  pcommon.Timestamp(*cmp.Or(m.Expiration, &options.Expiration)),
		})
	}
	n := min(max(runtime.GOMAXPROCS(0), 2), maxShards)
	for i := range n + 1 {
		s.shards = append(s.shards, &Shard{store: s, index: i, exemplars: i == n})
	}
	return s
}

// Limit returns the largest number of series that a metric may have.
func (s *Store) Limit() (most int) {
	for _, m := range s.metrics {
		most = max(most, m.limit)
	}
	return most
}

// Shards returns the shards for observers, at least two and about one for each core.
func (s *Store) Shards() []*Shard { return s.shards[:len(s.shards)-1] }

// Exemplars returns the shard that takes exemplars.
func (s *Store) Exemplars() *Shard { return s.shards[len(s.shards)-1] }

func (s *Store) now() pcommon.Timestamp { return pcommon.NewTimestampFromTime(s.options.Now()) }

// find returns the series with a key, or the metric's overflow series where
// that is missing and the metric is full. A series that does not exist is
// created where create is true; otherwise the result is nil.
func (s *Store) find(m *family, key []byte, create bool) *series {
	found := s.byKey[string(key)]
	switch {
	case found != nil:
		return found
	case len(m.series) >= m.limit:
		if m.overflow == nil && create {
			m.overflow = s.newSeries(m)
			m.overflow.overflow = true
		}
		return m.overflow
	case !create:
		return nil
	}
	found = s.newSeries(m)
	found.key = string(key)
	s.byKey[found.key] = found
	m.series = append(m.series, found)
	return found
}

func (s *Store) newSeries(m *family) *series {
	now := s.now()
	n := s.series.one()
	*n = series{metric: m, accumulators: s.lists.take(len(s.shards)), start: now, seen: now}
	if m.Kind == metric.Histogram {
		n.counts = s.counts.take(len(m.Buckets) + 1)
		if m.exponential {
			n.exponential = structure.NewFloat64(m.size)
		}
	}
	return n
}

// expire drops the series that have been idle for longer than their metric's
// expiration. What they counted has been exported. It needs the flush lock.
func (s *Store) expire(now pcommon.Timestamp) {
	idle := func(of *series) bool { return of.idle(now) }
	if !slices.ContainsFunc(s.metrics, func(m *family) bool {
		all, _ := s.seriesOf(m)
		return slices.ContainsFunc(all, idle)
	}) {
		return
	}
	// A shard may be observing an idle series right now, so all of them wait:
	// the time is that of a pass over the series that are idle.
	for _, shard := range s.shards {
		shard.Lock()
		defer shard.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.metrics {
		before := len(m.series)
		m.series = slices.DeleteFunc(m.series, func(of *series) bool {
			if !of.idle(now) || slices.ContainsFunc(of.accumulators, func(a *Accumulator) bool { return a != nil && a.n > 0 }) {
				return false
			}
			delete(s.byKey, of.key)
			of.retire()
			*of = series{metric: m} // its slab may live on
			return true
		})
		if n := before - len(m.series); n > 0 {
			m.counts.Expired += uint64(n)
			// There may be room now for series that went to the overflow.
			if m.overflow != nil {
				m.overflow.retire()
			}
		}
	}
}

// retire has the shards look the series up again. What its accumulators hold is not lost.
func (s *series) retire() {
	for i, a := range s.accumulators {
		if a != nil {
			a.retired = true
			s.accumulators[i] = nil
		}
	}
}

// seriesOf returns the series that a metric has now. Shards may add others meanwhile.
func (s *Store) seriesOf(m *family) (all []*series, overflow *series) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return m.series, m.overflow
}
