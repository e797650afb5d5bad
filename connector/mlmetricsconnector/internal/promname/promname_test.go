package promname

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
)

// TestSeries has the names that the Prometheus exporter writes; they were taken from github.com/prometheus/otlptranslator v1.0.0.
func TestSeries(t *testing.T) {
	for _, c := range []struct {
		name, unit string
		kind       metric.Kind
		expected   string // the first of the names
	}{
		{"a.wait", "", metric.Histogram, "a_wait"},
		{"a.wait", "ms", metric.Histogram, "a_wait_milliseconds"},
		{"a.wait.seconds", "s", metric.Histogram, "a_wait_seconds"},
		{"a.seconds.wait", "s", metric.Histogram, "a_seconds_wait"},
		{"a..b__c", "{x}", metric.Histogram, "a_b_c"},
		{"a.total", "s", metric.Histogram, "a_total_seconds"},
		{"a.b", "1", metric.Histogram, "a_b"},
		{"a-b/c", "m/s", metric.Histogram, "a_b_c_meters_per_second"},
		{"a.wait", "", metric.Counter, "a_wait_total"},
		{"a.wait", "s", metric.Counter, "a_wait_seconds_total"},
		{"a.total", "s", metric.Counter, "a_seconds_total"},
		{"a.total.b", "{x}", metric.Counter, "a_b_total"},
		{"a.b_total", "", metric.Counter, "a_b_total"},
		{"a.rate", "By/s", metric.Counter, "a_rate_bytes_per_second_total"},
		{"a.rate", "{x}/s", metric.Counter, "a_rate_per_second_total"},
		{"a.per.second", "By/s", metric.Counter, "a_per_second_bytes_per_second_total"},
		{"a.b", "1", metric.Counter, "a_b_total"},
		{"total", "", metric.Counter, "total"},
		{"a.wait", "s", metric.Gauge, "a_wait_seconds"},
		{"a.b", "1", metric.Gauge, "a_b_ratio"},
		{"a.ratio.b", "1", metric.Gauge, "a_b_ratio"},
		{"a.total.b", "{x}", metric.Gauge, "a_total_b"},
		{"a.b", "%", metric.Gauge, "a_b_percent"},
		{"a.b", "KiBy", metric.Gauge, "a_b_kibibytes"},
		{"a.b", "furlong", metric.Gauge, "a_b_furlong"},
		{"a.b", "foo bar!", metric.Gauge, "a_b_foo_bar_"},
		{"a.b", "_x_", metric.Gauge, "a_b_x_"},
		{"a.b", "/s", metric.Gauge, "a_b_per_second"},
		{"a.b", "y/y", metric.Gauge, "a_b_y_per_year"},
		{"a_", "s", metric.Gauge, "a_seconds"},
		{"A.b", "", metric.Gauge, "A_b"},
	} {
		names := Series(c.name, c.unit, c.kind)
		if c.kind == metric.Histogram {
			require.Equal(t, []string{c.expected, c.expected + "_bucket", c.expected + "_count", c.expected + "_sum"}, names)
			continue
		}
		require.Equal(t, c.expected, names[0], "%s in %q", c.name, c.unit)
	}
}

func TestUnitTwice(t *testing.T) {
	for _, c := range []struct {
		name, unit string
		wrong      bool
	}{
		{"a.wait_ms", "ms", true}, {"a.wait_ms", "", false}, {"a.wait_ms", "{x}", false}, {"a.wait", "ms", false},
		{"a.wait_sec", "s", true}, {"a.wait_secs", "ms", true}, {"a.wait_ms_p99", "ms", true}, {"a.sec.wait", "s", true}, {"a.min.wait", "s", false},
		{"a.seconds.wait", "s", false}, {"a.msec", "{x}", false}, {"a.size_mb_max", "MBy", true}, {"a.size_mib", "By", true}, {"a.seconder", "s", false},
		{"a.seconds", "s", false}, {"a.seconds", "ms", true}, {"a.bytes", "KBy", true}, {"a.seconds", "1", false},
	} {
		require.Equal(t, c.wrong, Unit(c.name, c.unit) != nil, "%s in %q", c.name, c.unit)
	}
}

func TestUnitsAreUCUM(t *testing.T) {
	for _, unit := range []string{
		"ms", "By", "%", "1", "{request}", "{x}/s", "By/s", "m/s2", "10*3/ul", "kg.m/s2", "kg/(m.s2)", "[in_i]", "mm[Hg]", "/s", "By{free}", "Cel", "10^9", "'", "furlong",
	} {
		require.NoError(t, Unit("a.b", unit), unit)
	}
	for _, unit := range []string{"foo bar!", "foo!", " ms", "ms ", "m//s", "s/", "{x", "x}", "{a b}", "µs", "a,b", "€"} {
		require.ErrorContains(t, Unit("a.b", unit), "must be a UCUM unit", unit)
	}
}
