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
	"github.com/otelcol-ml/otelcol-ml/internal/suggest"
)

// definitions returns the metrics of a configuration, or an error that lists
// every mistake.
func (c *Config) definitions() ([]metric.Definition, error) {
	p := &problems{}
	all := c.build(p)
	return all, errors.Join(p.list...)
}

// build returns the metrics of a configuration: the built-in ones with their
// changes, then the others by name. It adds every mistake to p.
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
			all = append(all, mc.define(name, builtIn, p))
		case mc.Kind == "":
			p.add("metrics::"+name+"::enabled", "found false, must be for a built-in metric, and %s is not one%s", name, nameHelp(name, builtIn))
		}
	}
	return all
}

// nameHelp says how the name of a built-in metric is found.
func nameHelp(name string, builtIn map[string]bool) string {
	return cmp.Or(suggest.Hint(name, slices.Collect(maps.Keys(builtIn))), "; see the README for their names")
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
			p.add(path+"::"+key, "found a value for a built-in metric, must be left out: %[2]s of %[1]s is fixed; only enabled, description, buckets, histogram, labels, when, series_limit and series_expiration can be set; define a metric of another name for the rest", m.Name, key)
		}
	}
	m.Description = cmp.Or(mc.Description, m.Description)
	mc.common(m, path, p)
}

// define makes a metric that is not built in.
func (mc *MetricConfig) define(name string, builtIn map[string]bool, p *problems) metric.Definition {
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
		p.add(path+"::kind", "found no value, must be histogram, counter or gauge, because %s is not a built-in metric%s", name, suggest.Hint(name, slices.Collect(maps.Keys(builtIn))))
	default:
		p.add(path+"::kind", "found %q, must be histogram, counter or gauge", mc.Kind)
	}
	switch mc.Spans {
	case "", "ml":
	case "all":
		m.AllSpans = true
	default:
		p.add(path+"::spans", "found %q, must be ml (spans of ML pipelines) or all", mc.Spans)
	}
	mc.values(&m, path, p)
	mc.common(&m, path, p)
	return m
}

// mostInSum is the default maximum of a metric that has a sum: a single 1e300 would make the sum useless.
const mostInSum = 1e15

// most returns the default maximum of a kind of metric. Gauges have no sum.
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
		v.Min = 0 // counters never decrease
	}
	if mc.Min != nil {
		v.Min = *mc.Min
	}
	if mc.Max != nil {
		v.Max = *mc.Max
	}
	if checkRange(mc.Min, mc.Max, path, p) && v.Min > v.Max {
		p.add(path+"::max", "found %v, must be at least min, %v", v.Max, v.Min)
	}
	if m.Kind == metric.Counter && v.Min < 0 {
		p.add(path+"::min", "found %v, must be at least 0, because counters never decrease; write 0 or more, or kind: gauge", v.Min)
	}

	given := 0
	for _, set := range []bool{mc.Attribute != "", mc.Duration, mc.Split != nil} {
		if set {
			given++
		}
	}
	switch {
	case given > 1:
		p.add(path, "found more than one of attribute, duration and split, must be one; remove the others")
	case mc.Split != nil:
		mc.split(m, v, path, p)
		return
	case mc.Attribute != "":
		v.Field = field(mc.Attribute, mc.From, mc.Event, path, p)
		if v.Field.Origin == metric.Intrinsic {
			p.add(path+"::attribute", "found %q, must be the key of a number; use %[1]s as a label", mc.Attribute)
		}
	case mc.Duration:
		v.Source = metric.Duration
		if mc.Event != "" {
			p.add(path+"::duration", "found beside event, must be for spans: events have no duration; remove one of the two")
		}
		if mc.Unit != "" && mc.Unit != "ms" && mc.Unit != "s" {
			p.add(path+"::unit", "found %q, must be ms or s for a duration", mc.Unit)
		}
	default:
		v.Source = metric.Count
		if m.Kind != metric.Counter && mc.Kind != "" {
			p.add(path+"::attribute", "found no value, must be the key of a number; write it, or duration: true, or kind: counter to count spans or events")
		}
	}
	if mc.Attribute == "" {
		if mc.From != "" {
			p.add(path+"::from", "found %q, must be beside attribute; remove it", mc.From)
		}
		if bound := cmp.Or(mc.Min, mc.Max); bound != nil {
			p.add(path, "found min or max without attribute, must be beside it; remove %v", *bound)
		}
	}
	m.Values = []metric.Value{v}
}

