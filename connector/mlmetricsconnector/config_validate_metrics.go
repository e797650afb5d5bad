package mlmetricsconnector

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/bucketindex"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/promname"
	"github.com/otelcol-ml/otelcol-ml/internal/suggest"
)

// validateMetrics checks the settings of each metric, and then the metrics and their labels against each other.
func (c *Config) validateMetrics(p *problems) {
	var builtIn []string
	for _, m := range c.builtIn() {
		builtIn = append(builtIn, m.Name)
	}
	metrics := c.definitions()
	for i := range metrics {
		m := &metrics[i]
		path, mc := "metrics::"+m.Name, c.Metrics[m.Name]
		if slices.Contains(builtIn, m.Name) {
			mc.checkFixed(m.Name, path, p)
			mc.checkCommon(m, m.Values[0].Event, path, p)
		} else {
			mc.checkNew(m, builtIn, path, p)
			mc.checkCommon(m, mc.Event, path, p)
		}
		c.checkExpiration(path+"::series_expiration", mc.SeriesExpiration, p)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Metrics)) {
		if mc := c.Metrics[name]; !mc.enabled() && mc.Kind == "" {
			p.check(slices.Contains(builtIn, name), "metrics::"+name+"::enabled", "found false, must be for a built-in metric, and %s is not one%s",
				name, cmp.Or(suggest.Hint(name, builtIn), "; see the README for their names"))
		}
	}
	c.checkNames(metrics, p)
	c.checkLabels(metrics, p)
}

// checkFixed finds settings that a built-in metric cannot have.
func (mc *MetricConfig) checkFixed(name, path string, p *problems) {
	set := map[string]bool{
		"kind": mc.Kind != "", "unit": mc.Unit != "", "attribute": mc.Attribute != "", "from": mc.From != "",
		"duration": mc.Duration, "event": mc.Event != "", "split": mc.Split != nil, "spans": mc.Spans != "",
		"min": mc.Min != nil, "max": mc.Max != nil,
	}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		p.check(!set[key], path+"::"+key, "found a value for a built-in metric, must be left out: %[2]s of %[1]s is fixed; only enabled, description, buckets, histogram, labels, when, series_limit and series_expiration can be set; define a metric of another name for the rest", name, key)
	}
}

// checkNew checks the settings that only a metric that is not built in has.
func (mc *MetricConfig) checkNew(m *metric.Definition, builtIn []string, path string, p *problems) {
	if p.valid(promname.Metric(m.Name), path) {
		p.valid(promname.Unit(m.Name, mc.Unit), path+"::unit")
	}
	if _, known := kinds[mc.Kind]; mc.Kind == "" {
		p.add(path+"::kind", "found no value, must be histogram, counter or gauge, because %s is not a built-in metric%s", m.Name, suggest.Hint(m.Name, builtIn))
	} else {
		p.check(known, path+"::kind", "found %q, must be histogram, counter or gauge", mc.Kind)
	}
	p.check(slices.Contains([]string{"", "ml", "all"}, mc.Spans), path+"::spans", "found %q, must be ml (spans of ML pipelines) or all", mc.Spans)
	low, high := mc.bounds()
	checkRange(p, path, &low, &high)
	p.check(m.Kind != metric.Counter || low >= 0, path+"::min", "found %v, must be at least 0, because counters never decrease; write 0 or more, or kind: gauge", low)

	switch {
	case mc.Attribute != "" && mc.Duration || mc.Split != nil && (mc.Attribute != "" || mc.Duration):
		p.add(path, "found more than one of attribute, duration and split, must be one; remove the others")
	case mc.Split != nil:
		mc.checkSplit(path+"::split", p)
		return
	case mc.Attribute != "":
		mc.checkNumber(path, "attribute", mc.Attribute, p)
	case mc.Duration:
		p.check(mc.Event == "", path+"::duration", "found beside event, must be for spans: events have no duration; remove one of the two")
		p.check(slices.Contains([]string{"", "ms", "s"}, mc.Unit), path+"::unit", "found %q, must be ms or s for a duration", mc.Unit)
	default:
		p.check(m.Kind == metric.Counter || mc.Kind == "", path+"::attribute", "found no value, must be the key of a number; write it, or duration: true, or kind: counter to count spans or events")
	}
	if mc.Attribute == "" {
		p.check(mc.From == "", path+"::from", "found %q, must be beside attribute; remove it", mc.From)
		if bound := cmp.Or(mc.Min, mc.Max); bound != nil {
			p.add(path, "found min or max without attribute, must be beside it; remove %v", *bound)
		}
	}
}

func (mc *MetricConfig) checkSplit(path string, p *problems) {
	if p.check(mc.Split.Label != "", path+"::label", "found no value, must be the name of the label that has the keys of attributes as its values") {
		p.valid(promname.Label(mc.Split.Label), path+"::label")
	}
	p.check(len(mc.Split.Attributes) > 0, path+"::attributes", "found no entries, must be label values with the keys of their attributes")
	for _, value := range slices.Sorted(maps.Keys(mc.Split.Attributes)) {
		key := mc.Split.Attributes[value]
		if p.check(key != "" && value != "", path+"::attributes::"+value, "found %q: %q, must be a label value and the key of an attribute", value, key) {
			mc.checkNumber(path, "attributes::"+value, key, p)
		}
	}
}

