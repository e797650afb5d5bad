package e2e

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestKeptTracesAreReadBack: the configuration in docs/configuration.md reads a kept trace again, every span of it,
// though its line is longer than what the receiver reads by default.
func TestKeptTracesAreReadBack(t *testing.T) {
	t.Parallel()
	options := stack.CollectorOptions(t)
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s"}
	keeper := stack.StartCollector(t, options)
	const spans = 301
	id := pcommon.TraceID{3, 0, 1}
	export(t, keeper, largeTrace(id, spans))
	untilKept(t, keeper, id, spans)
	line, err := os.Stat(keeper.KeptFile())
	require.NoError(t, err)
	require.Greater(t, line.Size(), int64(1_600_000))

	received := &spanCounter{spans: map[pcommon.TraceID]int{}}
	server := httptest.NewServer(received)
	t.Cleanup(server.Close)
	reader, err := collector.Launch(collector.Options{
		Binary:    options.Binary,
		Configs:   []string{readBack(t, options.DataDir, server.URL), "yaml:service::telemetry::metrics::level: none"},
		Addresses: options.Addresses, // which it does not listen on
		DataDir:   options.DataDir,
		Log:       options.DataDir + "/reader.log",
	})
	require.NoError(t, err)
	t.Cleanup(func() { stack.Stop(t, reader.Process) })
	stack.Until(t, reader.Process, "the spans of the file", func(context.Context) error {
		if got := received.received()[id]; got != spans {
			return fmt.Errorf("%d of %d spans are read", got, spans)
		}
		return nil
	})
}

// largeTrace has a span that failed, so it is kept, and others whose prompts make the trace's line 1.6 MB long.
func largeTrace(id pcommon.TraceID, spans int) ptrace.Traces {
	td := oneSpan(id, 1, func(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError) })
	slice := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	for i := 1; i < spans; i++ {
		span := slice.AppendEmpty()
		slice.At(0).CopyTo(span)
		span.SetSpanID(pcommon.SpanID{2, byte(i), byte(i >> 8)})
		span.SetParentSpanID(slice.At(0).SpanID())
		span.Attributes().PutStr("gen_ai.prompt", strings.Repeat("prompt ", 800))
	}
	return td
}

// readBack writes the block of docs/configuration.md that reads kept traces, with this folder and backend.
func readBack(t *testing.T, dir, url string) string {
	t.Helper()
	page, err := os.ReadFile(stack.Root(t, "docs/configuration.md"))
	require.NoError(t, err)
	for _, block := range strings.Split(string(page), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		if strings.Contains(block, "otlp_json_file:") {
			block = strings.NewReplacer("./data", dir, "http://tempo:4318", url).Replace(block)
			path := filepath.Join(dir, "read-back.yaml")
			require.NoError(t, os.WriteFile(path, []byte(block), 0o600))
			return path
		}
	}
	require.Fail(t, "docs/configuration.md has no block with otlp_json_file")
	return ""
}
