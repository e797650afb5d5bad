// Package series stores the metrics of mlmetrics for the page: the values of the latest minutes, of the latest hours,
// and since the start, for each set of the few labels that the page filters by.
//
// A Store may be used concurrently: Add locks it for the batch, queries lock it for reading. It does not retain the
// batch, and the caller owns what a query returns.
package series

import (
	"hash/maphash"
	"math"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Labels are the labels that the page distinguishes. Detail has the other labels that a metric is queried by, see
// catalogue.
type Labels struct {
	Pipeline, Service, Stage, Model, Version string
	Detail                                   string
}

// Store stores cells: increments by labels. Its input are cumulative or delta points. It is safe for concurrent use.
type Store struct {
	limit int64
	began time.Time

	mutex   sync.RWMutex
	sources map[identity]*source
	cells   map[string]map[Labels]*cell // by metric
	texts   map[string]string
	layouts []*Layout
	bytes   int64
	swept   time.Time
	newest  time.Time
	noRoom  int // points of the latest batch that were dropped
	seed    [2]maphash.Seed
}

// identity identifies the series of a metric by all of its labels, as a hash of 128 bits.
type identity [2]uint64

// source is the latest point of a cumulative series.
type source struct {
	start pcommon.Timestamp
	last  Dist
	seen  time.Time
	bytes int64
}

// cell has the values of a set of labels.
type cell struct {
	total  Dist
	fine   ring
	coarse ring
	past   history
	// last is the latest value of a gauge and its time.
	last Gauge
	seen time.Time
	// bytes is the size of total and labels.
	bytes int64
}

// Gauge is a value and its time, in nanoseconds since 1970.
type Gauge struct {
	Value float64
	At    int64
}

// NewStore returns a store with a limit in bytes.
func NewStore(limit int64, now time.Time) *Store {
	return &Store{
		limit: limit, began: now, swept: now,
		sources: map[identity]*source{}, cells: map[string]map[Labels]*cell{}, texts: map[string]string{},
		seed: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
	}
}

// Began returns when counting began.
func (s *Store) Began() time.Time { return s.began }

// Newest returns when metrics last arrived, zero if none have.
func (s *Store) Newest() time.Time {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	return s.newest
}

// Bytes returns the memory of the store, and its number of series.
func (s *Store) Bytes() (bytes int64, series int) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	return s.bytes, len(s.sources)
}

const (
	// idle is how long a series without points is remembered. mlmetrics drops it after 15 minutes.
	idle = 30 * time.Minute
	// slack is how far the clock of a sender may be behind.
	slack = time.Minute

	sourceBytes = 250
	cellBytes   = 900 // with its history
)

// Add adds a batch and returns the number of dropped points.
func (s *Store) Add(md pmetric.Metrics, now time.Time) (noRoom int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.newest = now
	s.sweep(now)
	in := intake{Store: s, now: now}
	for _, rm := range md.ResourceMetrics().All() {
		in.resource = rm.Resource().Attributes()
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				in.metric(m)
			}
		}
	}
	s.noRoom = in.noRoom
	return in.noRoom
}

// NoRoom returns the number of dropped points in the latest batch.
func (s *Store) NoRoom() int {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	return s.noRoom
}

// sweep removes series without points and, if memory is low, cells without values in the last two hours.
func (s *Store) sweep(now time.Time) {
	if now.Sub(s.swept) < time.Minute {
		return
	}
	s.swept = now
	for id, src := range s.sources {
		if now.Sub(src.seen) > idle {
			s.bytes -= src.bytes
			delete(s.sources, id)
		}
	}
	if s.bytes < s.limit*9/10 {
		return
	}
	for _, cells := range s.cells {
		for labels, c := range cells {
			if now.Sub(c.seen) > coarseStep*coarseSlots {
				s.bytes -= c.bytes
				delete(cells, labels)
			}
		}
	}
}

// intake is the batch that is being added.
type intake struct {
	*Store
	now      time.Time
	resource pcommon.Map
	name     string
	details  []string
	noRoom   int
}

func (in *intake) metric(m pmetric.Metric) {
	details, known := catalogue[m.Name()]
	if !known {
		return
	}
	in.name, in.details = m.Name(), details
	switch m.Type() {
	case pmetric.MetricTypeSum:
		cumulative := m.Sum().AggregationTemporality() == pmetric.AggregationTemporalityCumulative
		for _, p := range m.Sum().DataPoints().All() {
			in.point(p.Attributes(), p.StartTimestamp(), cumulative, Dist{Count: number(p), Sum: number(p)})
		}
	case pmetric.MetricTypeHistogram:
		cumulative := m.Histogram().AggregationTemporality() == pmetric.AggregationTemporalityCumulative
		for _, p := range m.Histogram().DataPoints().All() {
			in.point(p.Attributes(), p.StartTimestamp(), cumulative, in.explicit(p))
		}
	case pmetric.MetricTypeExponentialHistogram:
		cumulative := m.ExponentialHistogram().AggregationTemporality() == pmetric.AggregationTemporalityCumulative
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			in.point(p.Attributes(), p.StartTimestamp(), cumulative, in.exponential(p))
		}
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			if c := in.cell(p.Attributes()); c != nil && int64(p.Timestamp()) >= c.last.At {
				c.last = Gauge{number(p), int64(p.Timestamp())}
			}
		}
	}
}