func (mc *MetricConfig) split(m *metric.Definition, v metric.Value, path string, p *problems) {
	path += "::split"
	m.SplitLabel = mc.Split.Label
	if mc.Split.Label == "" {
		p.add(path+"::label", "found no value, must be the name of the label that has the keys of attributes as its values")
	} else if err := promname.Label(mc.Split.Label); err != nil {
		p.add(path+"::label", "%v", err)
	}
	if len(mc.Split.Attributes) == 0 {
		p.add(path+"::attributes", "found no entries, must be label values with the keys of their attributes")
	}
	for _, value := range slices.Sorted(maps.Keys(mc.Split.Attributes)) {
		key := mc.Split.Attributes[value]
		if key == "" || value == "" {
			p.add(path+"::attributes::"+value, "found %q: %q, must be a label value and the key of an attribute", value, key)
			continue
		}
		v.Split, v.Field = value, field(key, mc.From, mc.Event, path, p)
		if v.Field.Origin == metric.Intrinsic {
			p.add(path+"::attributes::"+value, "found %q, must be the key of a number; use %[1]s as a label", key)
		}
		m.Values = append(m.Values, v)
	}
}

// common applies the settings that built-in and other metrics share.
func (mc *MetricConfig) common(m *metric.Definition, path string, p *problems) {
	if mc.Buckets != nil {
		if m.Kind != metric.Histogram {
			p.add(path+"::buckets", "found for a %s, must be for a histogram; remove them", m.Kind)
		}
		checkBuckets(mc.Buckets, path+"::buckets", p)
		m.Buckets = mc.Buckets
	}
	if mc.Histogram != "" {
		if m.Kind != metric.Histogram {
			p.add(path+"::histogram", "found for %s, which is a %s, must be for a histogram; remove it", m.Name, m.Kind)
		}
		checkForm(p, path+"::histogram", mc.Histogram)
		m.Form = mc.Histogram
	}
	for i, l := range mc.Labels {
		at := fmt.Sprintf("%s::labels[%d]", path, i)
		if l.Attribute == "" {
			p.add(at+"::attribute", "found no value, must be the key of an attribute, or span.name, span.kind or status.code")
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
		p.add(path+"::series_limit", "found %d, must be at least 0; write the largest number of series, 0 for no limit, or leave it out for the connector's limit", *mc.SeriesLimit)
	}
}

// eventOf returns the name of the events that a metric observes, "" for spans.
func (mc *MetricConfig) eventOf(m *metric.Definition) string {
	if len(m.Values) > 0 {
		return m.Values[0].Event
	}
	return mc.Event
}

// field returns an attribute and where it is read from.
func field(key, from, event, path string, p *problems) metric.Field {
	f := metric.Field{Key: key}
	switch key {
	case metric.SpanName, metric.SpanKind, metric.StatusCode:
		switch from {
		case "span": // ambiguous: the field of the span, or an attribute of that name
			p.add(path+"::from", "found %q beside %s, must be left out for the field of the span; write span_or_resource for an attribute of that name", from, key)
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
			p.add(path+"::from", "found event, must be span, resource or span_or_resource for a metric without event; write the name of the events as event of the metric")
		}
	case "span_or_resource":
	default:
		p.add(path+"::from", "found %q, must be span, resource, event or span_or_resource", from)
	}
	return f
}
