// Package exemplar chooses, among the spans of kept traces, those that a series points at.
package exemplar

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
	// Score orders exemplars, the best highest: the span's duration.
	Score float64
	// Bucket is the histogram's; there is one exemplar for each.
	Bucket int
}

// PerSeries is the largest number of exemplars of a series in one flush.
const PerSeries = 8

// Reservoir keeps the exemplars of a series with the highest scores, one for each bucket.
type Reservoir struct {
	kept [PerSeries]Exemplar
	n    int
}

// place returns where an exemplar of the bucket would go: over the bucket's
// own, to a free place, or over the one with the lowest score.
func (r *Reservoir) place(bucket int) int {
	lowest := 0
	for i := range r.n {
		if r.kept[i].Bucket == bucket {
			return i
		}
		if r.kept[i].Score < r.kept[lowest].Score {
			lowest = i
		}
	}
	if r.n < PerSeries {
		return r.n
	}
	return lowest
}

// Offer keeps an exemplar if its score exceeds that of the one whose place it would take.
func (r *Reservoir) Offer(e *Exemplar) {
	i := r.place(e.Bucket)
	if i < r.n && e.Score <= r.kept[i].Score {
		return
	}
	r.kept[i] = *e
	r.n = max(r.n, i+1)
}

// Merge offers every exemplar of another reservoir.
func (r *Reservoir) Merge(o *Reservoir) {
	for i := range o.n {
		r.Offer(&o.kept[i])
	}
}

// Reset empties the reservoir.
func (r *Reservoir) Reset() { r.n = 0 }

// Write appends the exemplars to a point.
func (r *Reservoir) Write(out pmetric.ExemplarSlice) {
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
