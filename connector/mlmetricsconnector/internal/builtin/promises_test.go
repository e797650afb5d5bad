package builtin

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// TestPromises writes the built-in metrics for internal/promises.
func TestPromises(t *testing.T) {
	var b strings.Builder
	for _, l := range Common {
		fmt.Fprintf(&b, "label %s\n", l.Name)
	}
	for _, m := range append(Metrics(), GenAI()...) {
		var labels []string
		if m.SplitLabel != "" {
			labels = append(labels, m.SplitLabel)
		}
		for _, l := range m.Labels {
			if !slices.ContainsFunc(Common, func(c metric.Label) bool { return c.Name == l.Name }) {
				labels = append(labels, l.Name)
			}
		}
		fmt.Fprintln(&b, strings.Join(strings.Fields(fmt.Sprintf("metric %s %s %s %s", m.Name, m.Kind, m.Unit, strings.Join(labels, ","))), " "))
	}
	golden.EqualText(t, "../../../../internal/promises/metrics.txt", b.String())
}

// TestNoPersonalDataInLabels: with defaults no label is who sent a request, which request it was, or what it said.
func TestNoPersonalDataInLabels(t *testing.T) {
	personal := []string{vocab.ClientID, vocab.RequestID, "prompt", "completion", "message", "content", "user", "session", "email"}
	check := func(metric, key string) {
		for _, p := range personal {
			require.NotContains(t, key, p, metric)
		}
	}
	for _, m := range append(Metrics(), GenAI()...) {
		for _, l := range append(m.Labels, Common...) {
			for _, key := range append([]string{l.Name, l.Field.Key}, l.Field.Alternatives...) {
				check(m.Name, key)
			}
		}
	}
}
