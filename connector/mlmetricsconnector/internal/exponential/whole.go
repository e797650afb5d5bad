package exponential

import (
	"math"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/whole"
)

// Follow hands out the counts of o, which may be fractions, in whole numbers: g has what was handed out so far and is
// not changed otherwise. No bucket ever has less than before, also where o has become coarser, so a total never falls.
func (g *Histogram) Follow(o *Histogram) {
	g.coarsen(g.Scale - o.Scale)
	size := len(o.Negative.Counts) + len(o.Positive.Counts) + 1
	counts, given := make([]float64, 0, size), make([]float64, 0, size)
	sides := []struct{ of, given *Buckets }{{&o.Negative, &g.Negative}, {&o.Positive, &g.Positive}}
	for _, side := range sides {
		for i, n := range side.of.Counts {
			counts, given = append(counts, n), append(given, side.given.at(side.of.Offset+i))
		}
	}
	counts, given = append(counts, o.Zero), append(given, g.Zero)
	whole.HandOut(counts, given)
	g.Zero = given[size-1]
	for _, side := range sides {
		n := len(side.of.Counts)
		side.given.Offset, side.given.Counts = side.of.Offset, append(side.given.Counts[:0], given[:n]...)
		given = given[n:]
	}
}

// Take takes away what was handed out, and tells whether anything is left. Min and Max begin anew.
func (h *Histogram) Take(g *Histogram) (left bool) {
	h.Min, h.Max = math.Inf(1), math.Inf(-1)
	h.Zero -= g.Zero
	left = h.Zero != 0
	for _, side := range []struct{ have, given *Buckets }{{&h.Positive, &g.Positive}, {&h.Negative, &g.Negative}} {
		for i := range side.have.Counts {
			side.have.Counts[i] -= side.given.at(side.have.Offset + i)
			left = left || side.have.Counts[i] != 0
		}
	}
	return left
}

// Total is the count of all buckets.
func (h *Histogram) Total() float64 {
	total := h.Zero
	for _, b := range []*Buckets{&h.Positive, &h.Negative} {
		for _, count := range b.Counts {
			total += count
		}
	}
	return total
}

// Clone returns a copy.
func (h *Histogram) Clone() *Histogram {
	c := New(h.maxSize)
	c.Merge(h)
	c.coarsen(c.Scale - h.Scale) // also where it is empty
	return c
}

// at is the count of bucket i.
func (b *Buckets) at(i int) float64 {
	if i -= b.Offset; i >= 0 && i < len(b.Counts) {
		return b.Counts[i]
	}
	return 0
}
