package series

import (
	"math"
	"slices"

	"github.com/lightstep/go-expohisto/structure"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
)

// series is the state of a series: what the flushes have merged. A flush owns
// it, except for metric, key and overflow, which never change, and
// accumulators, which the store's lock guards.
type series struct {
	metric   *family
	key      string
	overflow bool
	// accumulators are those of the shards, nil where a shard has not met the series.
	accumulators []*Accumulator

	// start is when the series began, or with delta points when its interval did.
	start pcommon.Timestamp
	// seen is when a flush last merged something; merged reports whether one has.
	seen   pcommon.Timestamp
	merged bool
	// zeroed: the point at zero was exported, or there is none. unsent: there is more to export.
	zeroed, unsent bool

	total       float64
	counts      []uint64
	exponential *structure.Float64
	exemplars   *reservoir
	// carry is the part of the count below one that no bucket has yet.
	carry  float64
	newest pcommon.Timestamp
}

// family is the state of a metric.
type family struct {
	*compiled.Metric
	// integer: points are integers.
	integer bool
	// explicit and exponential are the forms of a histogram; size is the latter's.
	explicit, exponential bool
	size                  structure.Config
	limit                 int
	expiration            pcommon.Timestamp
	// counts is what the metric reports about itself. The flush lock guards it.
	counts Counts

	// The store's lock guards the rest.

	// series are those within the limit; overflow takes what comes beyond it, nil until then.
	series   []*series
	overflow *series
}

// merge moves what an accumulator holds to its series. clock is the time, which may have been set back since the last merge.
func (s *series) merge(a *Accumulator, clock pcommon.Timestamp) {
	switch s.metric.Kind {
	case metric.Histogram:
		s.mergeHistogram(a)
	case metric.Counter:
		s.total = finite(s.total + a.total)
	case metric.Gauge:
		if a.newest >= s.newest || s.newest > clock {
			s.total, s.newest = a.total, a.newest
		}
		s.zeroed = true
	}
	a.n, a.total = 0, 0
}

func (s *series) mergeHistogram(a *Accumulator) {
	for i := range a.buckets {
		s.counts[i] += a.buckets[i]
	}
	clear(a.buckets)
	s.total = finite(s.total + a.total)
	if a.exponential != nil {
		mergeExponential(s.exponential, a.exponential)
		a.exponential.Clear()
	}
	s.carry += a.carry
	a.carry = 0
	if s.carry >= 1 {
		s.carry--
		bucket, _ := slices.BinarySearch(s.metric.Buckets, a.last)
		s.counts[bucket]++
		if s.exponential != nil {
			s.exponential.Update(a.last)
		}
	}
}

// mergeExponential is to.MergeFrom(from), which would lower the resolution to
// scale 0 where from holds nothing but zeros.
func mergeExponential(to, from *structure.Float64) {
	if from.Count() == from.ZeroCount() {
		to.UpdateByIncr(0, from.Count())
		return
	}
	to.MergeFrom(from)
}

// restart begins the next interval of delta points.
func (s *series) restart(now pcommon.Timestamp) {
	s.start = now
	switch s.metric.Kind {
	case metric.Histogram:
		s.total = 0
		clear(s.counts)
		if s.exponential != nil {
			s.exponential.Clear()
		}
	case metric.Counter:
		if s.metric.integer {
			s.total -= float64(rounded(s.total))
		} else {
			s.total = 0
		}
	}
}

// rounded returns the total of a counter of integers, which is a fraction if adjusted counts are.
func rounded(total float64) int64 { return int64(math.Floor(min(max(total, -1<<62), 1<<62) + 0.5)) }

// finite keeps a sum out of the infinite, which it would never leave.
func finite(sum float64) float64 {
	if math.IsNaN(sum) {
		return 0
	}
	return min(max(sum, -math.MaxFloat64), math.MaxFloat64)
}

func (s *series) idle(now pcommon.Timestamp) bool {
	expiration := s.metric.expiration
	return expiration > 0 && s.merged && !s.unsent && now > s.seen && now-s.seen > expiration
}
