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

// problems collects the mistakes in a configuration.
type problems struct{ list []error }

// add adds a mistake in the setting at a path. The format is "found X, must be Y; how to fix it".
func (p *problems) add(path, format string, args ...any) {
	p.list = append(p.list, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
}

// Validate returns an error that lists every mistake in the configuration.
func (c *Config) Validate() error {
	p := &problems{}
	if c.FlushInterval < time.Millisecond {
		p.add("metrics_flush_interval", "found %v, must be at least 1ms; write it with its unit, such as 15s", c.FlushInterval)
	}
	if c.Temporality != cumulative && c.Temporality != delta {
		p.add("aggregation_temporality", "found %q, must be cumulative (for Prometheus) or delta", c.Temporality)
	}
	if c.SeriesLimit < 0 {
		p.add("series_limit", "found %d, must be at least 0; write the largest number of series of a metric, or 0 for no limit", c.SeriesLimit)
	}
	if c.LabelLengthLimit < 0 {
		p.add("label_length_limit", "found %d, must be at least 0; write the largest number of bytes of a label's value, or 0 for no limit", c.LabelLengthLimit)
	}
	if c.SeriesExpiration == defaultExpiration && c.FlushInterval > defaultExpiration {
		p.add("metrics_flush_interval", "found %v, must be at most series_expiration, %v; write a shorter one, or a longer series_expiration (0 to keep every series for ever)", c.FlushInterval, c.SeriesExpiration)
	} else {
		c.checkExpiration("series_expiration", &c.SeriesExpiration, p)
	}
	c.Histograms.validate(p)
	c.validateMetrics(p)
	return errors.Join(p.list...)
}

// checkExpiration checks how long series may be idle; d is nil if that is not set.
func (c *Config) checkExpiration(path string, d *time.Duration, p *problems) {
	if d != nil && (*d < 0 || *d > 0 && *d < c.FlushInterval) {
		p.add(path, "found %v, must be at least metrics_flush_interval, %v; write a longer one, 0 to keep every series for ever, or a shorter metrics_flush_interval", *d, c.FlushInterval)
	}
}

func (c *HistogramsConfig) validate(p *problems) {
	checkForm(p, "histograms::type", c.Type)
	if c.MaxSize < series.MinMaxSize || c.MaxSize > 1000 {
		p.add("histograms::max_size", "found %d, must be from %d to 1000", c.MaxSize, series.MinMaxSize)
	}
	if c.ExponentialSuffix == "" {
		p.add("histograms::exponential_suffix", "found no value, must be a suffix such as .exponential; two histograms of one name overwrite each other in Prometheus")
	} else if promname.Metric("m"+c.ExponentialSuffix) != nil {
		p.add("histograms::exponential_suffix", "found %q, must be letters, digits and _ . - / such as .exponential", c.ExponentialSuffix)
	}
}

func checkForm(p *problems, path string, form metric.Form) {
	switch form {
	case metric.Explicit, metric.Exponential, metric.Both:
	default:
		p.add(path, "found %q, must be explicit, exponential or both", form)
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
				p.add(path, "found a metric named %s in Prometheus, must be another name: Prometheus writes a series of this name itself", name)
				break
			}
			by, ok := taken[name]
			if ok && by == m.Name { // the two forms of one histogram
				p.add("histograms::exponential_suffix", "found %q, must not make a second %s of %s in Prometheus; write another suffix such as .exponential", c.Histograms.ExponentialSuffix, name, by)
				return
			}
			if ok {
				p.add(path, "found a metric named %s in Prometheus, must be another name than a series of %s; rename one of them", name, by)
				break
			}
			taken[name] = m.Name
		}
		c.checkExpiration(path+"::series_expiration", c.Metrics[m.Name].SeriesExpiration, p)
		checkLabels(m, path, p)
	}
	c.checkInstanceLabel(metrics, p)
}

// checkLabels finds labels of a metric that have the same name in Prometheus.
func checkLabels(m *metric.Definition, path string, p *problems) {
	taken := make(map[string]string)
	for _, name := range labelNames(m) {
		translated := promname.PrometheusLabel(name)
		switch by, ok := taken[translated]; {
		case ok && by == name:
			p.add(path+"::labels", "found %s twice on %s, must be unique; leave it out, or write another name", name, m.Name)
		case ok:
			p.add(path+"::labels", "found %s and %s, must differ in Prometheus, where both are %s; write another name", by, name, translated)
		}
		taken[translated] = name
	}
}

// checkInstanceLabel finds the first metric that already has a label of the name of the instance's label.
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
				p.add("instance::label", "found %s, must differ from the label %s of %s: both are %s in Prometheus; rename one of them", label, name, metrics[i].Name, promname.PrometheusLabel(name))
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
		p.add(path, "found %d bounds, must be from 1 to %d", len(buckets), bucketindex.Max)
	}
	for i, b := range buckets {
		if math.IsNaN(b) || math.IsInf(b, 0) {
			p.add(path, "found %v, must be finite; the bucket above the last bound always exists", b)
		} else if i > 0 && b <= buckets[i-1] {
			p.add(path, "found %v after %v, must be in rising order, each bound once", b, buckets[i-1])
		}
	}
}

// checkRange reports whether the bounds of a range are finite; a bound is nil if it is not set.
func checkRange(low, high *float64, path string, p *problems) bool {
	ok := true
	for _, bound := range []struct {
		key string
		f   *float64
	}{{"min", low}, {"max", high}} {
		if bound.f != nil && (math.IsNaN(*bound.f) || math.IsInf(*bound.f, 0)) {
			p.add(path+"::"+bound.key, "found %v, must be finite; leave it out for no bound", *bound.f)
			ok = false
		}
	}
	return ok
}
