package series

import (
	"cmp"
	"slices"

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
type reservoir []Exemplar

// offer keeps an exemplar that is slower than the one in whose place it would go: the bucket's own, or the fastest of all.
func (r *reservoir) offer(e *Exemplar) {
	kept := *r
	place := slices.IndexFunc(kept, func(k Exemplar) bool { return k.Bucket == e.Bucket })
	if place < 0 && len(kept) < ExemplarsPerSeries {
		*r = append(kept, *e)
		return
	}
	if place < 0 {
		fastest := slices.MinFunc(kept, func(a, b Exemplar) int { return cmp.Compare(a.DurationMS, b.DurationMS) })
		place = slices.Index(kept, fastest)
	}
	if e.DurationMS > kept[place].DurationMS {
		kept[place] = *e
	}
}

// merge offers every exemplar of another reservoir. r may be nil, where the result is the other one.
func (r *reservoir) merge(o *reservoir) *reservoir {
	if r == nil {
		return o
	}
	for i := range *o {
		r.offer(&(*o)[i])
	}
	return r
}

// write appends the exemplars to a point. r may be nil.
func (r *reservoir) write(out pmetric.ExemplarSlice) {
	if r == nil {
		return
	}
	out.EnsureCapacity(len(*r))
	for _, e := range *r {
		x := out.AppendEmpty()
		x.SetTimestamp(e.Time)
		x.SetTraceID(e.Trace)
		x.SetSpanID(e.Span)
		x.SetDoubleValue(e.Value)
	}
}
