package observe

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// reference counts spans the slow and obvious way: every definition looks at
// every span, and a series is the list of all that it observed. It shares the
// definitions and the vocabulary's reads with the aggregator, nothing else.
type reference struct {
	metrics []metric.Definition
	options settings // of which it reads those that decide what is exported
	// idleFlushes is after how many flushes without an observation a series is gone; 0: never.
	idleFlushes int
	series      map[string]*refSeries
	// within is the number of series of each metric, the overflow series not among them.
	within map[string]int
	flush  int
	now    time.Time // of the observations
	counts map[string]refCounts
}

// refCounts are the telemetry of a metric since the last flush.
type refCounts struct{ observed, overflowed, expired uint64 }

type refSeries struct {
	metric   *metric.Definition
	values   []refValue
	newest   uint64
	overflow bool
	lastSeen int // flush
	// zeroed reports whether the next consumer has the point at zero; sent is how many of the values it has.
	zeroed bool
	sent   int
	start  time.Time
}

type refValue struct{ value, weight float64 }

func newReference(metrics []metric.Definition) *reference {
	return &reference{metrics: metrics, series: map[string]*refSeries{}, within: map[string]int{}, counts: map[string]refCounts{}}
}

func (r *reference) consume(td ptrace.Traces) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				for i := range r.metrics {
					m := &r.metrics[i]
					for j := range m.Values {
						r.value(m, &m.Values[j], rs.Resource().Attributes(), span)
					}
				}
			}
		}
	}
}

func (r *reference) value(m *metric.Definition, v *metric.Value, resource pcommon.Map, span ptrace.Span) {
	_, staged := span.Attributes().Get(vocab.Stage)
	pipeline := refText(resource, vocab.PipelineName)
	if !vocab.IsMLSpan(pipeline != "", staged) && !m.AllSpans {
		return
	}
	if v.Event == "" {
		r.observe(m, v, resource, span, pcommon.NewMap())
		return
	}
	for _, e := range span.Events().All() {
		if e.Name() == v.Event {
			r.observe(m, v, resource, span, e.Attributes())
		}
	}
}

func (r *reference) observe(m *metric.Definition, v *metric.Value, resource pcommon.Map, span ptrace.Span, event pcommon.Map) {
	read := func(f metric.Field) (string, bool) {
		maps := map[metric.Origin][]pcommon.Map{
			metric.SpanOrResource: {span.Attributes(), resource}, metric.Span: {span.Attributes()},
			metric.Resource: {resource}, metric.Event: {event},
		}
		if f.Origin == metric.Intrinsic {
			return map[string]string{
				metric.SpanName: span.Name(), metric.SpanKind: span.Kind().String(),
				metric.StatusCode: map[ptrace.StatusCode]string{0: "UNSET", 1: "OK", 2: "ERROR"}[span.Status().Code()],
			}[f.Key], true
		}
		present := false
		for _, key := range append([]string{f.Key}, f.Alternatives...) {
			for i, from := range maps[f.Origin] {
				_, ok := from.Get(key)
				present = present || ok && f.Origin != metric.Resource && i == 0
				if text := refText(from, key); text != "" {
					if a := vocab.Lookup(key); a != nil && a.Type == vocab.Bool && f.Origin != metric.Event {
						text = vocab.BoolText(text)
					}
					return text, true
				}
			}
		}
		return "", present
	}
	for _, conditions := range [][]metric.Condition{m.When, v.When} {
		for i := range conditions {
			if text, ok := read(conditions[i].Field); !conditions[i].Holds(text, ok) {
				return
			}
		}
	}

	duration := float64(span.EndTimestamp()-span.StartTimestamp()) / 1e6
	durationOK := span.StartTimestamp() != 0 && span.EndTimestamp() >= span.StartTimestamp() && duration <= vocab.LongestMS
	var value float64
	switch text, present := read(v.Field); {
	case v.Source == metric.Count:
		value = 1
	case v.Source == metric.Duration || !present && v.OrDuration:
		if !durationOK {
			return
		}
		value = duration
	case !present:
		return
	default:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || !(f >= v.Min && f <= v.Max) || v.Whole && f != math.Trunc(f) {
			return
		}
		value = f
	}

	labels := []string{m.Name}
	for _, l := range m.Labels {
		text, _ := read(l.Field)
		if text == "" {
			text = l.Default
		}
		if l.With != nil {
			if with, _ := read(*l.With); with == "" {
				text = ""
			}
		}
		if text != "" {
			labels = append(labels, l.Name+"="+text)
		}
	}
	if m.SplitLabel != "" {
		labels = append(labels, m.SplitLabel+"="+v.Split)
	}
	sort.Strings(labels[1:])
	key := strings.Join(labels, " ")
	s := r.series[key]
	counts := r.counts[m.Name]
	if limit := r.options.SeriesLimit; s == nil && limit > 0 && r.within[m.Name] >= limit {
		key = m.Name + " " + "otel.metric.overflow" + "=true"
		counts.overflowed++
		s = r.series[key]
	}
	counts.observed++
	r.counts[m.Name] = counts
	if s == nil {
		s = &refSeries{metric: m, start: r.now, overflow: strings.Contains(key, "otel.metric.overflow")}
		r.series[key] = s
		if !s.overflow {
			r.within[m.Name]++
		}
	}
	s.lastSeen = r.flush
	weight := 1.0
	if r.options.AdjustedCounts {
		weight, _ = adjustedCount(span.TraceState().AsRaw())
	}
	if m.Kind == metric.Gauge {
		end := uint64(span.EndTimestamp())
		if end < s.newest {
			value = s.values[len(s.values)-1].value
		}
		s.newest = max(s.newest, end)
	}
	s.values = append(s.values, refValue{value, weight})
}

