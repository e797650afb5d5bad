package mlmetricsconnector

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/builtin"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

// TestReadme fails where the tables of the README differ from the code. `go test -update` writes them.
func TestReadme(t *testing.T) {
	golden.EqualSchema(t, "config.schema.json", createDefaultConfig(), settingMeanings)
	golden.EqualSections(t, "README.md", map[string]string{
		"settings": golden.SettingsTable(t, createDefaultConfig(), settingMeanings),
		"common":   commonLabels(),
		"metrics":  metricsTable(),
		"genai":    table(builtin.GenAI(), 3),
	})
}

func commonLabels() string {
	names := make([]string, 0, len(builtin.Common))
	for _, l := range builtin.Common {
		name := "`" + l.Name + "`"
		for _, key := range l.Field.Alternatives {
			name += " (or `" + key + "`)"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ") + ".\n"
}

func metricsTable() string { return table(builtin.Metrics(), len(builtin.Common)) }

// table describes metrics, without the labels that all of them begin with.
func table(metrics []metric.Definition, common int) string {
	var b strings.Builder
	b.WriteString("| Metric | Kind | What | More labels |\n|---|---|---|---|\n")
	for _, m := range metrics {
		var labels []string
		for _, l := range m.Labels[common:] {
			labels = append(labels, "`"+l.Name+"`")
		}
		if m.SplitLabel != "" {
			var values []string
			for _, v := range m.Values {
				values = append(values, v.Split)
			}
			labels = append(labels, "`"+m.SplitLabel+"`: "+strings.Join(values, ", "))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Kind, m.Description, strings.Join(labels, ", "))
	}
	b.WriteString("\nBounds of the histograms:\n\n| Histogram | Bounds |\n|---|---|\n")
	for _, m := range metrics {
		if m.Kind != metric.Histogram {
			continue
		}
		var bounds []string
		for _, f := range m.Buckets {
			bounds = append(bounds, strconv.FormatFloat(f, 'f', -1, 64))
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", m.Name, strings.Join(bounds, ", "))
	}
	return b.String()
}
