package stored

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func line(t *testing.T, names ...string) []byte {
	t.Helper()
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "shop")
	spans := resource.ScopeSpans().AppendEmpty().Spans()
	for _, name := range names {
		spans.AppendEmpty().SetName(name)
	}
	data, err := (&ptrace.JSONMarshaler{}).MarshalTraces(traces)
	require.NoError(t, err)
	return append(data, '\n')
}

// TestRotatedBetweenLineAndEnd: the exporter writes a line and its end apart, so the end may be in the next file.
func TestRotatedBetweenLineAndEnd(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kept-traces.jsonl")
	older := append(line(t, "a", "b"), bytes.TrimSuffix(line(t, "c"), []byte("\n"))...)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "kept-traces-2026-03-03T14-03-00.000.jsonl"), older, 0o600))
	require.NoError(t, os.WriteFile(path, append([]byte("\n"), line(t, "d")...), 0o600))

	var names []string
	require.NoError(t, Each(path, func(span ptrace.Span, resource pcommon.Resource) error {
		service, _ := resource.Attributes().Get("service.name")
		names = append(names, service.Str()+"/"+span.Name())
		return nil
	}))
	assert.Equal(t, []string{"shop/a", "shop/b", "shop/c", "shop/d"}, names)

	require.NoError(t, os.WriteFile(path, []byte("{\n"), 0o600))
	assert.ErrorContains(t, Each(path, func(ptrace.Span, pcommon.Resource) error { return nil }), path)
}
