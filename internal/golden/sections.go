package golden

import (
	"os"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// EqualSections fails the test where a part of a page differs from the text
// that the code gives. A part NAME lies between the lines
// <!-- NAME: begin --> and <!-- NAME: end -->. `go test -update` writes it.
func EqualSections(t testing.TB, path string, sections map[string]string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	page := string(data)
	names := make([]string, 0, len(sections))
	for name := range sections {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		begin, end := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->"
		from, to := strings.Index(page, begin), strings.Index(page, end)
		require.True(t, from >= 0 && to > from, "%s lacks the markers of %q", path, name)
		from += len(begin)
		if *update {
			page = page[:from] + sections[name] + page[to:]
			continue
		}
		require.Equal(t, sections[name], page[from:to], "%q of %s is not what the code gives; run the test with -update", name, path)
	}
	if page != string(data) {
		require.NoError(t, os.WriteFile(path, []byte(page), 0o644))
	}
}
