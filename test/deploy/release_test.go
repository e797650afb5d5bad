package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noRelease is what the documentation says until there is one.
const noRelease = "There is no release yet"

// TestReleaseIsSaid: until CHANGELOG.md has a release, the pages that install one say that there is none, and then no longer.
func TestReleaseIsSaid(t *testing.T) {
	changelog := file(t, "CHANGELOG.md")
	released := regexp.MustCompile(`(?m)^## \[\d+\.\d+\.\d+\]`).MatchString(changelog)
	for _, path := range []string{"README.md", "docs/deployment.md"} {
		says := regexp.MustCompile(noRelease).MatchString(file(t, path))
		assert.Equal(t, !released, says, "%s says %q", path, noRelease)
	}
}

// TestVersionHasOneHome: whatever names the version names that of builder-config.yaml.
func TestVersionHasOneHome(t *testing.T) {
	match := regexp.MustCompile(`(?m)^  version: (\S+)$`).FindStringSubmatch(file(t, "builder-config.yaml"))
	require.NotNil(t, match)
	for _, place := range []struct{ path, pattern string }{
		{"builder-config.yaml", module + ` v(\S+)`},
		{"test/peers/builder-config.yaml", module + ` v(\S+)`},
		{"README.md", module + ` v(\S+)`},
		{"README.md", `until v(\S+) is published`},
		{"README.md", `otelcol-ml(?:-image)?_(\d+\.\d+\.\d+)_`},
		{"docs/deployment.md", `otelcol-ml(?:-image)?[_:-](\d+\.\d+\.\d+)`},
		{"deploy/kubernetes/kustomization.yaml", `newTag: (\S+)`},
		{"deploy/kubernetes/chart/single.yaml", `tag: (\S+)`},
		{"deploy/kubernetes/chart/gateways.yaml", `tag: (\S+)`},
		{"deploy/kubernetes/operator/collector.yaml", `image: registry\.example\.com/otelcol-ml:(\S+)`},
	} {
		found := regexp.MustCompile(place.pattern).FindAllStringSubmatch(file(t, place.path), -1)
		assert.NotEmpty(t, found, "%s: %s", place.path, place.pattern)
		for _, version := range found {
			assert.Equal(t, match[1], version[1], place.path)
		}
	}
}

func file(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(text)
}
