package mlmetricsconnector

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/builtin"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/promname"
)

// definitions returns the metrics of a configuration, or an error that lists
// everything that cannot be built.
func (c *Config) definitions() ([]metric.Definition, error) {
	p := &problems{}
	all := c.build(p)
	return all, errors.Join(p.list...)
}

// build returns the metrics of a configuration: the built-in ones as changed,
// then the others by name. It notes what cannot be built.
func (c *Config) build(p *problems) []metric.Definition {
	all := builtin.Metrics()
	if c.GenAI {
		all = append(all, builtin.GenAI()...)
	}
	builtIn := make(map[string]bool, len(all))
	all = slices.DeleteFunc(all, func(m metric.Definition) bool {
		builtIn[m.Name] = true
		mc, ok := c.Metrics[m.Name]
		return ok && mc.Enabled != nil && !*mc.Enabled
	})
	for i := range all {
		if mc, ok := c.Metrics[all[i].Name]; ok {
			mc.change(&all[i], p)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Metrics)) {
		switch mc := c.Metrics[name]; {
		case builtIn[name]:
		case mc.Enabled == nil || *mc.Enabled:
			all = append(all, mc.define(name, p))
		case mc.Kind == "":
			p.add("metrics::"+name+"::enabled", "false switches nothing off: %s is not built in, and not defined here; see the README for the names of the built-in metrics", name)
		}
	}
	return all
}

// change applies the settings to a built-in metric.
func (mc *MetricConfig) change(m *metric.Definition, p *problems) {
	path := "metrics::" + m.Name
	set := map[string]bool{
		"kind": mc.Kind != "", "unit": mc.Unit != "", "attribute": mc.Attribute != "", "from": mc.From != "",
		"duration": mc.Duration, "event": mc.Event != "", "split": mc.Split != nil, "spans": mc.Spans != "",
		"min": mc.Min != nil, "max": mc.Max != nil,
	}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		if set[key] {
			p.add(path+"::"+key, "%s is built in, and its %s is fixed; only enabled, description, buckets, histogram, labels, when, series_limit and series_expiration can be set; define a metric of another name for the rest", m.Name, key)
		}
	}
	m.Description = cmp.Or(mc.Description, m.Description)
	mc.common(m, path, p)
}

// define makes a metric that is not built in.
func (mc *MetricConfig) define(name string, p *problems) metric.Definition {
	path := "metrics::" + name
	m := metric.Definition{Name: name, Description: mc.Description, Unit: mc.Unit, Labels: slices.Clone(builtin.Common)}
	if err := promname.Metric(name); err != nil {
		p.add(path, "%v", err)
	} else if err := promname.Unit(name, mc.Unit); err != nil {
		p.add(path+"::unit", "%v", err)
	}
	switch mc.Kind {
	case "histogram":
		m.Kind = metric.Histogram
		m.Buckets = slices.Clone(builtin.DefaultBuckets)
		if mc.Duration && mc.Unit == "s" {
			for i := range m.Buckets {
				m.Buckets[i] /= 1000
			}
		}
	case "counter":
		m.Kind = metric.Counter
	case "gauge":
		m.Kind = metric.Gauge
	case "":
		p.add(path+"::kind", "is missing, and %s is not built in; write histogram, counter or gauge", name)
	default:
		p.add(path+"::kind", "%q is unknown; write histogram, counter or gauge", mc.Kind)
	}
	switch mc.Spans {
	case "", "ml":
	case "all":
		m.AllSpans = true
	default:
		p.add(path+"::spans", "%q is unknown; write ml (spans of ML pipelines) or all", mc.Spans)
	}
	mc.values(&m, path, p)
	mc.common(&m, path, p)
	return m
}

// mostInSum is the largest number that a metric with a sum observes unless max says otherwise: a single 1e300 would end
// the sum that it is part of.
const mostInSum = 1e15

// most is the largest number that a metric observes by default. A gauge has no sum.
func most(kind metric.Kind) float64 {
	if kind == metric.Gauge {
		return math.MaxFloat64
	}
	return mostInSum
}

// values sets what the metric observes.
func (mc *MetricConfig) values(m *metric.Definition, path string, p *problems) {
	v := metric.Value{Event: mc.Event, Min: -most(m.Kind), Max: most(m.Kind)}
	if m.Kind == metric.Counter {
		v.Min = 0 // a counter never falls
	}
	if mc.Min != nil {
		v.Min = *mc.Min
	}
	if mc.Max != nil {
		v.Max = *mc.Max
	}
	if checkRange(mc.Min, mc.Max, path, p) && v.Min > v.Max {
		p.add(path+"::max", "%v is below min, %v", v.Max, v.Min)
	}
	if m.Kind == metric.Counter && v.Min < 0 {
		p.add(path+"::min", "%v is negative, and a counter never falls; write 0 or more, or kind: gauge", v.Min)
	}

	given := 0
	for _, set := range []bool{mc.Attribute != "", mc.Duration, mc.Split != nil} {
		if set {
			given++
		}
	}
	switch {
	case given > 1:
		p.add(path, "attribute, duration and split exclude each other; keep one of them")
	case mc.Split != nil:
		mc.split(m, v, path, p)
		return
	case mc.Attribute != "":
		v.Field = field(mc.Attribute, mc.From, mc.Event, path, p)
		if v.Field.Origin == metric.Intrinsic {
			p.add(path+"::attribute", "%q is not a number; use it as a label", mc.Attribute)
		}
	case mc.Duration:
		v.Source = metric.Duration
		if mc.Event != "" {
			p.add(path+"::duration", "an event has no duration; leave event or duration out")
		}
		if mc.Unit != "" && mc.Unit != "ms" && mc.Unit != "s" {
			p.add(path+"::unit", "%q is not ms or s, in which durations are measured", mc.Unit)
		}
	default:
		v.Source = metric.Count
		if m.Kind != metric.Counter && mc.Kind != "" {
			p.add(path+"::attribute", "is missing; write the key of the number to observe, or duration: true; only a counter can do without, to count spans or events")
		}
	}
	if mc.Attribute == "" {
		if mc.From != "" {
			p.add(path+"::from", "%q has no attribute beside it", mc.From)
		}
		if bound := cmp.Or(mc.Min, mc.Max); bound != nil {
			p.add(path, "min and max bound the values of an attribute, and there is none; leave %v out", *bound)
		}
	}
	m.Values = []metric.Value{v}
}

