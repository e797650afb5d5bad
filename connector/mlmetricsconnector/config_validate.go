package mlmetricsconnector

import (
	"errors"
	"fmt"
	"math"
	"time"

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

// check adds a mistake unless the setting is right, and returns whether it is.
func (p *problems) check(right bool, path, format string, args ...any) bool {
	if !right {
		p.add(path, format, args...)
	}
	return right
}

// valid adds an error of a name or a unit, and returns whether there is none.
func (p *problems) valid(err error, path string) bool { return p.check(err == nil, path, "%v", err) }

// Validate returns an error that lists every mistake in the configuration.
func (c *Config) Validate() error {
	p := &problems{}
	p.check(c.FlushInterval >= time.Millisecond, "metrics_flush_interval",
		"found %v, must be at least 1ms; write it with its unit, such as 15s", c.FlushInterval)
	p.check(c.Temporality == cumulative || c.Temporality == delta, "aggregation_temporality",
		"found %q, must be cumulative (for Prometheus) or delta", c.Temporality)
	p.check(c.SeriesLimit >= 0, "series_limit",
		"found %d, must be at least 0; write the largest number of series of a metric, or 0 for no limit", c.SeriesLimit)
	p.check(c.LabelLengthLimit >= 0, "label_length_limit",
		"found %d, must be at least 0; write the largest number of bytes of a label's value, or 0 for no limit", c.LabelLengthLimit)
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
	if d != nil && *d != 0 {
		p.check(*d > 0 && *d >= c.FlushInterval, path, "found %v, must be at least metrics_flush_interval, %v; write a longer one, 0 to keep every series for ever, or a shorter metrics_flush_interval", *d, c.FlushInterval)
	}
}

func (c *HistogramsConfig) validate(p *problems) {
	checkForm(p, "histograms::type", c.Type)
	p.check(c.MaxSize >= series.MinMaxSize && c.MaxSize <= 1000, "histograms::max_size", "found %d, must be from %d to 1000", c.MaxSize, series.MinMaxSize)
	const suffix = "histograms::exponential_suffix"
	if p.check(c.ExponentialSuffix != "", suffix, "found no value, must be a suffix such as .exponential; two histograms of one name overwrite each other in Prometheus") {
		p.check(promname.Metric("m"+c.ExponentialSuffix) == nil, suffix, "found %q, must be letters, digits and _ . - / such as .exponential", c.ExponentialSuffix)
	}
}

func checkForm(p *problems, path string, form metric.Form) {
	p.check(form == metric.Explicit || form == metric.Exponential || form == metric.Both, path, "found %q, must be explicit, exponential or both", form)
}

// checkRange checks the bounds of a range; a bound that is not set is nil.
func checkRange(p *problems, path string, low, high *float64) {
	finite := true
	for i, bound := range []*float64{low, high} {
		if bound != nil {
			finite = p.check(!math.IsNaN(*bound) && !math.IsInf(*bound, 0), path+[]string{"::min", "::max"}[i], "found %v, must be finite; leave it out for no bound", *bound) && finite
		}
	}
	if finite && low != nil && high != nil {
		p.check(*low <= *high, path+"::max", "found %v, must be at least min, %v", *high, *low)
	}
}
