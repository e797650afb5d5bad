// Package golden compares telemetry with files in testdata, as OTLP JSON that
// a person can read and a diff can show.
package golden

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// ReadTraces reads a file of OTLP JSON traces.
func ReadTraces(t testing.TB, path string) ptrace.Traces {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(data)
	require.NoError(t, err, path)
	return traces
}

// EqualTraces fails the test unless the traces are those of the file.
// `go test -update` writes the file.
func EqualTraces(t testing.TB, path string, actual ptrace.Traces) {
	t.Helper()
	data, err := (&ptrace.JSONMarshaler{}).MarshalTraces(actual)
	require.NoError(t, err)
	equalJSON(t, path, data)
}

// EqualMetrics is EqualTraces for metrics. Sort them and fix their timestamps before.
func EqualMetrics(t testing.TB, path string, actual pmetric.Metrics) {
	t.Helper()
	data, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(actual)
	require.NoError(t, err)
	equalJSON(t, path, data)
}

func equalJSON(t testing.TB, path string, actual []byte) {
	t.Helper()
	var indented bytes.Buffer
	require.NoError(t, json.Indent(&indented, actual, "", "  "))
	indented.WriteByte('\n')
	if *update {
		require.NoError(t, os.WriteFile(path, indented.Bytes(), 0o644))
		return
	}
	expected, err := os.ReadFile(path)
	require.NoError(t, err, "no golden file yet? run the test once with -update and read what it wrote")
	require.Equal(t, string(expected), indented.String(), "%s differs; if the change is meant, run the test with -update", path)
}

// EqualText fails the test unless the text is that of the file. `go test -update` writes the file.
func EqualText(t testing.TB, path, actual string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(actual), 0o644))
		return
	}
	expected, err := os.ReadFile(path)
	require.NoError(t, err, "no golden file yet? run the test once with -update and read what it wrote")
	require.Equal(t, string(expected), actual, "%s differs; if the change is meant, run the test with -update", path)
}