func (mc *MetricConfig) split(m *metric.Definition, v metric.Value, path string, p *problems) {
	path += "::split"
	m.SplitLabel = mc.Split.Label
	if mc.Split.Label == "" {
		p.add(path+"::label", "is missing; write the name of the label that tells the attributes apart")
	} else if err := promname.Label(mc.Split.Label); err != nil {
		p.add(path+"::label", "%v", err)
	}
	if len(mc.Split.Attributes) == 0 {
		p.add(path+"::attributes", "is empty; write label values with the keys of their attributes")
	}
	for _, value := range slices.Sorted(maps.Keys(mc.Split.Attributes)) {
		key := mc.Split.Attributes[value]
		if key == "" || value == "" {
			p.add(path+"::attributes::"+value, "%q: %q has an empty side", value, key)
			continue
		}
		v.Split, v.Field = value, field(key, mc.From, mc.Event, path, p)
		if v.Field.Origin == metric.Intrinsic {
			p.add(path+"::attributes::"+value, "%q is not a number; use it as a label", key)
		}
		m.Values = append(m.Values, v)
	}
}

// common sets what both built-in metrics and others can have.
func (mc *MetricConfig) common(m *metric.Definition, path string, p *problems) {
	if mc.Buckets != nil {
		if m.Kind != metric.Histogram {
			p.add(path+"::buckets", "a %s has no buckets", m.Kind)
		}
		checkBuckets(mc.Buckets, path+"::buckets", p)
		m.Buckets = mc.Buckets
	}
	if mc.Histogram != "" {
		if m.Kind != metric.Histogram {
			p.add(path+"::histogram", "%s is a %s", m.Name, m.Kind)
		}
		checkForm(p, path+"::histogram", mc.Histogram)
		m.Form = mc.Histogram
	}
	for i, l := range mc.Labels {
		at := fmt.Sprintf("%s::labels[%d]", path, i)
		if l.Attribute == "" {
			p.add(at+"::attribute", "is missing; write the key of an attribute, or span.name, span.kind or status.code")
			continue
		}
		name := cmp.Or(l.Name, l.Attribute)
		if err := promname.Label(name); err != nil {
			p.add(at+"::name", "%v", err)
		}
		m.Labels = append(m.Labels, metric.Label{
			Name: name, Field: field(l.Attribute, l.From, mc.eventOf(m), at, p), Default: l.Default,
		})
	}
	for i := range mc.When {
		m.When = append(m.When, mc.When[i].condition(fmt.Sprintf("%s::when[%d]", path, i), mc.eventOf(m), p))
	}
	m.SeriesLimit, m.Expiration = mc.SeriesLimit, cmp.Or(mc.SeriesExpiration, m.Expiration)
	if mc.SeriesLimit != nil && *mc.SeriesLimit < 0 {
		p.add(path+"::series_limit", "%d is negative; write the largest number of series, 0 for no limit, or leave it out for the connector's", *mc.SeriesLimit)
	}
}

// eventOf is the name of the events that a metric looks at, empty where it looks at spans.
func (mc *MetricConfig) eventOf(m *metric.Definition) string {
	if len(m.Values) > 0 {
		return m.Values[0].Event
	}
	return mc.Event
}

// field reads where an attribute is.
func field(key, from, event, path string, p *problems) metric.Field {
	f := metric.Field{Key: key}
	switch key {
	case metric.SpanName, metric.SpanKind, metric.StatusCode:
		switch from {
		case "span": // meant for the span's own, or for an attribute?
			p.add(path+"::from", "%q beside %s; leave it out for the span's own, or write span_or_resource for an attribute of that name", from, key)
			fallthrough
		case "":
			f.Origin = metric.Intrinsic
			return f
		}
	}
	switch from {
	case "":
		if event != "" {
			f.Origin = metric.Event
		}
	case "span":
		f.Origin = metric.Span
	case "resource":
		f.Origin = metric.Resource
	case "event":
		f.Origin = metric.Event
		if event == "" {
			p.add(path+"::from", "event without the metric's event; write the name of the events to look at beside the metric's kind")
		}
	case "span_or_resource":
	default:
		p.add(path+"::from", "%q is unknown; write span, resource, event or span_or_resource", from)
	}
	return f
}