// checkNumber checks the key of a number to observe, which is the value of a setting.
func (mc *MetricConfig) checkNumber(path, setting, key string, p *problems) {
	checkField(key, mc.From, mc.Event, path, p)
	p.check(field(key, mc.From, mc.Event).Origin != metric.Intrinsic, path+"::"+setting, "found %q, must be the key of a number; use %[1]s as a label", key)
}

// checkCommon checks the settings that built-in and other metrics share.
func (mc *MetricConfig) checkCommon(m *metric.Definition, event, path string, p *problems) {
	if mc.Buckets != nil {
		p.check(m.Kind == metric.Histogram, path+"::buckets", "found for a %s, must be for a histogram; remove them", m.Kind)
		checkBuckets(mc.Buckets, path+"::buckets", p)
	}
	if mc.Histogram != "" {
		p.check(m.Kind == metric.Histogram, path+"::histogram", "found for %s, which is a %s, must be for a histogram; remove it", m.Name, m.Kind)
		checkForm(p, path+"::histogram", mc.Histogram)
	}
	for i, l := range mc.Labels {
		at := fmt.Sprintf("%s::labels[%d]", path, i)
		if checkKey(l.Attribute, at, p) {
			p.valid(promname.Label(l.name()), at+"::name")
			checkField(l.Attribute, l.From, event, at, p)
		}
	}
	for i := range mc.When {
		mc.When[i].validate(fmt.Sprintf("%s::when[%d]", path, i), event, p)
	}
	if mc.SeriesLimit != nil {
		p.check(*mc.SeriesLimit >= 0, path+"::series_limit", "found %d, must be at least 0; write the largest number of series, 0 for no limit, or leave it out for the connector's limit", *mc.SeriesLimit)
	}
}

func checkBuckets(buckets []float64, path string, p *problems) {
	p.check(len(buckets) > 0 && len(buckets) <= bucketindex.Max, path, "found %d bounds, must be from 1 to %d", len(buckets), bucketindex.Max)
	for i, b := range buckets {
		if p.check(!math.IsNaN(b) && !math.IsInf(b, 0), path, "found %v, must be finite; the bucket above the last bound always exists", b) && i > 0 {
			p.check(b > buckets[i-1], path, "found %v after %v, must be in rising order, each bound once", b, buckets[i-1])
		}
	}
}

func checkKey(key, path string, p *problems) bool {
	return p.check(key != "", path+"::attribute", "found no value, must be the key of an attribute, or span.name, span.kind or status.code")
}

// checkField checks where an attribute is read from.
func checkField(key, from, event, path string, p *problems) {
	path += "::from"
	_, known := origins[from]
	p.check(known, path, "found %q, must be span, resource, event or span_or_resource", from)
	// The field of the span, or an attribute of that name?
	p.check(from != "span" || !isIntrinsic(key), path, "found %q beside %s, must be left out for the field of the span; write span_or_resource for an attribute of that name", from, key)
	p.check(from != "event" || event != "", path, "found event, must be span, resource or span_or_resource for a metric without event; write the name of the events as event of the metric")
}

// checkNames finds series that have the same name in Prometheus.
func (c *Config) checkNames(metrics []metric.Definition, p *problems) {
	taken := make(map[string]string)
	for i := range metrics {
		m := &metrics[i]
		path := "metrics::" + m.Name
		names := promname.Series(m.Name, m.Unit, m.Kind)
		if m.Kind == metric.Histogram && cmp.Or(m.Form, c.Histograms.Type) == metric.Both {
			names = append(names, promname.Series(m.Name+c.Histograms.ExponentialSuffix, m.Unit, m.Kind)...)
		}
		for _, name := range slices.Compact(names) {
			by, ok := taken[name]
			if ok && by == m.Name { // the two forms of one histogram
				p.add("histograms::exponential_suffix", "found %q, must not make a second %s of %s in Prometheus; write another suffix such as .exponential", c.Histograms.ExponentialSuffix, name, by)
				return
			}
			if !p.check(!promname.Reserved(name), path, "found a metric named %s in Prometheus, must be another name: Prometheus writes a series of this name itself", name) ||
				!p.check(!ok, path, "found a metric named %s in Prometheus, must be another name than a series of %s; rename one of them", name, by) {
				break
			}
			taken[name] = m.Name
		}
	}
}

// checkLabels finds labels of a metric that have the same name in Prometheus. Of the label of the instance, it finds the first.
func (c *Config) checkLabels(metrics []metric.Definition, p *problems) {
	const instance = "instance::label"
	label := c.Instance.Label
	if label != "" && !p.valid(promname.Label(label), instance) {
		label = ""
	}
	for i := range metrics {
		m := &metrics[i]
		path, taken := "metrics::"+m.Name+"::labels", make(map[string]string)
		for _, name := range m.LabelNames() {
			translated := promname.PrometheusLabel(name)
			by, ok := taken[translated]
			taken[translated] = name
			if ok && p.check(by != name, path, "found %s twice on %s, must be unique; leave it out, or write another name", name, m.Name) {
				p.add(path, "found %s and %s, must differ in Prometheus, where both are %s; write another name", by, name, translated)
			}
			if label != "" && !p.check(promname.PrometheusLabel(label) != translated, instance, "found %s, must differ from the label %s of %s: both are %s in Prometheus; rename one of them", label, name, m.Name, translated) {
				label = ""
			}
		}
	}
}
