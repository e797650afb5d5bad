package deploy

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// extensions of the files that a block of a language is from.
var extensions = map[string]string{"python": ".py", "go": ".go"}

// TestSnippets checks that each snippet of docs/instrument.md is in a file of examples/, which tests run.
func TestSnippets(t *testing.T) {
	files := map[string][]string{}
	require.NoError(t, filepath.WalkDir(filepath.Join(root, "examples"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[filepath.Ext(path)] = append(files[filepath.Ext(path)], string(text))
		return err
	}))
	const page = "docs/instrument.md"
	checked := 0
	for _, b := range read(t, page).blocks {
		extension, is := extensions[b.language]
		if !is {
			continue
		}
		checked++
		assert.True(t, slices.ContainsFunc(files[extension], func(file string) bool { return strings.Contains(file, b.text) }),
			"%s:%d is in no file of examples", page, b.line)
	}
	require.Greater(t, checked, 20)
}
