// Package exponential is a histogram whose buckets grow by a constant factor,
// as in OpenTelemetry's exponential and Prometheus' native histograms: at
// scale s, bucket i holds the values in (b^i, b^(i+1)] with b = 2^(2^-s).
// It starts at the finest scale and halves the resolution whenever the values
// span more buckets than allowed.
package exponential

import "math"

const (
	// MaxScale is the finest scale, as in the SDKs.
	MaxScale = 20
	// MinScale is the coarsest scale that Prometheus can represent.
	MinScale = -4
	// MinSize lets the whole range of a double fit at MinScale.
	MinSize = 2*1024>>(-MinScale) + 8
)

// Histogram counts values by weight. Counts are floats because one span of a
// sampled trace stands for several.
type Histogram struct {
	Scale              int
	Zero               float64
	Positive, Negative Buckets
	// Min and Max are of all values since the last Reset; Min > Max where there was none.
	Min, Max float64
	maxSize  int
}

// Buckets are the counts from bucket Offset on.
type Buckets struct {
	Offset int
	Counts []float64
}

// New returns an empty histogram of at most maxSize buckets for either sign.
func New(maxSize int) *Histogram {
	h := &Histogram{maxSize: maxSize}
	h.Reset()
	return h
}

// Reset empties the histogram. It keeps the memory.
func (h *Histogram) Reset() {
	h.Scale, h.Zero, h.Min, h.Max = MaxScale, 0, math.Inf(1), math.Inf(-1)
	h.Positive = Buckets{Counts: h.Positive.Counts[:0]}
	h.Negative = Buckets{Counts: h.Negative.Counts[:0]}
}

// Add counts a finite value.
func (h *Histogram) Add(v, weight float64) {
	h.Min, h.Max = min(h.Min, v), max(h.Max, v)
	switch {
	case v == 0:
		h.Zero += weight
	case v > 0:
		h.add(&h.Positive, index(v, h.Scale), weight)
	default:
		h.add(&h.Negative, index(-v, h.Scale), weight)
	}
}

// Merge adds the counts of another histogram, which it does not change.
func (h *Histogram) Merge(o *Histogram) {
	h.Zero += o.Zero
	h.Min, h.Max = min(h.Min, o.Min), max(h.Max, o.Max)
	h.coarsen(h.Scale - o.Scale)
	h.merge(&h.Positive, &o.Positive, o.Scale)
	h.merge(&h.Negative, &o.Negative, o.Scale)
}

func (h *Histogram) merge(to, from *Buckets, scale int) {
	for i, n := range from.Counts {
		if n != 0 {
			// h.Scale may change on the way.
			h.add(to, (from.Offset+i)>>(scale-h.Scale), n)
		}
	}
}

// add counts into bucket i at the present scale.
func (h *Histogram) add(b *Buckets, i int, weight float64) {
	if len(b.Counts) == 0 {
		b.Offset = i
		b.Counts = append(b.Counts, weight)
		return
	}
	low, high := min(b.Offset, i), max(b.Offset+len(b.Counts)-1, i)
	if high-low >= h.maxSize {
		by := 0
		for (high>>by)-(low>>by) >= h.maxSize && h.Scale-by > MinScale {
			by++
		}
		h.coarsen(by)
		i >>= by
		low, high = min(b.Offset, i), max(b.Offset+len(b.Counts)-1, i)
	}
	b.stretch(low, high)
	b.Counts[i-b.Offset] += weight
}

// coarsen lowers the scale; nothing where by is not positive.
func (h *Histogram) coarsen(by int) {
	if by <= 0 {
		return
	}
	h.Scale -= by
	for _, b := range []*Buckets{&h.Positive, &h.Negative} {
		if len(b.Counts) == 0 {
			continue
		}
		old, offset := b.Counts, b.Offset
		b.Offset >>= by
		n := (offset+len(old)-1)>>by - b.Offset + 1
		for i, count := range old {
			j := (offset+i)>>by - b.Offset
			old[i] = 0
			old[j] += count // j <= i: what it holds has been moved already
		}
		b.Counts = old[:n]
	}
}

// stretch makes the counts span buckets low to high.
func (b *Buckets) stretch(low, high int) {
	n := high - low + 1
	if n == len(b.Counts) {
		return
	}
	shift := b.Offset - low
	old := len(b.Counts)
	for len(b.Counts) < n {
		b.Counts = append(b.Counts, 0)
	}
	if shift > 0 {
		copy(b.Counts[shift:], b.Counts[:old])
		clear(b.Counts[:shift])
		b.Offset = low
	}
}

// index is the bucket of a positive value.
func index(v float64, scale int) int {
	fraction, exponent := math.Frexp(v) // v = fraction * 2^exponent, 0.5 <= fraction < 1
	if fraction == 0.5 {
		// A power of two is the upper bound of its bucket; logarithms would be off by one at times.
		exponent--
		if scale >= 0 {
			return exponent<<scale - 1
		}
		return (exponent - 1) >> -scale
	}
	if scale <= 0 {
		return (exponent - 1) >> -scale
	}
	// The whole part of the logarithm is exact. The rest stays within its power of two.
	part := int(math.Log2(2*fraction) * float64(int(1)<<scale))
	return (exponent-1)<<scale + min(part, 1<<scale-1)
}
