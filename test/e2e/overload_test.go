package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/traffic"
)

// TestOverload sends five times the traces that may wait for their decision, by number and by memory. The oldest are
// decided early, with what has arrived: each one that must be kept is kept with every span, nothing is refused, the metrics have
// every request, and an alert names the bound.
func TestOverload(t *testing.T) {
	t.Parallel()
	for bound, test := range map[string]struct {
		setting stack.Setting
		wait    int // traces that the bound lets wait
	}{
		"num_traces": {"yaml:processors::mltailsampling::num_traces: 2000", 2000},
		// 9 spans of more than 200 bytes each.
		"max_bytes": {"yaml:processors::mltailsampling::max_bytes: 16777216", 16 << 20 / (9 * 200)},
	} {
		t.Run(bound, func(t *testing.T) {
			t.Parallel()
			traces := 5 * test.wait
			options := stack.CollectorOptions(t, stack.FastFlush, test.setting)
			options.Env = []string{"OTELCOL_ML_DECISION_WAIT=60s"} // so that only the bound ends a wait
			running := stack.StartCollector(t, options)
			prometheus := stack.StartPrometheus(t, []string{stack.Root(t, "deploy/prometheus/rules-*.yaml")}, running.Addresses.Telemetry)
			run, err := traffic.Open(traffic.Config{
				To: []string{running.GRPC}, Seed: 3, Traces: traces, Rates: shop.ArticleRates, Wave: 250, Every: time.Millisecond,
			})
			require.NoError(t, err)
			require.NoError(t, run.Send(t.Context()))

			telemetry, err := running.Telemetry(t.Context())
			require.NoError(t, err)
			early := int(telemetry.Sum("otelcol_processor_mltailsampling_decided_early", "bound", bound))
			assert.GreaterOrEqual(t, early, traces-test.wait, "there was no overload")
			assert.Equal(t, early, collector.SamplingOf(telemetry).Early, "at the other bound")
			assert.Zero(t, telemetry.Sum("otelcol_receiver_refused_spans"))
			untilFiring(t, prometheus, "MLTracesDecidedEarly", "bound", bound)
			stack.Until(t, running.Process, "the metrics", func(ctx context.Context) error {
				metrics, err := running.Metrics(ctx)
				if err != nil {
					return err
				}
				if counted := metrics.Sum("ml_pipeline_requests_total"); counted != float64(traces) {
					return fmt.Errorf("%v of %d requests are counted", counted, traces)
				}
				return nil
			})

			stack.Stop(t, running.Process) // which decides the rest
			kept := readStored(t, running, run.Sent)
			for i, s := range run.Sent {
				if s.Kept() {
					require.Equal(t, s.Spans, kept[i], "spans of trace %d, kept for %v", i, s.Policies())
				} else {
					require.Zero(t, kept[i], "spans of trace %d, routine", i)
				}
			}
			t.Logf("%d of %d traces were decided early", early, traces)
		})
	}
}

// untilFiring waits until an alert fires with a label.
func untilFiring(t *testing.T, prometheus *stack.Prometheus, alert, label, value string) {
	t.Helper()
	stack.Until(t, prometheus.Process, alert, func(ctx context.Context) error {
		alerts, err := prometheus.Alerts(ctx)
		if err != nil {
			return err
		}
		for _, a := range alerts.Alerts {
			if string(a.Labels["alertname"]) == alert && a.State == v1.AlertStateFiring && string(a.Labels[model.LabelName(label)]) == value {
				return nil
			}
		}
		return fmt.Errorf("%d other alerts", len(alerts.Alerts))
	})
}
