package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestExemplars looks up the trace of every exemplar that Prometheus has stored among the kept ones: all are there.
func TestExemplars(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush))
	prometheus := stack.StartPrometheus(t, nil, running.Addresses.Metrics)
	sent := sendTo(t, running, 21, 2000)
	untilCounted(prometheus, `job="otelcol-ml"`, sent)
	traces := untilDecided(t, running, len(sent))
	stored := map[string]bool{}
	for id := range traces {
		stored[id.String()] = true
	}

	metrics := map[string]int{}
	for _, series := range exemplars(t, prometheus) {
		for _, e := range series.Exemplars {
			id := string(e.Labels["trace_id"])
			require.True(t, stored[id], "%s points at trace %q, which is not kept", series.SeriesLabels, id)
			assert.NotEmpty(t, e.Labels["span_id"])
			metrics[string(series.SeriesLabels["__name__"])]++
		}
	}
	for _, metric := range []string{
		"duration_ms_bucket", "ml_pipeline_latency_ms_bucket", "ml_inference_queue_wait_ms_bucket",
		"ml_feature_extraction_db_lookup_ms_bucket", "ml_post_processing_validation_attempts_bucket",
	} {
		assert.NotZero(t, metrics[metric], "exemplars of %s", metric)
	}
}

func exemplars(t *testing.T, prometheus *stack.Prometheus) []v1.ExemplarQueryResult {
	t.Helper()
	var found []v1.ExemplarQueryResult
	stack.Until(t, prometheus.Process, "exemplars", func(ctx context.Context) error {
		var err error
		found, err = prometheus.QueryExemplars(ctx, `{job="otelcol-ml"}`, time.Now().Add(-time.Hour), time.Now().Add(time.Minute))
		if err == nil && len(found) == 0 {
			return fmt.Errorf("none yet")
		}
		return err
	})
	return found
}
