package e2e

import (
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// sumTolerance allows for adding thousands of doubles in another order.
const sumTolerance = 1e-9

func testHistograms(t *testing.T, prometheus *stack.Prometheus, sent []shop.Sent) {
	for metric, observations := range truth.Histograms(sent) {
		t.Run(metric, func(t *testing.T) {
			prometheus := prometheus.In(t)
			counts := prometheus.By("sum by (service_name) ("+metric+"_count)", "service_name")
			sums := prometheus.By("sum by (service_name) ("+metric+"_sum)", "service_name")
			buckets := prometheus.By(`sum by (service_name) (`+metric+`_bucket{le="+Inf"})`, "service_name")
			want := truth.ByService(observations)
			require.Len(t, counts, len(want))
			for service, values := range want {
				assert.Equal(t, float64(len(values)), counts[service], "count of %s", service)
				assert.Equal(t, float64(len(values)), buckets[service], "all buckets of %s", service)
				assert.InEpsilon(t, 1+total(values), 1+sums[service], sumTolerance, "sum of %s", service)
			}
		})
	}
}

func testCounters(t *testing.T, prometheus *stack.Prometheus, sent []shop.Sent) {
	for metric, counter := range truth.Counters(sent) {
		t.Run(metric, func(t *testing.T) {
			prometheus := prometheus.In(t)
			labels := make([]model.LabelName, len(counter.Labels))
			for i, label := range counter.Labels {
				labels[i] = model.LabelName(label)
			}
			got := prometheus.By("sum by ("+strings.Join(counter.Labels, ", ")+") ("+metric+")", labels...)
			assert.Equal(t, counter.Values, got)
		})
	}
}

func testGauges(t *testing.T, prometheus *stack.Prometheus, sent []shop.Sent) {
	const by = " by (ml_model_name, ml_device_id)"
	allocated, reserved := truth.GPUMemory(sent)
	require.NotEmpty(t, allocated)
	assert.Equal(t, allocated, prometheus.By("max"+by+" (ml_gpu_memory_allocated_mb)", "ml_model_name", "ml_device_id"))
	assert.Equal(t, reserved, prometheus.By("max"+by+" (ml_gpu_memory_reserved_mb)", "ml_model_name", "ml_device_id"))
}

// testZeroFirst looks at the first increments: increase() sees them only where a series has been scraped at 0 before.
func testZeroFirst(t *testing.T, prometheus *stack.Prometheus, sent []shop.Sent) {
	for metric, observations := range truth.Histograms(sent) {
		assert.InEpsilon(t, float64(len(observations)), prometheus.Number("sum(increase("+metric+"_count[15m]))"), sumTolerance, metric)
	}
	for metric, counter := range truth.Counters(sent) {
		assert.InEpsilon(t, counter.Total(), prometheus.Number("sum(increase("+metric+"[15m]))"), sumTolerance, metric)
	}
}

func total(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum
}
