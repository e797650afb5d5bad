package kept

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func line(t *testing.T, trace byte, spans ...string) []byte {
	t.Helper()
	batch := ptrace.NewTraces()
	resource := batch.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "shop")
	of := resource.ScopeSpans().AppendEmpty().Spans()
	for _, name := range spans {
		span := of.AppendEmpty()
		span.SetTraceID([16]byte{trace})
		span.SetName(name)
		span.Attributes().PutBool("yes", true)
		span.Attributes().PutStr("text", "true")
		span.Attributes().PutDouble("number", 1.5)
	}
	data, err := (&ptrace.JSONMarshaler{}).MarshalTraces(batch)
	require.NoError(t, err)
	return append(data, '\n')
}

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kept-traces.jsonl")
	none, err := Read(path)
	require.NoError(t, err)
	assert.Empty(t, none, "no file yet")

	unfinished := line(t, 3, "late")
	newest := append(line(t, 1, "b", "c"), unfinished[:len(unfinished)/2]...)
	require.NoError(t, os.WriteFile(path, newest, 0o600))
	rotated := filepath.Join(filepath.Dir(path), "kept-traces-2026-03-03T14-03-00.000.jsonl")
	require.NoError(t, os.WriteFile(rotated, append(line(t, 1, "a"), line(t, 2, "d")...), 0o600))

	traces, err := Read(path)
	require.NoError(t, err)
	require.Len(t, traces, 2)
	assert.Len(t, traces[[16]byte{1}], 3, "a trace may be spread over files and lines")
	span := traces[[16]byte{2}][0]
	assert.Equal(t, "d", span.Name())
	assert.Equal(t, "shop", span.Service())
	assert.True(t, span.Is("yes"))
	assert.False(t, span.Is("text"), "only a bool is true")
	number, ok := span.Number("number")
	assert.True(t, ok)
	assert.Equal(t, 1.5, number)

	require.NoError(t, os.WriteFile(path, []byte("{\n"), 0o600))
	_, err = Read(path)
	assert.ErrorContains(t, err, "kept-traces.jsonl, line 1")
}

// The exporter writes a line and its end apart, and rotates the file when the line is full.
func TestReadRotatedBetweenALineAndItsEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kept-traces.jsonl")
	whole := line(t, 1, "a")
	rotated := filepath.Join(filepath.Dir(path), "kept-traces-2026-03-03T14-03-00.000.jsonl")
	require.NoError(t, os.WriteFile(rotated, whole[:len(whole)-1], 0o600))
	require.NoError(t, os.WriteFile(path, append([]byte("\n"), line(t, 2, "b")...), 0o600))

	traces, err := Read(path)
	require.NoError(t, err)
	assert.Len(t, traces, 2)
}
