package aggregate

import (
	"math"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/exponential"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/whole"
)

// A span of a sampled trace may stand for one and a half. Counts in points are whole, so what is left over has to wait
// for later points: a series whose counts are fractions keeps what it has given out of them so far.

// fractional tells that the cell has a count that is not whole.
func (c *cell) fractional() bool {
	for i := range c.buckets {
		if n := c.buckets[i]; n != math.Floor(n) {
			return true
		}
	}
	return false
}

// startGiving keeps, from the first fraction on, what the series gives out. Until then that was all.
func (s *series) startGiving() {
	s.given = append([]float64(nil), s.counts...)
	if s.exponential != nil {
		s.givenExponential = s.exponential.Clone()
	}
}

// whole are the counts to give out: no bucket has less than before, and in all they are the series' count, rounded.
func (s *series) whole() []float64 {
	if s.given == nil {
		return s.counts
	}
	whole.HandOut(s.counts, s.given)
	return s.given
}

// wholeExponential is whole for exponential buckets.
func (s *series) wholeExponential() *exponential.Histogram {
	if s.given == nil {
		return s.exponential
	}
	s.givenExponential.Follow(s.exponential)
	return s.givenExponential
}

// toCount ends at a number that a Prometheus server, which counts in doubles, and OTLP, which does in integers, both hold.
func toCount(count float64) uint64 { return uint64(min(max(count, 0), 1<<62)) }

// toWhole rounds a counter's total.
func toWhole(total float64) int64 { return int64(min(max(whole.Round(total), -1<<62), 1<<62)) }

// finite keeps sums out of the infinite, which they would never leave.
func finite(sum float64) float64 { return min(max(sum, -math.MaxFloat64), math.MaxFloat64) }
