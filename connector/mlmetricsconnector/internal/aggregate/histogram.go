package aggregate

import (
	"go.opentelemetry.io/collector/pdata/pmetric"
)

func (c *cell) observeHistogram(value, weight float64, bucket int) {
	c.buckets[bucket] += weight
	c.total += value * weight
	if c.exponential != nil {
		c.exponential.Add(value, weight)
	}
}

func (s *series) mergeHistogram(c *cell) {
	if s.given == nil && c.fractional() {
		s.startGiving()
	}
	for i := range c.buckets {
		s.counts[i] += c.buckets[i]
		c.buckets[i] = 0
	}
	s.total = finite(s.total + c.total)
	if c.exponential != nil {
		s.exponential.Merge(c.exponential)
		c.exponential.Reset()
	}
}

// writeHistogram fills the series' point of explicit buckets: empty where zero is set.
func (s *series) writeHistogram(dp pmetric.HistogramDataPoint, zero bool) {
	dp.ExplicitBounds().FromRaw(s.metric.plan.Buckets)
	counts := make([]uint64, len(s.counts))
	if zero {
		dp.SetSum(0)
	} else {
		var n uint64
		for i, c := range s.whole() {
			counts[i] = toCount(c)
			n += counts[i]
		}
		dp.SetCount(n)
		dp.SetSum(s.total)
		if s.exemplars != nil {
			s.exemplars.Write(dp.Exemplars())
		}
	}
	dp.BucketCounts().FromRaw(counts)
}

// writeExponential fills the series' point of exponential buckets: empty where zero is set.
func (s *series) writeExponential(dp pmetric.ExponentialHistogramDataPoint, zero, minMax bool) {
	h := s.exponential
	dp.SetScale(int32(h.Scale))
	dp.SetSum(0)
	if zero {
		return
	}
	dp.SetSum(s.total)
	given := s.wholeExponential()
	n := toCount(given.Zero)
	dp.SetZeroCount(n)
	for _, side := range []struct {
		offset int
		counts []float64
		out    pmetric.ExponentialHistogramDataPointBuckets
	}{{given.Positive.Offset, given.Positive.Counts, dp.Positive()}, {given.Negative.Offset, given.Negative.Counts, dp.Negative()}} {
		side.out.SetOffset(int32(side.offset))
		side.out.BucketCounts().EnsureCapacity(len(side.counts))
		for _, c := range side.counts {
			side.out.BucketCounts().Append(toCount(c))
			n += toCount(c)
		}
	}
	dp.SetCount(n)
	if minMax && h.Min <= h.Max {
		dp.SetMin(h.Min)
		dp.SetMax(h.Max)
	}
	if s.exemplars != nil {
		s.exemplars.Write(dp.Exemplars())
	}
}

// restartHistogram begins the next interval of delta points. What is left of fractions goes into it.
func (s *series) restartHistogram() {
	s.total = 0
	if s.given == nil {
		clear(s.counts)
		if s.exponential != nil {
			s.exponential.Reset()
		}
		return
	}
	for i := range s.counts {
		s.counts[i] -= s.given[i]
	}
	clear(s.given)
	if h := s.exponential; h != nil {
		if !h.Take(s.givenExponential) {
			h.Reset()
		}
		s.givenExponential.Reset()
	}
}
