package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	// metricRow is a row of the metrics' table in the README of mlmetrics, which is compared with the code.
	metricRow = regexp.MustCompile("(?m)^\\| `([a-z0-9_.]+)` \\| (histogram|counter|gauge) \\|")
	// ownMetric is a heading of documentation.md, which mdatagen generates.
	ownMetric = regexp.MustCompile(`(?m)^### (otelcol_[a-z_]+)$`)
	// usedMetric is a metric of ours in a rule or query. Recording rules have colons.
	usedMetric = regexp.MustCompile(`(?:^|[^a-z_:])((?:ml|otelcol_processor_ml|otelcol_connector_ml|otelcol_extension_ml|duration_ms)[a-z0-9]*_[a-z0-9_]+)\b[^:]`)
	// promLabel is a label of ours, which looks like a metric.
	promLabel = regexp.MustCompile(`^ml_(pipeline_name|pipeline_success|model_name|model_version|experiment_variant|stage|device_id|signal)$`)
)

// TestMetricNames checks that the metrics of the rules and of the documentation's
// queries are those that the components have.
func TestMetricNames(t *testing.T) {
	known := map[string]bool{}
	readme, err := os.ReadFile(filepath.Join(root, "connector/mlmetricsconnector/README.md"))
	require.NoError(t, err)
	for _, row := range metricRow.FindAllStringSubmatch(string(readme), -1) {
		name := strings.ReplaceAll(row[1], ".", "_")
		for _, suffix := range map[string][]string{
			"histogram": {"_bucket", "_sum", "_count"}, "counter": {"_total"}, "gauge": {""},
		}[row[2]] {
			known[name+suffix] = true
		}
	}
	generated, err := filepath.Glob(filepath.Join(root, "*/*/documentation.md"))
	require.NoError(t, err)
	for _, path := range generated {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, heading := range ownMetric.FindAllStringSubmatch(string(text), -1) {
			known[heading[1]] = true
		}
	}
	require.True(t, known["duration_ms_bucket"])
	require.True(t, known["otelcol_processor_mlsignals_spans"])

	queries := map[string]string{}
	rules, err := filepath.Glob(filepath.Join(root, "deploy/prometheus/*.yaml"))
	require.NoError(t, err)
	require.Greater(t, len(rules), 8, "rules and their tests")
	for _, file := range rules {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		queries[file] = string(text)
	}
	for _, path := range pages(t) {
		for _, b := range read(t, path).blocks {
			if b.language == "promql" {
				queries[path] += b.text + "\n"
			}
		}
	}
	used := 0
	for where, text := range queries {
		for _, match := range usedMetric.FindAllStringSubmatch(text, -1) {
			if promLabel.MatchString(match[1]) {
				continue
			}
			used++
			assert.True(t, known[match[1]], "%s: no component has the metric %s", where, match[1])
		}
	}
	require.Positive(t, used)
}
