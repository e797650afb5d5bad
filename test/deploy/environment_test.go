package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	variable = regexp.MustCompile(`\$\{env:(\w+):-([^}]*)\}`)
	listed   = regexp.MustCompile(`(?m)^#   (OTELCOL_ML_\w+) .*?(\S+)$`)
	tabled   = regexp.MustCompile("(?m)^\\| `(OTELCOL_ML_\\w+)` \\| `?([^ `]+)`? \\|")
)

// TestEnvironment checks that otelcol.yaml reads the variables that its head and
// docs/configuration.md list, with the defaults that these state.
func TestEnvironment(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "otelcol.yaml"))
	require.NoError(t, err)
	used := map[string]string{}
	for _, match := range variable.FindAllStringSubmatch(string(text), -1) {
		used[match[1]] = match[2]
	}
	head := map[string]string{}
	for _, match := range listed.FindAllStringSubmatch(string(text), -1) {
		head[match[1]] = match[2]
	}
	assert.Equal(t, used, head, "the head of otelcol.yaml")

	table := map[string]string{}
	for _, match := range tabled.FindAllStringSubmatch(read(t, "docs/configuration.md").prose, -1) {
		table[match[1]] = match[2]
	}
	assert.Equal(t, used, table, "docs/configuration.md")
}
