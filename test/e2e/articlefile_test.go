package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/traffic"
)

// testArticleFile reports which traces that must be kept the article's own file loses, for each reason to keep them, and that it
// loses the long queues because its numeric_attribute policy reads a double as 0.
func testArticleFile(t *testing.T, sent []traffic.Sent, shipped, article traffic.Stored, matched float64) {
	var report strings.Builder
	fmt.Fprintf(&report, "\n%-26s %8s %16s %22s\n", "traces kept by", "sent", "otelcol.yaml", "the article's file")
	row := func(name string, is func(traffic.Sent) bool) (of, kept int) {
		var byShipped int
		for i, s := range sent {
			if s.Unsure || !is(s) {
				continue
			}
			of++
			if shipped[i] == s.Spans {
				byShipped++
			}
			if article[i] == s.Spans {
				kept++
			}
		}
		fmt.Fprintf(&report, "%-26s %8d %8d %5.1f %% %14d %5.1f %%\n", name, of, byShipped, percent(byShipped, of), kept, percent(kept, of))
		return of, kept
	}
	for _, reason := range traffic.Reasons {
		row(reason.Policy, func(s traffic.Sent) bool { return s.InTime&reason.Reason != 0 })
	}
	mustKeep, mustKeepKept := row("all that must be kept", func(s traffic.Sent) bool { return s.InTime != 0 })
	row("long queues, as doubles", func(s traffic.Sent) bool {
		return s.InTime&traffic.HighQueueWait != 0 && s.Types == traffic.Articles
	})
	alone := func(s traffic.Sent) bool {
		return s.InTime&traffic.HighQueueWait != 0 && s.InTime&(traffic.Slow|traffic.Failed|traffic.Revalidated) == 0 && s.Types == traffic.Articles
	}
	queued, queuedKept := row("... and not slow as well", alone)
	t.Log(report.String())

	assert.Less(t, percent(mustKeepKept, mustKeep), 80.0, "the article's file loses traces that must be kept")
	require.Greater(t, queued, 100)
	inBaseline := count(sent, func(s traffic.Sent) bool { return alone(s) && s.Baseline && !s.Unsure })
	integers := func(s traffic.Sent) bool { return s.InTime&traffic.HighQueueWait != 0 && s.Types == traffic.Integers }
	unsure := count(sent, func(s traffic.Sent) bool { return s.Unsure && integers(s) })
	assert.InDelta(t, count(sent, integers), matched, float64(unsure), "numeric_attribute sees the waits that are sent as integers, and no other")
	assert.Equal(t, inBaseline, queuedKept, "a long wait in a double is kept by chance only")
}

// longQueueMatches counts the traces that the policy high-gpu-queue has matched.
func longQueueMatches(t *testing.T, running *collector.Collector) float64 {
	t.Helper()
	telemetry, err := running.Telemetry(t.Context())
	require.NoError(t, err)
	return policyMatches(telemetry, "high-gpu-queue")
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(of) }

func policyMatches(telemetry scrape.Samples, policy string) float64 {
	return telemetry.Sum(ofContrib+"count_traces_sampled", "policy", policy, "sampled", "true")
}
