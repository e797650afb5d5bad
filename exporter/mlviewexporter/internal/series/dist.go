package series

import (
	"math"
	"slices"
)

// Layout defines the buckets of a distribution: explicit bounds, each inclusive, or an exponential scale. With a
// scale, bucket i ranges from base^i, exclusive, to base^(i+1), with base 2^(2^-Scale).
type Layout struct {
	Bounds      []float64
	Scale       int32
	Exponential bool
}

func (l *Layout) equal(o *Layout) bool {
	return l == o || l.Exponential == o.Exponential && l.Scale == o.Scale && slices.Equal(l.Bounds, o.Bounds)
}

// bucket returns the interval of a bucket.
func (l *Layout) bucket(i int) (from, to float64) {
	if l.Exponential {
		base := math.Exp2(math.Exp2(-float64(l.Scale)))
		return math.Pow(base, float64(i)), math.Pow(base, float64(i+1))
	}
	from, to = math.Inf(-1), math.Inf(1)
	if i > 0 {
		from = l.Bounds[i-1]
	}
	if i < len(l.Bounds) {
		to = l.Bounds[i]
	}
	return from, to
}

// Dist is a distribution of values: their number, their sum and, if it has a layout, the counts of its buckets. Only
// the buckets from the first to the last non-empty one are stored.
type Dist struct {
	Count, Sum float64
	layout     *Layout
	low        int // position of the bucket of counts[0]
	counts     []uint64
	zero       uint64 // of an exponential layout: values near or below zero
}

// Mean is NaN if there are no values.
func (d *Dist) Mean() float64 { return d.Sum / d.Count }

// trim removes empty buckets at both ends.
func (d *Dist) trim() {
	for len(d.counts) > 0 && d.counts[0] == 0 {
		d.counts = d.counts[1:]
		d.low++
	}
	for len(d.counts) > 0 && d.counts[len(d.counts)-1] == 0 {
		d.counts = d.counts[:len(d.counts)-1]
	}
}

// Add adds another distribution.
func (d *Dist) Add(o *Dist) {
	d.Count += o.Count
	d.Sum += o.Sum
	d.zero += o.zero
	switch {
	case o.layout == nil:
		return
	case d.layout == nil:
		d.layout, d.low, d.counts = o.layout, o.low, slices.Clone(o.counts)
		return
	case d.layout.equal(o.layout):
	case d.layout.Exponential && o.layout.Exponential && d.layout.Scale > o.layout.Scale:
		d.downscale(o.layout)
	}
	for i, n := range o.counts {
		if n != 0 {
			d.count(d.position(o, o.low+i), n)
		}
	}
}

// position returns the bucket of d that has the upper bound of a bucket of o.
func (d *Dist) position(o *Dist, i int) int {
	switch {
	case d.layout.equal(o.layout):
		return i
	case d.layout.Exponential && o.layout.Exponential:
		return i >> (o.layout.Scale - d.layout.Scale)
	}
	_, to := o.layout.bucket(i)
	if d.layout.Exponential {
		return int(math.Ceil(math.Log2(min(max(to, 1e-300), 1e300))*math.Exp2(float64(d.layout.Scale)))) - 1
	}
	at, _ := slices.BinarySearch(d.layout.Bounds, to)
	return at
}

// count adds to a bucket.
func (d *Dist) count(i int, n uint64) {
	if len(d.counts) == 0 {
		d.low, d.counts = i, append(d.counts[:0], n)
		return
	}
	if i < d.low {
		d.counts = append(make([]uint64, d.low-i), d.counts...)
		d.low = i
	}
	for i >= d.low+len(d.counts) {
		d.counts = append(d.counts, 0)
	}
	d.counts[i-d.low] += n
}

// downscale merges the buckets of an exponential distribution into those of a lower scale.
func (d *Dist) downscale(to *Layout) {
	old := Dist{layout: d.layout, low: d.low, counts: d.counts}
	d.layout, d.low, d.counts = to, 0, nil
	for i, n := range old.counts {
		if n != 0 {
			d.count((old.low+i)>>(old.layout.Scale-to.Scale), n)
		}
	}
}

// since returns the increase since an earlier state of the same cumulative series. ok is false if the series has
// restarted.
func (d *Dist) since(earlier *Dist) (more Dist, ok bool) {
	if d.Count < earlier.Count {
		return Dist{}, false
	}
	more = Dist{Count: d.Count - earlier.Count, Sum: d.Sum - earlier.Sum, layout: d.layout, low: d.low, counts: slices.Clone(d.counts)}
	if d.layout == nil {
		return more, true
	}
	before := Dist{layout: earlier.layout, low: earlier.low, counts: earlier.counts}
	switch {
	case earlier.layout == nil || d.layout.Exponential != earlier.layout.Exponential, !d.layout.Exponential && !d.layout.equal(earlier.layout):
		return Dist{}, false
	case d.layout.Exponential && d.layout.Scale > earlier.layout.Scale:
		return Dist{}, false // the scale of a series never increases
	case d.layout.Scale < earlier.layout.Scale:
		before.downscale(d.layout)
	}
	if d.zero < earlier.zero {
		return Dist{}, false
	}
	more.zero = d.zero - earlier.zero
	for i, n := range before.counts {
		at := before.low + i - more.low
		if n == 0 {
			continue
		}
		if at < 0 || at >= len(more.counts) || more.counts[at] < n {
			return Dist{}, false
		}
		more.counts[at] -= n
	}
	more.trim()
	return more, true
}

// Quantile estimates a quantile as Prometheus does: linearly within an explicit bucket, exponentially within an
// exponential one. It is NaN if there are no values. capped is true if the quantile is above the highest bound, which
// is returned.
func (d *Dist) Quantile(q float64) (value float64, capped bool) {
	total := d.zero
	for _, n := range d.counts {
		total += n
	}
	if d.layout == nil || total == 0 {
		return math.NaN(), false
	}
	rank := q * float64(total)
	seen := float64(d.zero)
	if rank <= seen && d.zero > 0 {
		return 0, false
	}
	for i, n := range d.counts {
		if n == 0 {
			continue
		}
		if seen+float64(n) < rank && d.low+i < d.low+len(d.counts)-1 {
			seen += float64(n)
			continue
		}
		from, to := d.layout.bucket(d.low + i)
		part := min(max((rank-seen)/float64(n), 0), 1)
		switch {
		case d.layout.Exponential:
			return from * math.Pow(to/from, part), false
		case math.IsInf(to, 1):
			return from, true
		case math.IsInf(from, -1) && to <= 0:
			return to, false
		case math.IsInf(from, -1):
			from = 0
		}
		return from + (to-from)*part, false
	}
	return math.NaN(), false
}

// Above estimates the share of values above a bound, with the precision of the buckets.
func (d *Dist) Above(bound float64) float64 {
	var above, total float64
	for i, n := range d.counts {
		from, _ := d.layout.bucket(d.low + i)
		total += float64(n)
		if from >= bound {
			above += float64(n)
		}
	}
	return above / (total + float64(d.zero))
}
