package deploy

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	// place is a path of the repository, and after a colon what stands in it.
	place  = regexp.MustCompile("`((?:processor|connector|exporter|extension|internal|deploy|test)/[^` ]+)`(?:: `([^`]+)`)?")
	pkgRow = regexp.MustCompile("(?m)^\\| `((?:processor|connector|exporter|extension|internal)/[^`]+)` \\|")
	goFile = regexp.MustCompile(`\.go$`)
)

// TestPlacesOfContributing: every path of docs/contributing.md exists and has what the page says it has, and the table of
// packages has every package of the components.
func TestPlacesOfContributing(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/contributing.md"))
	require.NoError(t, err)
	found := place.FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(found), 50)
	for _, p := range found {
		info, err := os.Stat(filepath.Join(root, p[1]))
		if !assert.NoError(t, err) || p[2] == "" {
			continue
		}
		require.False(t, info.IsDir(), p[1])
		file, err := os.ReadFile(filepath.Join(root, p[1]))
		require.NoError(t, err)
		assert.Contains(t, string(file), p[2], p[1])
	}

	var documented []string
	for _, row := range pkgRow.FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, row[1])
	}
	var packages []string
	for _, top := range []string{"internal", "processor", "connector", "exporter", "extension"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.IsDir() {
				return err
			}
			files, err := os.ReadDir(path)
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(root, path)
			generated := strings.HasSuffix(relative, "/internal/metadata") || strings.HasSuffix(relative, "/internal/metadatatest")
			if err == nil && !generated && slices.ContainsFunc(files, func(f fs.DirEntry) bool { return goFile.MatchString(f.Name()) }) {
				packages = append(packages, filepath.ToSlash(relative))
			}
			return err
		}))
	}
	assert.ElementsMatch(t, packages, documented, "docs/contributing.md must have each package once")
}
