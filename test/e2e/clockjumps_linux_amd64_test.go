package e2e

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/clock"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestClockJumps sets the clock of a running collector, and of the service that sends to it, an hour, a day and thirty years
// forward and back. After each jump traces are decided and stored, spans are counted, no counter falls, and a gauge
// has the newest value.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	const each = 20
	options := stack.CollectorOptions(t, stack.FastFlush)
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s"}
	running := stack.StartCollector(t, options)
	moved := clock.Of(t, running.Process)
	last := map[string]float64{}
	sent := 0
	jumps := []time.Duration{0, time.Hour, -time.Hour, 24 * time.Hour, 0, -30 * 365 * 24 * time.Hour, 30 * 365 * 24 * time.Hour, 0}
	for jump, offset := range jumps {
		moved.Set(offset)
		assertClock(t, running, offset)
		for range each {
			sent++
			export(t, running, onGPU(sent, time.Now().Add(offset)))
		}
		memory := float64(sent)
		stack.Until(t, running.Process, "the metrics", func(ctx context.Context) error {
			metrics, err := running.Metrics(ctx)
			if err != nil {
				return err
			}
			for _, sample := range metrics {
				series := sample.Labels.String()
				if counts.MatchString(sample.Labels.Get(model.MetricNameLabel)) {
					require.GreaterOrEqual(t, sample.Value, last[series], "%s after jump %d", series, jump)
				}
				last[series] = sample.Value
			}
			if n := metrics.Sum("duration_ms_count"); n != float64(sent) {
				return fmt.Errorf("%v of %d spans are counted", n, sent)
			}
			if mb := metrics.Sum("ml_gpu_memory_allocated_mb"); mb != memory {
				return fmt.Errorf("the gauge has %v, the newest value is %v", mb, memory)
			}
			return nil
		})
		traces := untilDecided(t, running, sent)
		assert.Len(t, traces, sent, "traces with an error, after jump %d", jump)
	}
}

// counts matches what only rises.
var counts = regexp.MustCompile(`_(total|count|sum|bucket)$`)

// assertClock checks that the collector's clock is so far from ours.
func assertClock(t *testing.T, running *collector.Collector, offset time.Duration) {
	t.Helper()
	response, err := http.Get(running.HealthURL())
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	date, err := http.ParseTime(response.Header.Get("Date"))
	require.NoError(t, err)
	require.InDelta(t, offset.Seconds(), time.Until(date).Seconds(), 600)
}

// onGPU is an inference that failed, with the n-th value of its GPU's memory.
func onGPU(n int, at time.Time) ptrace.Traces {
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "inference")
	resource.Resource().Attributes().PutStr("ml.pipeline.name", "recommendation")
	span := resource.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetTraceID(pcommon.TraceID{9, byte(n >> 8), byte(n), 15: 1})
	span.SetSpanID(pcommon.SpanID{1})
	span.SetName("ml.inference")
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(at.Add(-100 * time.Millisecond)))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(at))
	span.Status().SetCode(ptrace.StatusCodeError)
	span.Attributes().PutStr("ml.model.name", "ranker")
	span.Attributes().PutStr("ml.device.id", "0")
	span.Attributes().PutDouble("ml.gpu.memory_allocated_mb", float64(n))
	return traces
}
