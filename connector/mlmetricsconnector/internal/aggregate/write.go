package aggregate

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
)

// maxPoints is about how many points are sent at once: all the series of a large collector would need as much memory
// again as they take themselves.
const maxPoints = 1 << 13

// writer writes series out as OTLP.
type writer struct {
	options *Options
	now     pcommon.Timestamp
	metrics pmetric.Metrics
	out     pmetric.MetricSlice
	written []*series
	list    []*series
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

// metric writes a metric with some of its series.
func (w *writer) metric(m *metric, list []*series) {
	w.written = append(w.written, list...)
	switch m.plan.Kind {
	case definition.Histogram:
		if m.explicit {
			w.histogram(m, list)
		}
		if m.exponential {
			w.exponential(m, list)
		}
	case definition.Counter:
		w.counter(m, list)
	case definition.Gauge:
		w.gauge(m, list)
	}
}

// wants tells whether there is a point to write: always with cumulative
// points, so that receivers see that the series is alive; with delta points
// where something was observed.
func (w *writer) wants(s *series) bool {
	return s.merged && (s.unsent || !w.options.Delta || s.metric.plan.Kind == definition.Gauge)
}

// zero tells that the series' point is to be at zero.
func (w *writer) zero(s *series) bool { return !s.zeroed && !w.options.Delta }

func (w *writer) head(m *metric, suffix string) pmetric.Metric {
	out := w.out.AppendEmpty()
	out.SetName(m.plan.Name + suffix)
	out.SetDescription(m.plan.Description)
	out.SetUnit(m.plan.Unit)
	return out
}

func (w *writer) temporality() pmetric.AggregationTemporality {
	if w.options.Delta {
		return pmetric.AggregationTemporalityDelta
	}
	return pmetric.AggregationTemporalityCumulative
}

func (w *writer) histogram(m *metric, list []*series) {
	h := w.head(m, "").SetEmptyHistogram()
	h.SetAggregationTemporality(w.temporality())
	h.DataPoints().EnsureCapacity(len(list))
	for _, s := range list {
		dp := h.DataPoints().AppendEmpty()
		dp.SetStartTimestamp(s.start)
		dp.SetTimestamp(w.now)
		s.writeHistogram(dp, w.zero(s))
		w.labels(s, dp.Attributes())
	}
}

func (w *writer) exponential(m *metric, list []*series) {
	suffix := ""
	if m.explicit {
		suffix = w.options.ExponentialSuffix
	}
	h := w.head(m, suffix).SetEmptyExponentialHistogram()
	h.SetAggregationTemporality(w.temporality())
	h.DataPoints().EnsureCapacity(len(list))
	for _, s := range list {
		dp := h.DataPoints().AppendEmpty()
		dp.SetStartTimestamp(s.start)
		dp.SetTimestamp(w.now)
		s.writeExponential(dp, w.zero(s), w.options.MinMax)
		w.labels(s, dp.Attributes())
	}
}

func (w *writer) counter(m *metric, list []*series) {
	c := w.head(m, "").SetEmptySum()
	c.SetAggregationTemporality(w.temporality())
	c.SetIsMonotonic(true)
	c.DataPoints().EnsureCapacity(len(list))
	for _, s := range list {
		dp := c.DataPoints().AppendEmpty()
		dp.SetStartTimestamp(s.start)
		dp.SetTimestamp(w.now)
		s.writeCounter(dp, w.zero(s))
		w.labels(s, dp.Attributes())
	}
}

func (w *writer) gauge(m *metric, list []*series) {
	g := w.head(m, "").SetEmptyGauge()
	g.DataPoints().EnsureCapacity(len(list))
	for _, s := range list {
		dp := g.DataPoints().AppendEmpty()
		dp.SetTimestamp(w.now)
		s.writeGauge(dp)
		w.labels(s, dp.Attributes())
	}
}

func (w *writer) labels(s *series, out pcommon.Map) {
	out.EnsureCapacity(len(s.labels) + 2)
	for i, value := range s.labels {
		if value != "" {
			out.PutStr(s.metric.plan.Names[i], value)
		}
	}
	if s.overflow {
		out.PutBool(overflowLabel, true)
	}
	if w.options.InstanceLabel != "" {
		out.PutStr(w.options.InstanceLabel, w.options.Instance)
	}
}
