package deploy

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// page is a Markdown file taken apart.
type page struct {
	path     string // relative to the repository
	blocks   []block
	prose    string // everything outside the blocks
	headings map[string]bool
}

// block is a fenced code block.
type block struct {
	language, text string
	line           int // of its first fence
}

var fence = regexp.MustCompile("^( *)```([a-z]*)")

// read takes a page apart. A block's indentation, inside a list, is removed.
func read(t testing.TB, path string) page {
	t.Helper()
	file, err := os.Open(filepath.Join(root, path))
	require.NoError(t, err)
	defer file.Close()

	p := page{path: path, headings: map[string]bool{}}
	var prose strings.Builder
	var open *block
	indent := ""
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		match := fence.FindStringSubmatch(line)
		switch {
		case match != nil && open == nil:
			indent, open = match[1], &block{language: match[2], line: number}
		case match != nil:
			p.blocks = append(p.blocks, *open)
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		default:
			prose.WriteString(line + "\n")
			if title, ok := strings.CutPrefix(line, "#"); ok {
				p.headings[anchor(strings.TrimLeft(title, "# "))] = true
			}
		}
	}
	require.NoError(t, lines.Err())
	require.Nil(t, open, "%s: a code block is not closed", path)
	p.prose = prose.String()
	return p
}

var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	return strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}
