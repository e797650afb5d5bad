package main

import (
	"fmt"
	"strings"
)

// selector is what every query about spans selects: the variables of the dashboards.
const selector = `deployment_environment=~"$environment", ml_pipeline_name=~"$pipeline", service_name=~"$service", ml_model_name=~"$model", instance=~"$instance"`

// window is the range of rates.
const window = "[$__rate_interval]"

// histograms writes queries of histograms. m is the name of a metric, more
// further matchers, by labels to group by, all separated by commas.
type histograms interface {
	// quantile is a quantile over all spans.
	quantile(q float64, m, more, by string) string
	// mean is the mean over all spans, not a mean of means.
	mean(m, more, by string) string
	// count is the number of spans a second, sum what they add up to a second.
	count(m, more, by string) string
	sum(m, more, by string) string
	// above is the share of spans above a bound of the histogram, 0 to 1.
	above(bound string, m, more, by string) string
	// heat is the histogram over time.
	heat(m, more string) string
}

func group(by string) string {
	if by == "" {
		return ""
	}
	return " by (" + by + ")"
}

func matchers(more string) string {
	if more == "" {
		return "{" + selector + "}"
	}
	return "{" + selector + ", " + more + "}"
}

func join(labels ...string) string {
	var out []string
	for _, l := range labels {
		if l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, ", ")
}

// classic is explicit histograms, the default.
type classic struct{}

func (classic) quantile(q float64, m, more, by string) string {
	return fmt.Sprintf("histogram_quantile(%v, sum%s (rate(%s_bucket%s%s)))", q, group(join(by, "le")), m, matchers(more), window)
}

func (c classic) mean(m, more, by string) string {
	return c.sum(m, more, by) + " / " + c.count(m, more, by)
}

func (classic) count(m, more, by string) string {
	return fmt.Sprintf("sum%s (rate(%s_count%s%s))", group(by), m, matchers(more), window)
}

func (classic) sum(m, more, by string) string {
	return fmt.Sprintf("sum%s (rate(%s_sum%s%s))", group(by), m, matchers(more), window)
}

func (c classic) above(bound, m, more, by string) string {
	below := fmt.Sprintf("sum%s (rate(%s_bucket%s%s))", group(by), m, matchers(join(more, `le=~"`+bound+`(\\.0)?"`)), window)
	return "1 - " + below + " / " + c.count(m, more, by)
}

func (classic) heat(m, more string) string {
	return fmt.Sprintf("sum by (le) (increase(%s_bucket%s%s))", m, matchers(more), window)
}

// native is exponential histograms, which Prometheus stores as native ones.
type native struct{}

func rate(m, more string) string { return fmt.Sprintf("rate(%s%s%s)", m, matchers(more), window) }

func (native) quantile(q float64, m, more, by string) string {
	return fmt.Sprintf("histogram_quantile(%v, sum%s (%s))", q, group(by), rate(m, more))
}

func (native) mean(m, more, by string) string {
	return fmt.Sprintf("histogram_avg(sum%s (%s))", group(by), rate(m, more))
}

func (native) count(m, more, by string) string {
	return fmt.Sprintf("histogram_count(sum%s (%s))", group(by), rate(m, more))
}

func (native) sum(m, more, by string) string {
	return fmt.Sprintf("histogram_sum(sum%s (%s))", group(by), rate(m, more))
}

func (native) above(bound, m, more, by string) string {
	return fmt.Sprintf("1 - histogram_fraction(-Inf, %s, sum%s (%s))", bound, group(by), rate(m, more))
}

func (native) heat(m, more string) string {
	return fmt.Sprintf("sum (increase(%s%s%s))", m, matchers(more), window)
}
