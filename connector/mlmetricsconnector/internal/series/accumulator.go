package series

import (
	"sync"

	"github.com/lightstep/go-expohisto/structure"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
)

// Shard holds what one goroutine at a time observes, in accumulators that no
// other goroutine touches, until a flush takes it. Lock it for a whole batch;
// its methods need the lock.
type Shard struct {
	sync.Mutex
	store *Store
	index int
	// exemplars: the shard takes exemplars, observes nothing and creates no series.
	exemplars bool
	// dirty are the accumulators that hold something.
	dirty        []*Accumulator
	accumulators slab[Accumulator]
	buckets      slab[uint64]
}

// Accumulator is what one shard has observed of one series since the last
// flush. The shard's lock guards it.
type Accumulator struct {
	// n is the number of observations. While it is 0 there is nothing to merge.
	n uint64
	// total is a histogram's sum, a counter's increase or a gauge's value.
	total float64
	// buckets are a histogram's counts, one more than it has bounds.
	buckets []uint64
	// exponential is nil where the histogram has explicit buckets only.
	exponential *structure.Float64
	// retired: the series may have expired, so look it up again.
	retired bool
	// carry is the part of a count below one: a span of a sampled trace may stand
	// for one and a half. last is the value that was observed with it.
	carry, last float64
	// newest is the end of the span that set the gauge's value.
	newest pcommon.Timestamp
	series *series
	// exemplars is nil until there is one.
	exemplars *reservoir
}

// Retired reports whether the series of an accumulator must be looked up again.
func (a *Accumulator) Retired() bool { return a.retired }

// Find returns the shard's accumulator of the series with the key. A series
// that does not exist is created, within the metric's limit; beyond it the
// result is the accumulator of the metric's overflow series. A shard for
// exemplars creates nothing: the result is nil where there is no series.
func (s *Shard) Find(m int, key []byte) *Accumulator {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	series := s.store.find(s.store.metrics[m], key, !s.exemplars)
	if series == nil {
		return nil
	}
	if series.accumulators[s.index] == nil {
		series.accumulators[s.index] = s.newAccumulator(series)
	}
	return series.accumulators[s.index]
}

func (s *Shard) newAccumulator(of *series) *Accumulator {
	a := s.accumulators.one()
	a.series = of
	if of.metric.Kind == metric.Histogram && !s.exemplars {
		a.buckets = s.buckets.take(1 + len(of.metric.Buckets))
		if of.metric.exponential {
			a.exponential = structure.NewFloat64(of.metric.size)
		}
	}
	return a
}

// count counts an observation.
func (s *Shard) count(a *Accumulator) {
	if a.n++; a.n == 1 {
		s.dirty = append(s.dirty, a)
	}
}

// AddToBucket observes a value of a histogram, in the bucket of that position.
// weight is how many spans the span stands for, 1 or more.
func (s *Shard) AddToBucket(a *Accumulator, bucket int, value, weight float64) {
	s.count(a)
	a.total += value * weight
	count := uint64(1)
	if weight != 1 {
		a.carry += weight
		count = uint64(a.carry)
		a.carry -= float64(count)
		a.last = value
	}
	a.buckets[bucket] += count
	if a.exponential != nil {
		a.exponential.UpdateByIncr(value, count)
	}
}

// Add increases a counter.
func (s *Shard) Add(a *Accumulator, value, weight float64) {
	s.count(a)
	a.total += value * weight
}

// Set observes the value of a gauge. The value of the span that ended last counts, whichever arrived last.
func (s *Shard) Set(a *Accumulator, value float64, end pcommon.Timestamp) {
	s.count(a)
	if a.n == 1 || end >= a.newest {
		a.total, a.newest = value, end
	}
}

// Offer makes an exemplar one of the series' next point, where it is slow enough.
func (s *Shard) Offer(a *Accumulator, e *Exemplar) {
	if a.exemplars == nil {
		a.exemplars = &reservoir{}
		s.dirty = append(s.dirty, a)
	}
	a.exemplars.offer(e)
}
