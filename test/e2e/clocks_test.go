package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestClocksApart: a service whose clock is two seconds off makes no healthy trace slow, as it does for the latency
// policy by itself. A slow one is slow all the more.
func TestClocksApart(t *testing.T) {
	t.Parallel()
	const healthy = 30
	for name, test := range map[string]struct {
		settings []stack.Setting
		kept     int
	}{
		"otelcol.yaml": {nil, 1},
		"the latency policy": {
			[]stack.Setting{"yaml:processors::mltailsampling::policies: [{ name: slow, type: latency, latency: { threshold_ms: 800 } }]"},
			healthy + 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := stack.CollectorOptions(t, test.settings...)
			options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s"}
			running := stack.StartCollector(t, options)
			next := byte(1)
			for range healthy {
				export(t, running, clocksApart(notInBaseline(&next), 400*time.Millisecond))
			}
			slow := notInBaseline(&next)
			export(t, running, clocksApart(slow, 801*time.Millisecond))
			untilDecided(t, running, healthy+1)
			stack.Stop(t, running.Process)
			traces, err := kept.Read(running.KeptFile())
			require.NoError(t, err)
			assert.Len(t, traces, test.kept)
			assert.Len(t, traces[slow], 2)
		})
	}
}

// clocksApart is a request that takes so long, and a call of it to a service whose clock is two seconds ahead.
func clocksApart(id pcommon.TraceID, takes time.Duration) ptrace.Traces {
	traces := ptrace.NewTraces()
	now := time.Now()
	for i, of := range []struct {
		service string
		clock   time.Time
		takes   time.Duration
	}{
		{"gateway", now, takes},
		{"inference", now.Add(2 * time.Second), 100 * time.Millisecond},
	} {
		resource := traces.ResourceSpans().AppendEmpty()
		resource.Resource().Attributes().PutStr("service.name", of.service)
		resource.Resource().Attributes().PutStr("ml.pipeline.name", "recommendation")
		span := resource.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetTraceID(id)
		span.SetSpanID(pcommon.SpanID{byte(i + 1)})
		if i > 0 {
			span.SetParentSpanID(pcommon.SpanID{1})
		}
		span.SetName(of.service)
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(of.clock))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(of.clock.Add(of.takes)))
	}
	return traces
}
