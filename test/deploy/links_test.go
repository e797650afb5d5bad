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

// TestRunbook checks that each alert has a section in the runbook, that the
// section quotes no alert that is gone, and that the alert links to it.
func TestRunbook(t *testing.T) {
	const url = "https://github.com/otelcol-ml/otelcol-ml/blob/main/docs/runbook.md#"
	text, err := os.ReadFile(filepath.Join(root, "deploy/prometheus/rules.yaml"))
	require.NoError(t, err)
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert               string
				Labels, Annotations map[string]string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &rules))

	runbook := read(t, "docs/runbook.md")
	alerts := map[string]bool{}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" {
				continue
			}
			alerts[anchor(rule.Alert)] = true
			assert.True(t, runbook.headings[anchor(rule.Alert)], "docs/runbook.md has no section %s", rule.Alert)
			assert.Equal(t, url+anchor(rule.Alert), rule.Annotations["runbook_url"], rule.Alert)
			assert.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
			assert.NotEmpty(t, rule.Annotations["description"], rule.Alert)
			assert.Contains(t, []string{"info", "warning", "critical"}, rule.Labels["severity"], rule.Alert)
		}
	}
	require.NotEmpty(t, alerts)
	for heading := range runbook.headings {
		if strings.HasPrefix(heading, "ml") {
			assert.True(t, alerts[heading], "docs/runbook.md has a section #%s for an alert that rules.yaml has not", heading)
		}
	}
}
