package mldiagnosisprocessor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

// TestGolden compares whole traces, with all that is in them, as services send
// them and mlsignals marks them. testdata/golden/README.md says where they are from.
func TestGolden(t *testing.T) {
	folders, err := os.ReadDir("testdata/golden")
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		t.Run(folder.Name(), func(t *testing.T) {
			at := filepath.Join("testdata/golden", folder.Name())
			input := filepath.Join(at, "traces.json")
			if _, err := os.Stat(input); os.IsNotExist(err) {
				input = article
			}
			out := diagnosed(t, marked(t, golden.ReadTraces(t, input)))
			golden.EqualTraces(t, filepath.Join(at, "expected.json"), out)
		})
	}
}

// TestDialects diagnoses the marked spans of every dialect, and compares with a
// page that a person can read. `go test -run TestDialects -update` writes it.
func TestDialects(t *testing.T) {
	inputs, err := filepath.Glob(filepath.Join(dialectData, "*", "*.expected.json"))
	require.NoError(t, err)
	require.NotEmpty(t, inputs)
	var b strings.Builder
	b.WriteString("| Test data | Trace | Span | ms by cause | Critical path |\n|---|---|---|---|---|\n")
	for _, input := range inputs {
		out := diagnosed(t, golden.ReadTraces(t, input))
		file, err := filepath.Rel(dialectData, input)
		require.NoError(t, err)
		for _, span := range spansOf(out) {
			if words := finding(t, span); words != "" {
				fmt.Fprintf(&b, "| %s | …%s | %s | %s | %s |\n", strings.TrimSuffix(filepath.ToSlash(file), ".expected.json"),
					span.TraceID().String()[28:], cell(span.Name()), words, cell(pathOf(span)))
			}
		}
	}
	golden.EqualSections(t, "testdata/dialects.md", map[string]string{"diagnoses": b.String()})
}

// cell keeps a name from ending its cell of the table.
func cell(name string) string { return strings.ReplaceAll(strings.TrimSpace(name), "|", "\\|") }
