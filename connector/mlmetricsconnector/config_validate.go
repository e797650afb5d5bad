package mlmetricsconnector

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/bucketindex"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/promname"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/series"
)

// problems collects what is wrong, each with the key that it is about.
type problems struct{ list []error }

// add notes a problem with the key at a path.
func (p *problems) add(path, format string, args ...any) {
	p.list = append(p.list, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
}

// Validate tells everything that is wrong with the configuration.
func (c *Config) Validate() error {
	p := &problems{}
	if c.FlushInterval < time.Millisecond {
		p.add("metrics_flush_interval", "%v is shorter than a millisecond; write a duration with its unit, such as 15s", c.FlushInterval)
	}
	if c.Temporality != cumulative && c.Temporality != delta {
		p.add("aggregation_temporality", "%q is unknown; write cumulative (Prometheus) or delta", c.Temporality)
	}
	if c.SeriesLimit < 0 {
		p.add("series_limit", "%d is negative; write the largest number of series of a metric, or 0 for no limit", c.SeriesLimit)
	}
	if c.LabelLengthLimit < 0 {
		p.add("label_length_limit", "found %d, must be 0 or more; write the largest number of bytes of a label's value, or 0 for no limit", c.LabelLengthLimit)
	}
	if c.SeriesExpiration == defaultExpiration && c.FlushInterval > defaultExpiration {
		p.add("metrics_flush_interval", "%v is longer than series_expiration, %v; write a shorter one, or a longer series_expiration (0 to keep every series for ever)", c.FlushInterval, c.SeriesExpiration)
	} else {
		c.checkExpiration("series_expiration", &c.SeriesExpiration, p)
	}
	c.Histograms.validate(p)
	c.validateMetrics(p)
	return errors.Join(p.list...)
}

// checkExpiration checks how long series may be idle, nil where that is not set.
func (c *Config) checkExpiration(path string, d *time.Duration, p *problems) {
	if d != nil && (*d < 0 || *d > 0 && *d < c.FlushInterval) {
		p.add(path, "%v is shorter than metrics_flush_interval, %v; write a longer one, 0 to keep every series for ever, or a shorter metrics_flush_interval", *d, c.FlushInterval)
	}
}

func (c *HistogramsConfig) validate(p *problems) {
	checkForm(p, "histograms::type", c.Type)
	if c.MaxSize < series.MinMaxSize || c.MaxSize > 1000 {
		p.add("histograms::max_size", "%d is not within %d and 1000", c.MaxSize, series.MinMaxSize)
	}
	if c.ExponentialSuffix == "" {
		p.add("histograms::exponential_suffix", "is empty; two histograms of one name overwrite each other in Prometheus; write a suffix such as .exponential")
	} else if promname.Metric("m"+c.ExponentialSuffix) != nil {
		p.add("histograms::exponential_suffix", "%q cannot end a metric's name; write letters, digits and _ . - / such as .exponential", c.ExponentialSuffix)
	}
}

func checkForm(p *problems, path string, form metric.Form) {
	switch form {
	case metric.Explicit, metric.Exponential, metric.Both:
	default:
		p.add(path, "%q is unknown; write explicit, exponential or both", form)
	}
}

// validateMetrics checks the metrics one by one and against each other.
func (c *Config) validateMetrics(p *problems) {
	metrics := c.build(p)
	taken := make(map[string]string)
	for i := range metrics {
		m := &metrics[i]
		path := "metrics::" + m.Name
		names := promname.Series(m.Name, m.Unit, m.Kind)
		if m.Kind == metric.Histogram && cmp.Or(m.Form, c.Histograms.Type) == metric.Both {
			names = append(names, promname.Series(m.Name+c.Histograms.ExponentialSuffix, m.Unit, m.Kind)...)
		}
		for _, name := range slices.Compact(names) {
			if promname.Reserved(name) {
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
}

// checkLabels finds labels of a metric that would be one.
func checkLabels(m *metric.Definition, path string, p *problems) {
	taken := make(map[string]string)
	for _, name := range labelNames(m) {
		translated := promname.PrometheusLabel(name)
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
func (c *Config) checkInstanceLabel(metrics []metric.Definition, p *problems) {
	label := c.Instance.Label
	if label == "" {
		return
	}
	if err := promname.Label(label); err != nil {
		p.add("instance::label", "%v", err)
		return
	}
	for i := range metrics {
		for _, name := range labelNames(&metrics[i]) {
			if promname.PrometheusLabel(name) == promname.PrometheusLabel(label) {
				p.add("instance::label", "%s and the label %s of %s are both %s in Prometheus; write another name for one of them", label, name, metrics[i].Name, promname.PrometheusLabel(name))
				return
			}
		}
	}
}

func labelNames(m *metric.Definition) []string {
	var names []string
	for _, l := range m.Labels {
		names = append(names, l.Name)
	}
	if m.SplitLabel != "" {
		names = append(names, m.SplitLabel)
	}
	return names
}

func checkBuckets(buckets []float64, path string, p *problems) {
	if len(buckets) == 0 || len(buckets) > bucketindex.Max {
		p.add(path, "%d bounds are not within 1 and %d", len(buckets), bucketindex.Max)
	}
	for i, b := range buckets {
		if math.IsNaN(b) || math.IsInf(b, 0) {
			p.add(path, "%v is not finite; the bucket above the last bound is always there", b)
		} else if i > 0 && b <= buckets[i-1] {
			p.add(path, "%v follows %v; write the bounds in rising order, each once", b, buckets[i-1])
		}
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
