package mlmetricsconnector

import (
	"errors"
	"fmt"
	"time"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/exponential"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/naming"
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
	if c.MaxSize < exponential.MinSize || c.MaxSize > 1000 {
		p.add("histograms::max_size", "%d is not within %d and 1000", c.MaxSize, exponential.MinSize)
	}
	if c.ExponentialSuffix == "" {
		p.add("histograms::exponential_suffix", "is empty; two histograms of one name overwrite each other in Prometheus; write a suffix such as .exponential")
	} else if naming.Metric("m"+c.ExponentialSuffix) != nil {
		p.add("histograms::exponential_suffix", "%q cannot end a metric's name; write letters, digits and _ . - / such as .exponential", c.ExponentialSuffix)
	}
}

func checkForm(p *problems, path string, form definition.Form) {
	switch form {
	case definition.Explicit, definition.Exponential, definition.Both:
	default:
		p.add(path, "%q is unknown; write explicit, exponential or both", form)
	}
}