func refText(m pcommon.Map, key string) string {
	v, ok := m.Get(key)
	if !ok {
		return ""
	}
	return v.AsString()
}

// zero reports whether the point of a series is at zero, wanted whether there is one.
func (r *reference) zero(s *refSeries) bool {
	return !s.zeroed && !r.options.Delta && s.metric.Kind != metric.Gauge
}

func (r *reference) wanted(s *refSeries) bool {
	return !r.options.Delta || s.metric.Kind == metric.Gauge || s.sent < len(s.values)
}

// points are what a flush must export.
func (r *reference) points() map[string]string {
	out := map[string]string{}
	for key, s := range r.series {
		if !r.wanted(s) {
			continue
		}
		form := cmp.Or(s.metric.Form, r.options.Histograms, metric.Explicit)
		if s.metric.Kind != metric.Histogram {
			out[key] = r.number(s)
			continue
		}
		if form != metric.Exponential {
			out[key] = r.explicit(s)
		}
		if form == metric.Both {
			key = strings.Replace(key, s.metric.Name, s.metric.Name+r.options.ExponentialSuffix, 1)
		}
		if form != metric.Explicit {
			out[key] = r.exponential(s)
		}
	}
	return out
}

// starts are when the intervals of the points begin.
func (r *reference) starts() map[string]pcommon.Timestamp {
	out := map[string]pcommon.Timestamp{}
	for key, s := range r.series {
		if r.wanted(s) && s.metric.Kind != metric.Gauge {
			out[key] = pcommon.NewTimestampFromTime(s.start)
		}
	}
	return out
}

// taken notes whether the next consumer took the points, and lets go of what is idle. It reports whether points were at
// zero.
func (r *reference) taken(accepted bool, now time.Time) (held bool) {
	for key, s := range r.series {
		switch {
		case !accepted || !r.wanted(s):
		case r.zero(s):
			s.zeroed, held = true, true
		default:
			s.sent = len(s.values)
			if r.options.Delta {
				s.start = now
			}
		}
		if r.idleFlushes > 0 && !s.overflow && s.sent == len(s.values) && r.flush-s.lastSeen >= r.idleFlushes {
			delete(r.series, key)
			r.within[s.metric.Name]--
			counts := r.counts[s.metric.Name]
			counts.expired++
			r.counts[s.metric.Name] = counts
		}
	}
	r.flush++
	return held
}

// since are the values that a point is about, and those that came before it.
func (r *reference) since(s *refSeries) (now, before []refValue) {
	switch {
	case r.zero(s):
		return nil, nil
	case r.options.Delta:
		return s.values, s.values[:s.sent]
	}
	return s.values, nil
}

func (r *reference) number(s *refSeries) string {
	if s.metric.Kind == metric.Gauge {
		return fmt.Sprint(s.values[len(s.values)-1].value)
	}
	now, before := r.since(s)
	if s.metric.Whole() {
		return fmt.Sprint(int64(math.Round(sum(now)) - math.Round(sum(before))))
	}
	return text(sum(now) - sum(before))
}

func (r *reference) explicit(s *refSeries) string {
	now, before := r.since(s)
	bucket := func(v float64) int { return sort.SearchFloat64s(s.metric.Buckets, v) }
	counts := make([]uint64, len(s.metric.Buckets)+1)
	total := uint64(0)
	for i, n := range count(now, before, bucket) {
		counts[i] = n
		total += n
	}
	return fmt.Sprint(total, text(sum(now)-sum(before)), counts)
}

