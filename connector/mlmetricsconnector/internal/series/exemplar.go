package series

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Exemplar is one observation of a span.
type Exemplar struct {
	Trace pcommon.TraceID
	Span  pcommon.SpanID
	Time  pcommon.Timestamp
	Value float64
	// DurationMS is the span's duration. The slowest span is the best exemplar.
	DurationMS float64
	// Bucket is the position of the histogram's bucket; there is one exemplar for each.
	Bucket int
}

// ExemplarsPerSeries is the largest number of exemplars of a point.
const ExemplarsPerSeries = 8

// reservoir keeps the exemplars of the slowest spans, one for each bucket.
type reservoir struct {
	kept [ExemplarsPerSeries]Exemplar
	n    int
}

// place returns where an exemplar of the bucket would go: in place of the
// bucket's own, to a free place, or in place of the fastest.
func (r *reservoir) place(bucket int) int {
	fastest := 0
	for i := range r.n {
		if r.kept[i].Bucket == bucket {
			return i
		}
		if r.kept[i].DurationMS < r.kept[fastest].DurationMS {
			fastest = i
		}
	}
	if r.n < ExemplarsPerSeries {
		return r.n
	}
	return fastest
}

// offer keeps an exemplar that is slower than the one in its place.
func (r *reservoir) offer(e *Exemplar) {
	i := r.place(e.Bucket)
	if i < r.n && e.DurationMS <= r.kept[i].DurationMS {
		return
	}
	r.kept[i] = *e
	r.n = max(r.n, i+1)
}

// merge offers every exemplar of another reservoir.
func (r *reservoir) merge(o *reservoir) {
	for i := range o.n {
		r.offer(&o.kept[i])
	}
}

// write appends the exemplars to a point. r may be nil.
func (r *reservoir) write(out pmetric.ExemplarSlice) {
	if r == nil {
		return
	}
	out.EnsureCapacity(r.n)
	for i := range r.n {
		e := &r.kept[i]
		x := out.AppendEmpty()
		x.SetTimestamp(e.Time)
		x.SetTraceID(e.Trace)
		x.SetSpanID(e.Span)
		x.SetDoubleValue(e.Value)
	}
}
