package builtin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

// TestPromises writes the built-in metrics for internal/promises.
func TestPromises(t *testing.T) {
	var b strings.Builder
	add := func(m *metric.Definition, common []metric.Label) {
		var labels []string
		if m.SplitLabel != "" {
			labels = append(labels, m.SplitLabel)
		}
		for _, l := range append(common, m.Labels...) {
			labels = append(labels, l.Name)
		}
		fmt.Fprintf(&b, "metric %s %s %s %s\n", m.Name, m.Kind, m.Unit, strings.Join(labels, ","))
	}
	for _, m := range Metrics() {
		add(&m, Common)
	}
	for _, m := range GenAI() {
		add(&m, nil)
	}
	golden.EqualText(t, "../../../../internal/promises/metrics.txt", b.String())
}
