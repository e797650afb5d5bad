package e2e

import (
	"os"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestPrometheusAway stops a Prometheus server, which keeps its connections and answers nothing, for an hour of twelve seconds:
// series are dropped 300 times as soon as by default. When the server is back it has every span of the hour, scraped
// and written to. A service that was silent meanwhile, and whose series were dropped, begins at zero.
func TestPrometheusAway(t *testing.T) {
	t.Parallel()
	const hour = 12 * time.Second
	page, err := os.ReadFile(stack.Root(t, "docs/configuration.md"))
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```yaml\n(exporters:\n  prometheus_remote_write:.*?)```").FindSubmatch(page)
	require.NotNil(t, block)
	for name, written := range map[string]bool{"scraped": false, "written to": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := stack.CollectorOptions(t,
				"yaml:connectors::mlmetrics: {series_expiration: 3s, metrics_flush_interval: 100ms}",
				"yaml:exporters::prometheus::metric_expiration: 2s",
			)
			var running *collector.Collector
			var prometheus *stack.Prometheus
			if written {
				other := stack.StartCollector(t, stack.CollectorOptions(t)) // for the server to have a target
				prometheus = stack.StartPrometheus(t, nil, other.Addresses.Telemetry)
				overlay := t.TempDir() + "/remote-write.yaml"
				text := regexp.MustCompile(`https://mimir[^\n]*`).ReplaceAllString(string(block[1]), prometheus.URL+"/api/v1/write")
				require.NoError(t, os.WriteFile(overlay, []byte(text), 0o600))
				options.Configs = append(options.Configs, overlay)
				running = stack.StartCollector(t, options)
			} else {
				running = stack.StartCollector(t, options)
				prometheus = stack.StartPrometheus(t, nil, running.Addresses.Metrics)
			}
			sent := map[string]float64{}
			send := func(service string) {
				sent[service]++
				export(t, running, spanOfService(service, len(sent)*1000+int(sent[service])))
			}
			for range 10 {
				send("busy")
				send("idle")
			}
			for service := range sent {
				prometheus.UntilEqual(`sum(duration_ms_count{service_name="`+service+`"})`, sent[service])
			}

			require.NoError(t, syscall.Kill(prometheus.PID(), syscall.SIGSTOP))
			t.Cleanup(func() { _ = syscall.Kill(prometheus.PID(), syscall.SIGCONT) })
			wave, over := time.NewTicker(100*time.Millisecond), time.After(hour)
			defer wave.Stop()
			for away := true; away; {
				select {
				case <-wave.C:
					send("busy")
				case <-over:
					away = false
				}
			}
			require.NoError(t, syscall.Kill(prometheus.PID(), syscall.SIGCONT))

			for range 5 {
				send("busy")
			}
			prometheus.UntilEqual(`sum(duration_ms_count{service_name="busy"})`, sent["busy"])
			for range 5 {
				send("idle")
			}
			prometheus.UntilEqual(`sum(duration_ms_count{service_name="idle"} <= 5) or vector(0)`, 5) // 10 from before
			for service, n := range sent {
				assert.Equal(t, n, increase(t, prometheus, `duration_ms_count{service_name="`+service+`"}`), "spans of %s", service)
			}
			t.Logf("%v spans were sent", sent)
		})
	}
}

// spanOfService is a span of a service.
func spanOfService(service string, n int) ptrace.Traces {
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", service)
	resource.Resource().Attributes().PutStr("ml.pipeline.name", "recommendation")
	span := resource.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetTraceID(pcommon.TraceID{0xaa, byte(n >> 8), byte(n), 15: 1})
	span.SetSpanID(pcommon.SpanID{1})
	span.SetName("predict")
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	span.SetEndTimestamp(span.StartTimestamp() + 1e6)
	return traces
}