func number(p pmetric.NumberDataPoint) float64 {
	if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
		return float64(p.IntValue())
	}
	return p.DoubleValue()
}

func (in *intake) explicit(p pmetric.HistogramDataPoint) Dist {
	d := Dist{Count: float64(p.Count()), Sum: p.Sum(), counts: p.BucketCounts().AsRaw()}
	if bounds := p.ExplicitBounds(); len(d.counts) == bounds.Len()+1 && len(d.counts) <= mostBuckets {
		d.layout = in.layout(Layout{Bounds: bounds.AsRaw()})
		d.trim()
	} else {
		d.counts = nil
	}
	return d
}

func (in *intake) exponential(p pmetric.ExponentialHistogramDataPoint) Dist {
	d := Dist{Count: float64(p.Count()), Sum: p.Sum(), zero: p.ZeroCount(), low: int(p.Positive().Offset()), counts: p.Positive().BucketCounts().AsRaw()}
	for _, n := range p.Negative().BucketCounts().All() {
		d.zero += n
	}
	if scale := p.Scale(); scale < -10 || scale > 20 || len(d.counts) > mostBuckets {
		return Dist{Count: d.Count, Sum: d.Sum}
	}
	d.layout = in.layout(Layout{Exponential: true, Scale: p.Scale()})
	d.trim()
	return d
}

// Limits on what a batch can add to the store.
const (
	mostBuckets = 1000
	mostLayouts = 200
	clip        = 200 // bytes of a label
)

// layout deduplicates layouts.
func (s *Store) layout(l Layout) *Layout {
	for _, known := range s.layouts {
		if known.equal(&l) {
			return known
		}
	}
	if len(s.layouts) < mostLayouts {
		s.layouts = append(s.layouts, &l)
	}
	return &l
}

func (in *intake) point(labels pcommon.Map, start pcommon.Timestamp, cumulative bool, d Dist) {
	if math.IsNaN(d.Sum) || math.IsInf(d.Sum, 0) {
		return
	}
	if cumulative {
		more, ok := in.increment(labels, start, d)
		if !ok {
			return
		}
		d = more
	}
	c := in.cell(labels)
	if c == nil || d.Count == 0 && d.Sum == 0 {
		return
	}
	before := len(c.total.counts)
	c.total.Add(&d)
	c.past.add(in.now.Sub(in.began), d.Count, d.Sum)
	grown := 8 * int64(len(c.total.counts)-before)
	room := in.bytes < in.limit
	grown += c.fine.add(in.now, &d, fineSlots, room)
	grown += c.coarse.add(in.now, &d, coarseSlots, room)
	c.bytes += grown
	in.bytes += grown
	if !room {
		in.noRoom++
	}
}

// increment returns the difference of a cumulative point to the previous one. A series that started before the store
// counts only from its first point here.
func (in *intake) increment(labels pcommon.Map, start pcommon.Timestamp, d Dist) (Dist, bool) {
	id := in.identify(labels)
	src := in.sources[id]
	fresh := !start.AsTime().Before(later(in.began, in.now.Add(-idle)).Add(-slack))
	if src == nil {
		if in.bytes >= in.limit {
			in.noRoom++
			return Dist{}, false
		}
		src = &source{start: start, last: d, seen: in.now, bytes: sourceBytes + 8*int64(len(d.counts))}
		in.sources[id] = src
		in.bytes += src.bytes
		return d, fresh
	}
	more, ok := d.since(&src.last)
	if !ok || start != src.start {
		more, ok = d, true
	}
	bytes := sourceBytes + 8*int64(len(d.counts))
	in.bytes += bytes - src.bytes
	*src = source{start: start, last: d, seen: in.now, bytes: bytes}
	return more, ok
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// identify hashes the metric and all labels, in any order of the labels.
func (in *intake) identify(labels pcommon.Map) (id identity) {
	for i, seed := range in.seed {
		id[i] = maphash.String(seed, in.name)
		for _, m := range []pcommon.Map{in.resource, labels} {
			for key, v := range m.All() {
				id[i] += maphash.String(seed, key) * (maphash.String(seed, v.AsString()) | 1)
			}
		}
	}
	return id
}

// cell finds or creates the cell of a point. It returns nil if there is no memory.
func (in *intake) cell(labels pcommon.Map) *cell {
	l := in.labels(labels)
	cells := in.cells[in.name]
	if cells == nil {
		cells = map[Labels]*cell{}
		in.cells[in.name] = cells
	}
	c := cells[l]
	if c == nil {
		if in.bytes >= in.limit {
			in.noRoom++
			return nil
		}
		c = &cell{fine: ring{step: fineStep}, coarse: ring{step: coarseStep}, bytes: cellBytes}
		cells[l] = c
		in.bytes += c.bytes
	}
	c.seen = in.now
	return c
}
