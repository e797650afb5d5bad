package series

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/lightstep/go-expohisto/structure"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
)

// maxPoints is about how many points are sent at once: all the series of a
// large collector would need as much memory again as they take themselves.
const maxPoints = 1 << 13

// overflowLabel marks the series that takes what comes beyond a metric's
// limit, as OpenTelemetry SDKs mark theirs.
const overflowLabel = "otel.metric.overflow"

// writer writes series as OTLP.
type writer struct {
	options     *Options
	temporality pmetric.AggregationTemporality
	now         pcommon.Timestamp
	metrics     pmetric.Metrics
	out         pmetric.MetricSlice
	written     []*series
	list        []*series
}

func newWriter(options *Options, now pcommon.Timestamp) *writer {
	w := &writer{options: options, now: now, temporality: pmetric.AggregationTemporalityCumulative}
	if options.Delta {
		w.temporality = pmetric.AggregationTemporalityDelta
	}
	w.begin()
	return w
}

// begin starts an empty export.
func (w *writer) begin() {
	w.metrics = pmetric.NewMetrics()
	sm := w.metrics.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(w.options.Scope)
	w.out = sm.Metrics()
	w.written = w.written[:0]
}

// wanted returns the series that have a point to write. They are valid until the next call.
func (w *writer) wanted(all []*series, overflow *series) []*series {
	w.list = w.list[:0]
	for _, s := range all {
		if w.wants(s) {
			w.list = append(w.list, s)
		}
	}
	if overflow != nil && w.wants(overflow) {
		w.list = append(w.list, overflow)
	}
	return w.list
}

// wants reports whether there is a point to write: always with cumulative
// points, so that receivers see that the series is alive; with delta points
// where something was observed.
func (w *writer) wants(s *series) bool {
	return s.merged && (s.unsent || !w.options.Delta || s.metric.Kind == metric.Gauge)
}

// zero reports whether the series' point is to be at zero.
func (w *writer) zero(s *series) bool { return !s.zeroed && !w.options.Delta }

// metric writes a metric with some of its series.
func (w *writer) metric(m *family, list []*series) {
	w.written = append(w.written, list...)
	switch m.Kind {
	case metric.Counter:
		sum := w.head(m, "").SetEmptySum()
		sum.SetAggregationTemporality(w.temporality)
		sum.SetIsMonotonic(true)
		points(w, list, sum.DataPoints(), w.counter)
	case metric.Gauge:
		points(w, list, w.head(m, "").SetEmptyGauge().DataPoints(), w.gauge)
	case metric.Histogram:
		suffix := ""
		if m.explicit {
			h := w.head(m, "").SetEmptyHistogram()
			h.SetAggregationTemporality(w.temporality)
			points(w, list, h.DataPoints(), w.histogram)
			suffix = w.options.ExponentialSuffix
		}
		if m.exponential {
			h := w.head(m, suffix).SetEmptyExponentialHistogram()
			h.SetAggregationTemporality(w.temporality)
			points(w, list, h.DataPoints(), w.exponential)
		}
	}
}

func (w *writer) head(m *family, suffix string) pmetric.Metric {
	out := w.out.AppendEmpty()
	out.SetName(m.Name + suffix)
	out.SetDescription(m.Description)
	out.SetUnit(m.Unit)
	return out
}

// point is a point of any kind.
type point interface {
	SetStartTimestamp(pcommon.Timestamp)
	SetTimestamp(pcommon.Timestamp)
	Attributes() pcommon.Map
}

// points writes a point for each series: what points of every kind have, then what write writes.
func points[P point](w *writer, list []*series, out interface {
	EnsureCapacity(int)
	AppendEmpty() P
}, write func(*series, P),
) {
	out.EnsureCapacity(len(list))
	for _, s := range list {
		p := out.AppendEmpty()
		p.SetStartTimestamp(s.start)
		p.SetTimestamp(w.now)
		w.labels(s, p.Attributes())
		write(s, p)
	}
}

func (w *writer) labels(s *series, out pcommon.Map) {
	out.EnsureCapacity(len(s.metric.Names) + 2)
	if s.overflow {
		out.PutBool(overflowLabel, true)
	} else {
		for i, value := range labels(s.key) {
			if value != "" {
				out.PutStr(s.metric.Names[i], value)
			}
		}
	}
	if w.options.InstanceLabel != "" {
		out.PutStr(w.options.InstanceLabel, w.options.Instance)
	}
}

func (w *writer) counter(s *series, p pmetric.NumberDataPoint) {
	total := s.total
	if w.zero(s) {
		total = 0
	} else {
		s.exemplars.write(p.Exemplars())
	}
	if s.metric.integer {
		p.SetIntValue(rounded(total))
	} else {
		p.SetDoubleValue(total)
	}
}

func (w *writer) gauge(s *series, p pmetric.NumberDataPoint) {
	p.SetStartTimestamp(0)
	p.SetDoubleValue(s.total)
}

func (w *writer) histogram(s *series, p pmetric.HistogramDataPoint) {
	p.ExplicitBounds().FromRaw(s.metric.Buckets)
	if w.zero(s) {
		p.SetSum(0)
		p.BucketCounts().FromRaw(make([]uint64, len(s.counts)))
		return
	}
	var n uint64
	for _, count := range s.counts {
		n += count
	}
	p.SetCount(n)
	p.SetSum(s.total)
	p.BucketCounts().FromRaw(s.counts)
	s.exemplars.write(p.Exemplars())
}

func (w *writer) exponential(s *series, p pmetric.ExponentialHistogramDataPoint) {
	h := s.exponential
	p.SetScale(h.Scale())
	p.SetSum(0)
	if w.zero(s) {
		return
	}
	p.SetSum(s.total)
	p.SetCount(h.Count())
	p.SetZeroCount(h.ZeroCount())
	writeBuckets(h.Positive(), p.Positive())
	writeBuckets(h.Negative(), p.Negative())
	if w.options.MinMax && h.Count() > 0 {
		p.SetMin(h.Min())
		p.SetMax(h.Max())
	}
	s.exemplars.write(p.Exemplars())
}

func writeBuckets(from *structure.Buckets, to pmetric.ExponentialHistogramDataPointBuckets) {
	to.SetOffset(from.Offset())
	to.BucketCounts().EnsureCapacity(int(from.Len()))
	for i := range from.Len() {
		to.BucketCounts().Append(from.At(i))
	}
}
