package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// TestDocsIndex checks that docs/README.md leads to every page, and README.md to it.
func TestDocsIndex(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(root, "docs/*.md"))
	require.NoError(t, err)
	index := read(t, "docs/README.md").prose
	for _, path := range pages {
		if name := filepath.Base(path); name != "README.md" {
			assert.Contains(t, index, "]("+name, "the index of docs/")
		}
	}
	assert.Contains(t, read(t, "README.md").prose, "](docs/README.md)")
}

// TestSignalsPage checks docs/signals.md: its signals, the attributes that they need, and the policies that keep them.
func TestSignalsPage(t *testing.T) {
	vocabulary := read(t, "docs/vocabulary.md").prose // its tables are those of the code
	config, err := os.ReadFile(filepath.Join(root, "otelcol.yaml"))
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| `(ml\\.signal\\.\\w+)` \\|[^|]*\\|([^|]*)\\| `([a-z-]+)` \\|$").FindAllStringSubmatch(read(t, "docs/signals.md").prose, -1)
	var signals []string
	for _, row := range rows {
		signals = append(signals, row[1])
		for _, attribute := range regexp.MustCompile("`(ml\\.[^`]+)`").FindAllStringSubmatch(row[2], -1) {
			assert.Contains(t, vocabulary, "| `"+attribute[1]+"` |", row[1])
		}
		_, policy, found := strings.Cut(string(config), "- name: "+row[3]+"\n")
		if assert.True(t, found, row[3]) {
			policy, _, _ = strings.Cut(policy, "- name:")
			assert.Contains(t, policy, "key: "+row[1]+",", row[3])
		}
	}
	var known []string
	for _, match := range regexp.MustCompile("(?m)^\\| `(ml\\.signal\\.\\w+)` \\|").FindAllStringSubmatch(vocabulary, -1) {
		known = append(known, match[1])
	}
	assert.ElementsMatch(t, known, signals)
}

// TestPorts checks that docs/security.md lists the ports of otelcol.yaml.
func TestPorts(t *testing.T) {
	config, err := os.ReadFile(filepath.Join(root, "otelcol.yaml"))
	require.NoError(t, err)
	var table strings.Builder
	for _, row := range regexp.MustCompile(`(?m)^\| ([\d, ]+) \|`).FindAllStringSubmatch(read(t, "docs/security.md").prose, -1) {
		table.WriteString(row[1] + ",")
	}
	ports := regexp.MustCompile(`(?::-localhost:|_PORT:-)(\d+)\}`).FindAllStringSubmatch(string(config), -1)
	require.Greater(t, len(ports), 6)
	for _, port := range ports {
		assert.Contains(t, table.String(), port[1], "docs/security.md")
	}
}

// TestMetricsPage checks that the metrics of docs/metrics.md exist.
func TestMetricsPage(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "connector/mlmetricsconnector/README.md"))
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| (`(?:ml_|duration_)[^|]+) \\|").FindAllStringSubmatch(read(t, "docs/metrics.md").prose, -1)
	require.Greater(t, len(rows), 5)
	known := map[string]bool{}
	for _, row := range metricRow.FindAllStringSubmatch(string(readme), -1) {
		known[strings.ReplaceAll(row[1], ".", "_")] = true
	}
	for _, row := range rows {
		for _, name := range regexp.MustCompile(`\w+`).FindAllString(row[1], -1) {
			assert.True(t, known[strings.TrimSuffix(name, "_total")], name)
		}
	}
}

// TestAlertsPage checks that docs/alerts.md lists every alert with its severity.
func TestAlertsPage(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "deploy/prometheus/rules-*.yaml"))
	require.NoError(t, err)
	want := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var rules struct {
			Groups []struct {
				Rules []struct {
					Alert  string
					Labels map[string]string
				}
			}
		}
		require.NoError(t, yaml.Unmarshal(text, &rules))
		for _, group := range rules.Groups {
			for _, rule := range group.Rules {
				if rule.Alert != "" {
					want[rule.Alert] = rule.Labels["severity"]
				}
			}
		}
	}
	prose := read(t, "docs/alerts.md").prose
	got := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| \[(ML\w+)\]\(runbook\.md#\w+\) \| (\w+) \|`).FindAllStringSubmatch(prose, -1) {
		got[row[1]] = row[2]
	}
	assert.Equal(t, want, got)
	assert.Contains(t, prose, fmt.Sprintf("\n%d alerts,", len(want)))
}
