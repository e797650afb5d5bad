package mlmetricsconnector

import (
	"cmp"
	"maps"
	"math"
	"regexp"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/builtin"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
)

// kinds and origins are by their names in the configuration.
var (
	kinds   = map[string]metric.Kind{"histogram": metric.Histogram, "counter": metric.Counter, "gauge": metric.Gauge}
	origins = map[string]metric.Origin{
		"": metric.SpanOrResource, "span_or_resource": metric.SpanOrResource,
		"span": metric.Span, "resource": metric.Resource, "event": metric.Event,
	}
)

// definitions returns the metrics of a valid configuration: the built-in ones with their changes, then the others by name.
func (c *Config) definitions() []metric.Definition {
	var all []metric.Definition
	builtIn := make(map[string]bool)
	for _, m := range c.builtIn() {
		builtIn[m.Name] = true
		if mc := c.Metrics[m.Name]; mc.enabled() {
			mc.change(&m, m.Values[0].Event)
			all = append(all, m)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Metrics)) {
		if mc := c.Metrics[name]; !builtIn[name] && mc.enabled() {
			all = append(all, mc.define(name))
		}
	}
	return all
}

func (c *Config) builtIn() []metric.Definition {
	if c.GenAI {
		return append(builtin.Metrics(), builtin.GenAI()...)
	}
	return builtin.Metrics()
}

func (mc *MetricConfig) enabled() bool { return mc.Enabled == nil || *mc.Enabled }

// define makes a metric that is not built in.
func (mc *MetricConfig) define(name string) metric.Definition {
	m := metric.Definition{
		Name: name, Unit: mc.Unit, Kind: kinds[mc.Kind], AllSpans: mc.Spans == "all", Labels: slices.Clone(builtin.Common),
	}
	if m.Kind == metric.Histogram {
		m.Buckets = slices.Clone(builtin.DefaultBuckets)
		if mc.Duration && mc.Unit == "s" {
			for i := range m.Buckets {
				m.Buckets[i] /= 1000
			}
		}
	}
	v := metric.Value{Event: mc.Event}
	v.Min, v.Max = mc.bounds()
	switch {
	case mc.Split != nil:
		m.SplitLabel = mc.Split.Label
		for _, value := range slices.Sorted(maps.Keys(mc.Split.Attributes)) {
			v.Split, v.Field = value, field(mc.Split.Attributes[value], mc.From, mc.Event)
			m.Values = append(m.Values, v)
		}
	case mc.Attribute != "":
		v.Field = field(mc.Attribute, mc.From, mc.Event)
	case mc.Duration:
		v.Source = metric.Duration
	default:
		v.Source = metric.Count
	}
	if mc.Split == nil {
		m.Values = []metric.Value{v}
	}
	mc.change(&m, mc.Event)
	return m
}

// mostInSum is the default maximum of a metric that has a sum: a single 1e300 would make the sum useless.
const mostInSum = 1e15

// bounds returns the smallest and the largest valid value. By default counters never decrease, and gauges have no sum.
func (mc *MetricConfig) bounds() (low, high float64) {
	low, high = -mostInSum, mostInSum
	switch kinds[mc.Kind] {
	case metric.Counter:
		low = 0
	case metric.Gauge:
		low, high = -math.MaxFloat64, math.MaxFloat64
	}
	return *cmp.Or(mc.Min, &low), *cmp.Or(mc.Max, &high)
}

// change applies the settings that built-in and other metrics share. event is the name of the events that the metric
// observes, "" for spans.
func (mc *MetricConfig) change(m *metric.Definition, event string) {
	m.Description = cmp.Or(mc.Description, m.Description)
	if mc.Buckets != nil {
		m.Buckets = mc.Buckets
	}
	m.Form = mc.Histogram
	for _, l := range mc.Labels {
		if l.Attribute != "" {
			m.Labels = append(m.Labels, metric.Label{Name: l.name(), Field: field(l.Attribute, l.From, event), Default: l.Default})
		}
	}
	for i := range mc.When {
		m.When = append(m.When, mc.When[i].condition(event))
	}
	m.SeriesLimit, m.Expiration = mc.SeriesLimit, cmp.Or(mc.SeriesExpiration, m.Expiration)
}

func (l *LabelConfig) name() string { return cmp.Or(l.Name, l.Attribute) }

// condition returns a condition of a metric that observes events of a name, "" for spans.
func (cc *ConditionConfig) condition(event string) metric.Condition {
	d := metric.Condition{
		Field: field(cc.Attribute, cc.From, event), Exists: cc.Exists, Min: cc.Min, Max: cc.Max,
		In: texts(one(cc.Equals), cc.In), NotIn: texts(one(cc.NotEquals), cc.NotIn),
	}
	if cc.Matches != "" {
		d.Matches, _ = regexp.Compile(cc.Matches) // Validate reports the error
	}
	return d
}

// field returns an attribute and where it is read from.
func field(key, from, event string) metric.Field {
	f := metric.Field{Key: key, Origin: origins[from]}
	switch {
	case from == "" && isIntrinsic(key):
		f.Origin = metric.Intrinsic
	case from == "" && event != "":
		f.Origin = metric.Event
	}
	return f
}

// isIntrinsic reports whether a key is that of a field that every span has.
func isIntrinsic(key string) bool {
	return key == metric.SpanName || key == metric.SpanKind || key == metric.StatusCode
}

// one returns a value as a list, which is empty if it is not set.
func one(value any) []any {
	if value == nil {
		return nil
	}
	return []any{value}
}

func texts(lists ...[]any) []string {
	var all []string
	for _, value := range slices.Concat(lists...) {
		text, _ := asText(value)
		all = append(all, text)
	}
	return all
}

// asText returns the text of a YAML scalar, which is that of an attribute of this value. It reports false for lists and blocks.
func asText(value any) (string, bool) {
	v := pcommon.NewValueEmpty()
	err := v.FromRaw(value)
	switch v.Type() {
	case pcommon.ValueTypeStr, pcommon.ValueTypeBool, pcommon.ValueTypeInt, pcommon.ValueTypeDouble:
		return v.AsString(), err == nil
	default:
		return "", false
	}
}
