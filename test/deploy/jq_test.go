package deploy

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/itchyny/gojq"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// program is a program of jq in a shell command, over the kept traces.
var program = regexp.MustCompile(`(?s)\bjq (?:-[a-z]+ )*'(.*?)' (?:\./)?data/kept-traces\.jsonl`)

// checkJQ runs each jq program of the documentation over a file of kept traces: all find something.
func checkJQ(t *testing.T, file string) {
	t.Helper()
	kept, err := os.Open(file)
	require.NoError(t, err)
	defer kept.Close()
	var lines []any
	scanner := bufio.NewScanner(kept)
	scanner.Buffer(nil, 1<<26)
	for scanner.Scan() {
		var line any
		require.NoError(t, json.Unmarshal(scanner.Bytes(), &line))
		lines = append(lines, line)
	}
	require.NoError(t, scanner.Err())
	require.NotEmpty(t, lines)

	checked := 0
	for _, path := range pages(t) {
		for _, b := range read(t, path).blocks {
			for _, match := range program.FindAllStringSubmatch(b.text, -1) {
				checked++
				found := answers(t, match[1], lines)
				assert.NotEmpty(t, found, "%s:%d finds nothing: %s", path, b.line, match[1])
				if path == "docs/runbook.md" {
					checkOrder(t, found)
				}
			}
		}
	}
	require.Positive(t, checked)
}

func answers(t *testing.T, source string, lines []any) []string {
	t.Helper()
	query, err := gojq.Parse(source)
	require.NoError(t, err, source)
	var found []string
	for _, line := range lines {
		results := query.Run(line)
		for {
			result, more := results.Next()
			if !more {
				break
			}
			require.NotImplements(t, (*error)(nil), result, source)
			text, _ := result.(string)
			found = append(found, text)
		}
	}
	return found
}

// checkOrder checks that a line begins with a ratio over 1, by which sort -rn orders, and ends with a trace ID.
func checkOrder(t *testing.T, found []string) {
	t.Helper()
	for _, line := range found {
		ratio, id, ok := strings.Cut(line, "\t")
		require.True(t, ok, line)
		value, err := strconv.ParseFloat(ratio, 64)
		require.NoError(t, err, line)
		assert.Greater(t, value, 1.0, line)
		assert.Len(t, id, 32, line)
	}
}
