package mlsignalsprocessor

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
)

// Spans of services that serve no model get nothing, and no signal where
// somebody has put ml.pipeline.name on their resource.
func TestOrdinarySpansYieldNothing(t *testing.T) {
	text, err := os.ReadFile("testdata/ordinary/spans.txt")
	require.NoError(t, err)
	for _, resource := range []map[string]any{{"service.name": "shop"}, {"service.name": "shop", vocab.PipelineName: "shop"}} {
		p := newTestProcessor(t, defaultConfig())
		n := 0
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "#") {
				continue
			}
			n++
			out := process(t, p, ordinary(t, line, resource, n)).ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
			for key := range out.Attributes().All() {
				allowed := !strings.HasPrefix(key, "ml.") || resource[vocab.PipelineName] != nil && !isSignal(key) && !strings.HasPrefix(key, "ml.cold_start.")
				assert.True(t, allowed, "%s: %s", strings.TrimSpace(line), key)
			}
		}
		assert.Greater(t, n, 400)
		one := process(t, p, ordinary(t, "internal\tapp\tload_model", resource, n+1)).ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
		_, cold := one.Attributes().Get(vocab.SignalColdStart)
		assert.True(t, cold, "a span that does say something")
	}
}

func isSignal(key string) bool { return slices.Contains(vocab.Signals, key) }

// ordinary makes a span of a line: kind, scope, name, attributes.
func ordinary(t *testing.T, line string, resource map[string]any, n int) ptrace.Traces {
	fields := strings.Split(strings.TrimSpace(line), "\t")
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	require.NoError(t, rs.Resource().Attributes().FromRaw(resource))
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName(fields[1])
	span := ss.Spans().AppendEmpty()
	span.SetTraceID(pcommon.TraceID{1, byte(n), byte(n >> 8)})
	span.SetSpanID(pcommon.SpanID{1, byte(n), byte(n >> 8)})
	span.SetKind(ptrace.SpanKind(slices.Index(dialect.Kinds, fields[0])))
	span.SetName(fields[2])
	start := time.Unix(1_796_000_000, 0)
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(start.Add(time.Second)))
	for _, attribute := range fields[3:] {
		key, value, ok := strings.Cut(attribute, "=")
		require.True(t, ok, line)
		if i, err := strconv.ParseInt(value, 10, 64); err == nil {
			span.Attributes().PutInt(key, i)
		} else if b, err := strconv.ParseBool(value); err == nil {
			span.Attributes().PutBool(key, b)
		} else {
			span.Attributes().PutStr(key, value)
		}
	}
	return td
}
