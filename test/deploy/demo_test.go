package deploy

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	traceIDs = regexp.MustCompile(`[0-9a-f]{32}`)
	numbers  = regexp.MustCompile(`\d[\d .]*`)
	dashes   = regexp.MustCompile(`-{5,}`)
	spaces   = regexp.MustCompile(`\s+`)
)

// masked is a line without what differs from run to run.
func masked(line string) string {
	line = numbers.ReplaceAllString(traceIDs.ReplaceAllString(line, "#"), "# ")
	return strings.TrimSpace(spaces.ReplaceAllString(dashes.ReplaceAllString(line, "-----"), " "))
}

// TestDemoOutput runs the demo and checks that it prints each line that the
// README shows of it, whatever the numbers are. What it kept is then asked what
// the documentation asks jq.
func TestDemoOutput(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	demo := filepath.Join(t.TempDir(), "demo")
	output, err := run(t, "go", "-C", "examples/demo", "build", "-o", demo, ".")
	require.NoError(t, err, output)
	output, err = run(t, demo, "--collector", binary(t, "otelcol-ml"), "--config", "otelcol.yaml", "--data", data, "--requests", "3000")
	require.NoError(t, err, output)
	printed := map[string]bool{}
	for line := range strings.Lines(output) {
		printed[masked(line)] = true
	}

	shown := 0
	for _, b := range read(t, "README.md").blocks {
		if b.language != "text" {
			continue
		}
		for line := range strings.Lines(b.text) {
			shown++
			assert.True(t, printed[masked(line)], "README.md shows a line that the demo does not print: %s", line)
		}
	}
	require.Greater(t, shown, 50)
	checkJQ(t, filepath.Join(data, "kept-traces.jsonl"))
}
