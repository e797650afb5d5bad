package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestPrometheusOTLP: with deploy/prometheus-otlp the metrics that are scraped are sent to Prometheus too, under the
// same names and with the same values and labels, with exemplars, and beside them those of services.
func TestPrometheusOTLP(t *testing.T) {
	t.Parallel()
	prometheus := stack.StartPrometheusOTLP(t, stack.Root(t, "deploy/prometheus-otlp/prometheus.yml"))
	options := stack.CollectorOptions(t, stack.Root(t, "deploy/prometheus-otlp/otelcol.yaml"), stack.FastFlush)
	options.Env = append(options.Env, "OTELCOL_ML_PROMETHEUS_OTLP_ENDPOINT="+prometheus.URL+"/api/v1/otlp/v1/metrics")
	running := stack.StartCollector(t, options)
	slowest := sendSignals(t, running, "http", 7)
	sendSignals(t, running, "grpc", 5)

	untilSum(t, running, running.MetricsURL(), 12, "ml_pipeline_requests_total")
	prometheus.UntilEqual(`sum(ml_pipeline_requests_total)`, 12)
	prometheus.UntilEqual(`sum(shop_requests_total{job="shop-http"})`, 7)
	prometheus.UntilEqual(`count(target_info{job="shop-grpc", telemetry_sdk_language="python"})`, 1)

	scraped, err := scrape.Fetch(t.Context(), running.MetricsURL())
	require.NoError(t, err)
	sent := prometheus.By(`duration_ms_count`, "service_name", "ml_stage", "ml_pipeline_name")
	assert.NotEmpty(t, sent)
	for _, sample := range prometheus.Ask(`duration_ms_count`) {
		labels := []string{}
		for name, value := range sample.Metric {
			if name != model.MetricNameLabel && name != "job" && name != "instance" {
				labels = append(labels, string(name), string(value))
			}
		}
		assert.Equal(t, scraped.Sum("duration_ms_count", labels...), float64(sample.Value), "%v", sample.Metric)
	}

	stack.Until(t, prometheus.Process, "the exemplar of the slow request", func(ctx context.Context) error {
		answer, err := prometheus.QueryExemplars(ctx, `duration_ms_bucket`, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		if err != nil {
			return err
		}
		for _, series := range answer {
			for _, exemplar := range series.Exemplars {
				if string(exemplar.Labels["trace_id"]) == slowest {
					return nil
				}
			}
		}
		return fmt.Errorf("none leads to trace %s: %v", slowest, answer)
	})
	assertNoWarnings(t, running)
}