// exponential counts by the definition: at scale s, bucket i is for what lies above 2^(i*2^-s), up to 2^((i+1)*2^-s).
func (r *reference) exponential(s *refSeries) string {
	now, before := r.since(s)
	all := s.values // a point at zero has the scale that its series will have
	if r.options.Delta {
		all = s.values[s.sent:]
	}
	scale := 20
	if !slices.ContainsFunc(all, func(v refValue) bool { return v.value != 0 }) {
		scale = 0 // any will do
	}
	index := func(v float64) int { return int(math.Ceil(math.Ldexp(math.Log2(v), scale))) - 1 }
	for ; scale > -4; scale-- {
		fits := true
		for _, sign := range []float64{1, -1} {
			least, most := math.Inf(1), 0.0
			for _, v := range all {
				if v.value*sign > 0 {
					least, most = min(least, v.value*sign), max(most, v.value*sign)
				}
			}
			fits = fits && (most == 0 || index(most)-index(least) < r.options.MaxSize)
		}
		if fits {
			break
		}
	}
	side := func(sign float64) map[int]uint64 {
		only := func(values []refValue) (of []refValue) {
			for _, v := range values {
				if v.value*sign > 0 {
					of = append(of, refValue{v.value * sign, v.weight})
				}
			}
			return of
		}
		return count(only(now), only(before), index)
	}
	zeros := func(values []refValue) float64 {
		n := 0.0
		for _, v := range values {
			if v.value == 0 {
				n += v.weight
			}
		}
		return n
	}
	point := exponentialPoint{scale: scale, sum: text(sum(now) - sum(before)), zero: uint64(zeros(now) - zeros(before)), positive: side(1), negative: side(-1)}
	point.count = point.zero
	for _, counts := range []map[int]uint64{point.positive, point.negative} {
		for _, n := range counts {
			point.count += n
		}
	}
	if now = now[len(before):]; r.options.MinMax && len(now) > 0 {
		point.min, point.max = math.Inf(1), math.Inf(-1)
		for _, v := range now {
			point.min, point.max = min(point.min, v.value), max(point.max, v.value)
		}
	}
	return point.String()
}

type exponentialPoint struct {
	scale              int
	count, zero        uint64
	sum                string
	positive, negative map[int]uint64
	min, max           float64
}

func (p exponentialPoint) String() string {
	return fmt.Sprint("scale ", p.scale, " count ", p.count, " sum ", p.sum, " zero ", p.zero, p.positive, p.negative, " from ", p.min, " to ", p.max)
}

// count counts the values since the last point by bucket. Weights are whole.
func count(now, before []refValue, bucket func(float64) int) map[int]uint64 {
	counts := map[int]uint64{}
	for _, v := range now[len(before):] {
		counts[bucket(v.value)] += uint64(v.weight)
	}
	return counts
}

func sum(values []refValue) float64 {
	total := 0.0
	for _, v := range values {
		total += v.value * v.weight
	}
	return total
}

// text leaves the last digits out, which depend on the order in which thirds are added.
func text(f float64) string { return strconv.FormatFloat(f+0, 'g', 9, 64) }

// requireFlush compares what a flush gave out, and the next consumer took, with the reference.
func (r *reference) requireFlush(t *testing.T, metrics pmetric.Metrics, message ...any) {
	t.Helper()
	require.Equal(t, r.points(), exported(metrics), message...)
	r.taken(true, time.Time{})
}

// exported brings what a flush gave out into the reference's form.
func exported(metrics pmetric.Metrics) map[string]string {
	out := map[string]string{}
	each(metrics, func(m pmetric.Metric) {
		switch m.Type() {
		case pmetric.MetricTypeHistogram:
			for _, dp := range m.Histogram().DataPoints().All() {
				out[seriesKey(m, dp.Attributes())] = fmt.Sprint(dp.Count(), text(dp.Sum()), dp.BucketCounts().AsRaw())
			}
		case pmetric.MetricTypeExponentialHistogram:
			for _, dp := range m.ExponentialHistogram().DataPoints().All() {
				side := func(b pmetric.ExponentialHistogramDataPointBuckets) map[int]uint64 {
					counts := map[int]uint64{}
					for i, n := range b.BucketCounts().All() {
						if n > 0 {
							counts[int(b.Offset())+i] = n
						}
					}
					return counts
				}
				out[seriesKey(m, dp.Attributes())] = exponentialPoint{
					int(dp.Scale()), dp.Count(), dp.ZeroCount(), text(dp.Sum()), side(dp.Positive()), side(dp.Negative()), dp.Min(), dp.Max(),
				}.String()
			}
		case pmetric.MetricTypeSum:
			for _, dp := range m.Sum().DataPoints().All() {
				if dp.ValueType() == pmetric.NumberDataPointValueTypeInt {
					out[seriesKey(m, dp.Attributes())] = fmt.Sprint(dp.IntValue())
				} else {
					out[seriesKey(m, dp.Attributes())] = text(dp.DoubleValue())
				}
			}
		case pmetric.MetricTypeGauge:
			for _, dp := range m.Gauge().DataPoints().All() {
				out[seriesKey(m, dp.Attributes())] = fmt.Sprint(dp.DoubleValue())
			}
		}
	})
	return out
}

func each(metrics pmetric.Metrics, f func(pmetric.Metric)) {
	for _, rm := range metrics.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				f(m)
			}
		}
	}
}

func seriesKey(m pmetric.Metric, attributes pcommon.Map) string {
	var labels []string
	for k, v := range attributes.All() {
		labels = append(labels, k+"="+v.AsString())
	}
	sort.Strings(labels)
	return strings.Join(append([]string{m.Name()}, labels...), " ")
}
