package aggregate

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
)

// writer writes series out as OTLP.
type writer struct {
	options *Options
	out     pmetric.MetricSlice
	now     pcommon.Timestamp
	written []*series
}

// metric writes a metric with its series, nothing where there is none.
func (w *writer) metric(m *metric, all []*series, overflow *series) {
	before := len(w.written)
	for _, s := range all {
		if w.wants(s) {
			w.written = append(w.written, s)
		}
	}
	if overflow != nil && w.wants(overflow) {
		w.written = append(w.written, overflow)
	}
	list := w.written[before:]
	if len(list) == 0 {
		return
	}
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
