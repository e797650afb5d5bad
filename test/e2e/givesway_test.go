package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/traffic"
)

// TestSamplerGivesWay: if the component after the sampler accepts nothing, traces are dropped and counted, an alert fires,
// no span is refused, and the metrics have every request.
func TestSamplerGivesWay(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	const traces = 30_000 // of 9 spans of more than 200 bytes: three times what may wait
	options := stack.CollectorOptions(t, stack.FastFlush, stack.Root(t, "deploy/backend/otelcol.yaml"),
		"yaml:exporters::otlp_http/backend::sending_queue::enabled: false",
		"yaml:exporters::otlp_http/backend::timeout: 600s",
		"yaml:processors::mltailsampling::max_bytes: 16777216",
		"yaml:processors::mltailsampling::policies: [{ name: all, type: always_sample }]")
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s", "OTELCOL_ML_OTLP_ENDPOINT=" + server.URL}
	running := stack.StartCollector(t, options)
	prometheus := stack.StartPrometheus(t, []string{stack.Root(t, "deploy/prometheus/rules-collector.yaml")}, running.Addresses.Telemetry)
	run, err := traffic.Open(traffic.Config{
		To: []string{running.GRPC}, Seed: 5, Traces: traces, Rates: shop.ArticleRates, Wave: 250, Every: time.Millisecond,
	})
	require.NoError(t, err)
	require.NoError(t, run.Send(t.Context()))

	telemetry, err := running.Telemetry(t.Context())
	require.NoError(t, err)
	assert.Positive(t, telemetry.Sum("otelcol_processor_mltailsampling_dropped_traces", "reason", "overload"))
	assert.Zero(t, telemetry.Sum("otelcol_receiver_refused_spans"))
	assert.Zero(t, telemetry.Sum("otelcol_extension_mladmission_refused"))
	assert.LessOrEqual(t, telemetry.Sum("otelcol_processor_mltailsampling_waiting_bytes"), 1.5*16777216+1e6)
	untilFiring(t, prometheus, "MLTracesDropped", "reason", "overload")
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
	stack.Stop(t, running.Process)
}
