package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinks checks that links inside the repository lead to a file, and to a
// heading where they name one.
func TestLinks(t *testing.T) {
	checked := 0
	for _, path := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(read(t, path).prose, -1) {
			target := match[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			checked++
			file, fragment, _ := strings.Cut(target, "#")
			linked := path
			if file != "" {
				linked = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(filepath.Join(root, linked)); !assert.NoError(t, err, "%s: link to %s", path, target) {
				continue
			}
			if fragment != "" && strings.HasSuffix(linked, ".md") {
				assert.True(t, read(t, linked).headings[fragment], "%s: %s has no heading for #%s", path, linked, fragment)
			}
		}
	}
	require.Positive(t, checked)
}

// alert is an alert of deploy/prometheus.
type alert struct {
	Alert               string
	Labels, Annotations map[string]string
}

// alerts returns every alert of deploy/prometheus.
func alerts(t *testing.T) []alert {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "deploy/prometheus/rules*.yaml"))
	require.NoError(t, err)
	var found []alert
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var rules struct{ Groups []struct{ Rules []alert } }
		require.NoError(t, yaml.Unmarshal(text, &rules))
		for _, group := range rules.Groups {
			for _, rule := range group.Rules {
				if rule.Alert != "" {
					found = append(found, rule)
				}
			}
		}
	}
	require.Greater(t, len(found), 30)
	return found
}

// TestRunbook checks that each alert has a section in the runbook with the four parts of one, that there is no section for
// an alert that is gone, and that the alert links to it and to a query.
func TestRunbook(t *testing.T) {
	const url = "https://github.com/otelcol-ml/otelcol-ml/blob/main/docs/runbook.md#"
	text, err := os.ReadFile(filepath.Join(root, "docs/runbook.md"))
	require.NoError(t, err)
	sections := map[string]string{}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		heading, body, _ := strings.Cut(section, "\n")
		sections[heading] = body
	}
	known := map[string]bool{}
	for _, rule := range alerts(t) {
		assert.False(t, known[rule.Alert], "two alerts %s", rule.Alert)
		known[rule.Alert] = true
		body, ok := sections[rule.Alert]
		assert.True(t, ok, "docs/runbook.md has no section %s", rule.Alert)
		at := -1
		for _, part := range []string{"**Meaning:**", "**Impact:**", "**Diagnosis:**", "**Mitigation:**"} {
			assert.Equal(t, 1, strings.Count(body, part), "docs/runbook.md, %s: %s", rule.Alert, part)
			assert.Greater(t, strings.Index(body, part), at, "docs/runbook.md, %s: the order of %s", rule.Alert, part)
			at = strings.Index(body, part)
		}
		assert.Equal(t, url+anchor(rule.Alert), rule.Annotations["runbook_url"], rule.Alert)
		assert.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
		assert.NotEmpty(t, rule.Annotations["description"], rule.Alert)
		assert.Contains(t, rule.Annotations["query_url"], "{{ $externalURL }}{{ graphLink", rule.Alert)
		assert.Contains(t, []string{"info", "warning", "critical"}, rule.Labels["severity"], rule.Alert)
	}
	for heading := range sections {
		assert.True(t, known[heading], "docs/runbook.md has a section %s for an alert that there is not", heading)
	}
}
