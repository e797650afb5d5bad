package mlmetricsconnector

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/bounds"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/catalogue"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/naming"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"
)

// definitions returns the metrics of a configuration: the built-in ones as
// changed, then the others by name. It notes what is wrong.
func (c *Config) definitions(p *problems) []definition.Metric {
	all := catalogue.Metrics()
	if c.GenAI {
		all = append(all, catalogue.GenAI()...)
	}
	builtIn := make(map[string]bool, len(all))
	all = slices.DeleteFunc(all, func(m definition.Metric) bool {
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
func (mc *MetricConfig) change(m *definition.Metric, p *problems) {
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
func (mc *MetricConfig) define(name string, p *problems) definition.Metric {
	path := "metrics::" + name
	m := definition.Metric{Name: name, Description: mc.Description, Unit: mc.Unit, Labels: slices.Clone(catalogue.Common)}
	if err := naming.Metric(name); err != nil {
		p.add(path, "%v", err)
	} else if err := naming.Unit(name, mc.Unit); err != nil {
		p.add(path+"::unit", "%v", err)
	}
	switch mc.Kind {
	case "histogram":
		m.Kind = definition.Histogram
		m.Buckets = slices.Clone(catalogue.DefaultBuckets)
		if mc.Duration && mc.Unit == "s" {
			for i := range m.Buckets {
				m.Buckets[i] /= 1000
			}
		}
	case "counter":
		m.Kind = definition.Counter
	case "gauge":
		m.Kind = definition.Gauge
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
func most(kind definition.Kind) float64 {
	if kind == definition.Gauge {
		return math.MaxFloat64
	}
	return mostInSum
}

// values sets what the metric observes.
func (mc *MetricConfig) values(m *definition.Metric, path string, p *problems) {
	v := definition.Value{Event: mc.Event, Min: -most(m.Kind), Max: most(m.Kind)}
	if m.Kind == definition.Counter {
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
	if m.Kind == definition.Counter && v.Min < 0 {
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
		if v.Field.Origin == definition.Intrinsic {
			p.add(path+"::attribute", "%q is not a number; use it as a label", mc.Attribute)
		}
	case mc.Duration:
		v.Source = definition.Duration
		if mc.Event != "" {
			p.add(path+"::duration", "an event has no duration; leave event or duration out")
		}
		if mc.Unit != "" && mc.Unit != "ms" && mc.Unit != "s" {
			p.add(path+"::unit", "%q is not ms or s, in which durations are measured", mc.Unit)
		}
	default:
		v.Source = definition.Count
		if m.Kind != definition.Counter && mc.Kind != "" {
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
	m.Values = []definition.Value{v}
}

func (mc *MetricConfig) split(m *definition.Metric, v definition.Value, path string, p *problems) {
	path += "::split"
	m.SplitLabel = mc.Split.Label
	if mc.Split.Label == "" {
		p.add(path+"::label", "is missing; write the name of the label that tells the attributes apart")
	} else if err := naming.Label(mc.Split.Label); err != nil {
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
		if v.Field.Origin == definition.Intrinsic {
			p.add(path+"::attributes::"+value, "%q is not a number; use it as a label", key)
		}
		m.Values = append(m.Values, v)
	}
}

// common sets what both built-in metrics and others can have.
func (mc *MetricConfig) common(m *definition.Metric, path string, p *problems) {
	if mc.Buckets != nil {
		if m.Kind != definition.Histogram {
			p.add(path+"::buckets", "a %s has no buckets", m.Kind)
		}
		checkBuckets(mc.Buckets, path+"::buckets", p)
		m.Buckets = mc.Buckets
	}
	if mc.Histogram != "" {
		if m.Kind != definition.Histogram {
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
		if err := naming.Label(name); err != nil {
			p.add(at+"::name", "%v", err)
		}
		m.Labels = append(m.Labels, definition.Label{
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

// checkRange tells whether the bounds of a range, nil where not set, are numbers.
func checkRange(low, high *float64, path string, p *problems) bool {
	ok := true
	for _, bound := range []struct {
		key string
		f   *float64
	}{{"min", low}, {"max", high}} {
		if bound.f != nil && (math.IsNaN(*bound.f) || math.IsInf(*bound.f, 0)) {
			p.add(path+"::"+bound.key, "%v is not finite; write a number, or leave it out for no bound", *bound.f)
			ok = false
		}
	}
	return ok
}

// eventOf is the name of the events that a metric looks at, empty where it looks at spans.
func (mc *MetricConfig) eventOf(m *definition.Metric) string {
	if len(m.Values) > 0 {
		return m.Values[0].Event
	}
	return mc.Event
}

func checkBuckets(buckets []float64, path string, p *problems) {
	if len(buckets) == 0 || len(buckets) > bounds.Max {
		p.add(path, "%d bounds are not within 1 and %d", len(buckets), bounds.Max)
	}
	for i, b := range buckets {
		if math.IsNaN(b) || math.IsInf(b, 0) {
			p.add(path, "%v is not finite; the bucket above the last bound is always there", b)
		} else if i > 0 && b <= buckets[i-1] {
			p.add(path, "%v follows %v; write the bounds in rising order, each once", b, buckets[i-1])
		}
	}
}

// field reads where an attribute is.
func field(key, from, event, path string, p *problems) definition.Field {
	f := definition.Field{Key: key}
	switch key {
	case definition.SpanName, definition.SpanKind, definition.StatusCode:
		switch from {
		case "span": // meant for the span's own, or for an attribute?
			p.add(path+"::from", "%q beside %s; leave it out for the span's own, or write span_or_resource for an attribute of that name", from, key)
			fallthrough
		case "":
			f.Origin = definition.Intrinsic
			return f
		}
	}
	switch from {
	case "":
		if event != "" {
			f.Origin = definition.Event
		}
	case "span":
		f.Origin = definition.Span
	case "resource":
		f.Origin = definition.Resource
	case "event":
		f.Origin = definition.Event
		if event == "" {
			p.add(path+"::from", "event without the metric's event; write the name of the events to look at beside the metric's kind")
		}
	case "span_or_resource":
	default:
		p.add(path+"::from", "%q is unknown; write span, resource, event or span_or_resource", from)
	}
	return f
}

// validateMetrics checks the metrics one by one and against each other.
func (c *Config) validateMetrics(p *problems) {
	metrics := c.definitions(p)
	taken := make(map[string]string)
	for i := range metrics {
		m := &metrics[i]
		path := "metrics::" + m.Name
		names := naming.Series(m.Name, m.Unit, m.Kind)
		if m.Kind == definition.Histogram && cmp.Or(m.Form, c.Histograms.Type) == definition.Both {
			names = append(names, naming.Series(m.Name+c.Histograms.ExponentialSuffix, m.Unit, m.Kind)...)
		}
		for _, name := range slices.Compact(names) {
			if naming.Reserved(name) {
				p.add(path, "is %s in Prometheus, which writes a series of that name itself; write another name", name)
				break
			}
			by, ok := taken[name]
			if ok && by == m.Name { // only the two forms of one histogram can clash
				p.add("histograms::exponential_suffix", "%q makes a second %s of %s in Prometheus; write another suffix such as .exponential", c.Histograms.ExponentialSuffix, name, by)
				return
			}
			if ok {
				p.add(path, "is %s in Prometheus, and so is a series of %s; write another name", name, by)
				break
			}
			taken[name] = m.Name
		}
		c.checkExpiration(path+"::series_expiration", c.Metrics[m.Name].SeriesExpiration, p)
		checkLabels(m, path, p)
	}
	c.checkInstanceLabel(metrics, p)
	if len(p.list) > 0 {
		return
	}
	if n := plan.Compile(metrics).Span.Len(); n > plan.Words*64 {
		p.add("metrics", "read %d different attributes with the built-in ones; %d are the most", n, plan.Words*64)
	}
}

// checkLabels finds labels of a metric that would be one.
func checkLabels(m *definition.Metric, path string, p *problems) {
	taken := make(map[string]string)
	for _, name := range labelNames(m) {
		translated := naming.PrometheusLabel(name)
		switch by, ok := taken[translated]; {
		case ok && by == name:
			p.add(path+"::labels", "%s is a label of %s already; leave it out, or write another name", name, m.Name)
		case ok:
			p.add(path+"::labels", "%s and %s are both %s in Prometheus; write another name", by, name, translated)
		}
		taken[translated] = name
	}
}

// checkInstanceLabel tells the first metric that has the instance's label already.
func (c *Config) checkInstanceLabel(metrics []definition.Metric, p *problems) {
	label := c.Instance.Label
	if label == "" {
		return
	}
	if err := naming.Label(label); err != nil {
		p.add("instance::label", "%v", err)
		return
	}
	for i := range metrics {
		for _, name := range labelNames(&metrics[i]) {
			if naming.PrometheusLabel(name) == naming.PrometheusLabel(label) {
				p.add("instance::label", "%s and the label %s of %s are both %s in Prometheus; write another name for one of them", label, name, metrics[i].Name, naming.PrometheusLabel(name))
				return
			}
		}
	}
}

func labelNames(m *definition.Metric) []string {
	var names []string
	for _, l := range m.Labels {
		names = append(names, l.Name)
	}
	if m.SplitLabel != "" {
		names = append(names, m.SplitLabel)
	}
	return names
}
