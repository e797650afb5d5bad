package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/traffic"
)

// TestOverload: more traces come than may wait for their decision. What that loses is counted to the trace, an alert
// says so, the receivers are not held up, and the metrics have every request.
func TestOverload(t *testing.T) {
	t.Parallel()
	const traces = 5000
	options := stack.CollectorOptions(t, stack.FastFlush)
	options.Env = append(options.Env, "OTELCOL_ML_NUM_TRACES=500")
	running := stack.StartCollector(t, options)
	prometheus := stack.StartPrometheus(t, []string{stack.Root(t, "deploy/prometheus/rules.yaml")}, running.Addresses.Telemetry)

	run, err := traffic.Open(traffic.Config{
		To: []string{running.GRPC}, Seed: 3, Traces: traces, Rates: shop.ArticleRates, Wave: 250, Every: time.Millisecond,
	})
	require.NoError(t, err)
	require.NoError(t, run.Send(t.Context()))

	var kept, lost int
	stack.Until(t, running.Process, "each trace to be decided or counted as lost", func(ctx context.Context) error {
		telemetry, err := running.Telemetry(ctx)
		if err != nil {
			return err
		}
		decided := int(telemetry.Sum(tailSampling + "global_count_traces_sampled"))
		kept = int(telemetry.Sum(tailSampling+"global_count_traces_sampled", "sampled", "true"))
		lost = int(telemetry.Sum(tailSampling + "sampling_trace_dropped_too_early"))
		if came := int(telemetry.Sum(tailSampling + "new_trace_id_received")); came < traces || decided+lost != came {
			return fmt.Errorf("of %d traces %d are decided and %d are lost", came, decided, lost)
		}
		assert.Zero(t, telemetry.Sum("otelcol_receiver_refused_spans"))
		return nil
	})
	assert.Greater(t, lost, traces/2, "there was no overload")
	assert.NotZero(t, kept, "sampling goes on")
	stack.Until(t, running.Process, "the metrics", func(ctx context.Context) error {
		metrics, err := running.Metrics(ctx)
		if err != nil {
			return err
		}
		if counted := metrics.Sum("ml_pipeline_requests_total"); counted != traces {
			return fmt.Errorf("%v of %d requests are counted", counted, traces)
		}
		return nil
	})
	untilFiring(t, prometheus, "MLTracesLostBeforeDecision")
}

func untilFiring(t *testing.T, prometheus *stack.Prometheus, alert string) {
	t.Helper()
	stack.Until(t, prometheus.Process, alert, func(ctx context.Context) error {
		alerts, err := prometheus.Alerts(ctx)
		if err != nil {
			return err
		}
		for _, a := range alerts.Alerts {
			if string(a.Labels["alertname"]) == alert && a.State == v1.AlertStateFiring {
				return nil
			}
		}
		return fmt.Errorf("%d other alerts", len(alerts.Alerts))
	})
}
