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
	options *Options
	now     pcommon.Timestamp
	metrics pmetric.Metrics
	out     pmetric.MetricSlice
	written []*series
	list    []*series
}

func newWriter(options *Options, now pcommon.Timestamp) *writer {
	w := &writer{options: options, now: now}
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
	temporality := pmetric.AggregationTemporalityCumulative
	if w.options.Delta {
		temporality = pmetric.AggregationTemporalityDelta
	}
	switch m.Kind {
	case metric.Counter:
		sum := w.head(m, "").SetEmptySum()
		sum.SetAggregationTemporality(temporality)
		sum.SetIsMonotonic(true)
		sum.DataPoints().EnsureCapacity(len(list))
		for _, s := range list {
			dp := sum.DataPoints().AppendEmpty()
			w.point(s, dp)
			w.counter(s, dp)
		}
	case metric.Gauge:
		gauge := w.head(m, "").SetEmptyGauge()
		gauge.DataPoints().EnsureCapacity(len(list))
		for _, s := range list {
			dp := gauge.DataPoints().AppendEmpty()
			w.point(s, dp)
			dp.SetStartTimestamp(0)
			dp.SetDoubleValue(s.total)
		}
	case metric.Histogram:
		if m.explicit {
			h := w.head(m, "").SetEmptyHistogram()
			h.SetAggregationTemporality(temporality)
			h.DataPoints().EnsureCapacity(len(list))
			for _, s := range list {
				dp := h.DataPoints().AppendEmpty()
				w.point(s, dp)
				w.histogram(s, dp)
			}
		}
		if m.exponential {
			suffix := ""
			if m.explicit {
				suffix = w.options.ExponentialSuffix
			}
			h := w.head(m, suffix).SetEmptyExponentialHistogram()
			h.SetAggregationTemporality(temporality)
			h.DataPoints().EnsureCapacity(len(list))
			for _, s := range list {
				dp := h.DataPoints().AppendEmpty()
				w.point(s, dp)
				w.exponential(s, dp)
			}
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

// point writes what points of every kind have.
func (w *writer) point(s *series, dp interface {
	SetStartTimestamp(pcommon.Timestamp)
	SetTimestamp(pcommon.Timestamp)
	Attributes() pcommon.Map
},
) {
	dp.SetStartTimestamp(s.start)
	dp.SetTimestamp(w.now)
	attributes := dp.Attributes()
	attributes.EnsureCapacity(len(s.metric.Names) + 2)
	if s.overflow {
		attributes.PutBool(overflowLabel, true)
	} else {
		for i, value := range labels(s.key) {
			if value != "" {
				attributes.PutStr(s.metric.Names[i], value)
			}
		}
	}
	if w.options.InstanceLabel != "" {
		attributes.PutStr(w.options.InstanceLabel, w.options.Instance)
	}
}

func (w *writer) counter(s *series, dp pmetric.NumberDataPoint) {
	total := s.total
	if w.zero(s) {
		total = 0
	} else {
		s.exemplars.write(dp.Exemplars())
	}
	if s.metric.integer {
		dp.SetIntValue(rounded(total))
	} else {
		dp.SetDoubleValue(total)
	}
}

func (w *writer) histogram(s *series, dp pmetric.HistogramDataPoint) {
	dp.ExplicitBounds().FromRaw(s.metric.Buckets)
	if w.zero(s) {
		dp.SetSum(0)
		dp.BucketCounts().FromRaw(make([]uint64, len(s.counts)))
		return
	}
	var n uint64
	for _, count := range s.counts {
		n += count
	}
	dp.SetCount(n)
	dp.SetSum(s.total)
	dp.BucketCounts().FromRaw(s.counts)
	s.exemplars.write(dp.Exemplars())
}

func (w *writer) exponential(s *series, dp pmetric.ExponentialHistogramDataPoint) {
	h := s.exponential
	dp.SetScale(h.Scale())
	dp.SetSum(0)
	if w.zero(s) {
		return
	}
	dp.SetSum(s.total)
	dp.SetCount(h.Count())
	dp.SetZeroCount(h.ZeroCount())
	writeBuckets(h.Positive(), dp.Positive())
	writeBuckets(h.Negative(), dp.Negative())
	if w.options.MinMax && h.Count() > 0 {
		dp.SetMin(h.Min())
		dp.SetMax(h.Max())
	}
	s.exemplars.write(dp.Exemplars())
}

func writeBuckets(from *structure.Buckets, to pmetric.ExponentialHistogramDataPointBuckets) {
	to.SetOffset(from.Offset())
	to.BucketCounts().EnsureCapacity(int(from.Len()))
	for i := range from.Len() {
		to.BucketCounts().Append(from.At(i))
	}
}
