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

// TestFaultsPage checks that every test that docs/faults.md names exists, and that `make faults` or `make hostile` runs it.
func TestFaultsPage(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	selects := func(variable string) *regexp.Regexp {
		found := regexp.MustCompile(`(?m)^` + variable + ` +:= (.*)$`).FindSubmatch(makefile)
		require.NotNil(t, found, variable)
		return regexp.MustCompile(string(found[1]))
	}
	faults, hostile := selects("FAULTS"), selects("HOSTILE")
	in := map[string]string{} // the module of a test
	for _, module := range []string{"test/e2e", "test/e2e/tiers", "test/e2e/disks"} {
		assert.Contains(t, string(makefile), "-C "+module+" ", "make faults runs it")
		files, err := filepath.Glob(filepath.Join(root, module, "*_test.go"))
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, test := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(text, -1) {
				in[string(test[1])] = module
			}
		}
	}
	rows := 0
	for line := range strings.Lines(read(t, "docs/faults.md").prose) {
		tests := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(line, -1)
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| Fault") {
			continue
		}
		rows++
		assert.NotEmpty(t, tests, line)
		pattern := faults
		if strings.Contains(line, "`make hostile`") {
			pattern = hostile
		}
		for _, test := range tests {
			if module := in[test[1]]; assert.NotEmpty(t, module, "%s exists", test[1]) && module == "test/e2e" {
				assert.True(t, pattern.MatchString(test[1]) || hostile.MatchString(test[1]), "the Makefile selects %s", test[1])
			}
		}
	}
	assert.Greater(t, rows, 25)
}
