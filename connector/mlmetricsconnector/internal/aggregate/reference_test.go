package aggregate

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/adjusted"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// reference counts spans the slow and obvious way: every definition looks at
// every span, and a series is an entry of a map. It shares the definitions and
// the vocabulary's reads with the aggregator, nothing else.
type reference struct {
	metrics []definition.Metric
	series  map[string]*refSeries
	flush   int
}

type refSeries struct {
	metric         *definition.Metric
	count, total   float64
	buckets        []float64
	newest         uint64
	born, lastSeen int // flushes
}

func newReference(metrics []definition.Metric) *reference {
	return &reference{metrics: metrics, series: map[string]*refSeries{}}
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

func (r *reference) value(m *definition.Metric, v *definition.Value, resource pcommon.Map, span ptrace.Span) {
	_, staged := span.Attributes().Get(vocab.Stage)
	pipeline := refText(resource, vocab.PipelineName)
	if !staged && pipeline == "" && !m.AllSpans {
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

func (r *reference) observe(m *definition.Metric, v *definition.Value, resource pcommon.Map, span ptrace.Span, event pcommon.Map) {
	read := func(f definition.Field) (string, bool) {
		maps := map[definition.Origin][]pcommon.Map{
			definition.SpanOrResource: {span.Attributes(), resource}, definition.Span: {span.Attributes()},
			definition.Resource: {resource}, definition.Event: {event},
		}
		if f.Origin == definition.Intrinsic {
			return map[string]string{
				definition.SpanName: span.Name(), definition.SpanKind: span.Kind().String(),
				definition.StatusCode: map[ptrace.StatusCode]string{0: "UNSET", 1: "OK", 2: "ERROR"}[span.Status().Code()],
			}[f.Key], true
		}
		for _, from := range maps[f.Origin] {
			if value, ok := from.Get(f.Key); ok {
				return value.AsString(), true
			}
		}
		if f.Alternative != "" {
			text := refText(resource, f.Alternative)
			return text, text != ""
		}
		return "", false
	}
	for _, conditions := range [][]definition.Condition{m.When, v.When} {
		for i := range conditions {
			if text, ok := read(conditions[i].Field); !conditions[i].Holds(text, ok) {
				return
			}
		}
	}

	duration := float64(span.EndTimestamp()-span.StartTimestamp()) / 1e6
	durationOK := span.StartTimestamp() != 0 && span.EndTimestamp() >= span.StartTimestamp()
	var value float64
	switch text, present := read(v.Field); {
	case v.Source == definition.Count:
		value = 1
	case v.Source == definition.Duration || !present && v.OrDuration:
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
	if s == nil {
		s = &refSeries{metric: m, buckets: make([]float64, len(m.Buckets)+1), born: r.flush}
		r.series[key] = s
	}
	s.lastSeen = r.flush
	weight := adjusted.Count(span.TraceState().AsRaw())
	switch m.Kind {
	case definition.Histogram:
		s.buckets[sort.SearchFloat64s(m.Buckets, value)] += weight
		s.count += weight
		s.total += value * weight
	case definition.Counter:
		s.total += value * weight
	case definition.Gauge:
		if end := uint64(span.EndTimestamp()); end >= s.newest {
			s.newest, s.total = end, value
		}
	}
}

func refText(m pcommon.Map, key string) string {
	v, ok := m.Get(key)
	if !ok {
		return ""
	}
	return v.AsString()
}

// export is what a flush must give out: series in their first flush are at zero. idleFlushes is after how many
// flushes without an observation a series is gone; 0: never.
func (r *reference) export(idleFlushes int) map[string]string {
	out := map[string]string{}
	for key, s := range r.series {
		zero := s.born == r.flush && s.metric.Kind != definition.Gauge
		out[key] = s.String()
		if zero {
			out[key] = (&refSeries{metric: s.metric, buckets: make([]float64, len(s.buckets))}).String()
		}
		if idleFlushes > 0 && r.flush-s.lastSeen >= idleFlushes {
			delete(r.series, key)
		}
	}
	r.flush++
	return out
}

func (s *refSeries) String() string {
	if s.metric.Kind == definition.Histogram {
		return fmt.Sprint(s.count, s.total, s.buckets)
	}
	return fmt.Sprint(s.total)
}

// exported brings what a flush gave out into the reference's form.
func exported(metrics pmetric.Metrics) map[string]string {
	out := map[string]string{}
	if metrics.ResourceMetrics().Len() == 0 {
		return out
	}
	key := func(m pmetric.Metric, attributes pcommon.Map) string {
		var labels []string
		for k, v := range attributes.All() {
			labels = append(labels, k+"="+v.AsString())
		}
		sort.Strings(labels)
		return strings.Join(append([]string{m.Name()}, labels...), " ")
	}
	for _, m := range metrics.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		switch m.Type() {
		case pmetric.MetricTypeHistogram:
			for _, dp := range m.Histogram().DataPoints().All() {
				buckets := make([]float64, dp.BucketCounts().Len())
				for i, n := range dp.BucketCounts().All() {
					buckets[i] = float64(n)
				}
				out[key(m, dp.Attributes())] = fmt.Sprint(float64(dp.Count()), dp.Sum(), buckets)
			}
		case pmetric.MetricTypeSum:
			for _, dp := range m.Sum().DataPoints().All() {
				out[key(m, dp.Attributes())] = number2text(dp)
			}
		case pmetric.MetricTypeGauge:
			for _, dp := range m.Gauge().DataPoints().All() {
				out[key(m, dp.Attributes())] = number2text(dp)
			}
		}
	}
	return out
}

func number2text(dp pmetric.NumberDataPoint) string {
	if dp.ValueType() == pmetric.NumberDataPointValueTypeInt {
		return fmt.Sprint(float64(dp.IntValue()))
	}
	return fmt.Sprint(dp.DoubleValue())
}
