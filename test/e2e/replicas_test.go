package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// Two collectors count spans of the same services, so their series differ in nothing but where they come from. Both
// sums are in Prometheus, and neither overwrites the other.

func TestTwoCollectorsScraped(t *testing.T) {
	t.Parallel()
	first := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush))
	second := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush))
	prometheus := stack.StartPrometheus(t, nil, first.Addresses.Metrics, second.Addresses.Metrics)
	sent := append(sendTo(t, first, 11, 300), sendTo(t, second, 12, 200)...)
	untilCounted(prometheus, `job="otelcol-ml"`, sent)
}

func TestTwoCollectorsWriting(t *testing.T) {
	t.Parallel()
	prometheus := stack.StartPrometheus(t, nil)
	start := func(instance string) *collector.Collector {
		options := stack.CollectorOptions(t, stack.FastFlush, stack.Root(t, "test/e2e/testdata/remote-write.yaml"))
		options.Env = append(options.Env, "TEST_INSTANCE="+instance, "TEST_REMOTE_WRITE="+prometheus.URL+"/api/v1/write")
		return stack.StartCollector(t, options)
	}
	first, second := start("first"), start("second")
	ofFirst, ofSecond := sendTo(t, first, 11, 300), sendTo(t, second, 12, 200)
	untilCounted(prometheus, `collector_instance="first"`, ofFirst)
	untilCounted(prometheus, `collector_instance="second"`, ofSecond)
	assert.Equal(t, map[string]float64{"first": spans(ofFirst), "second": spans(ofSecond)},
		prometheus.By("sum by (collector_instance) (duration_ms_count)", "collector_instance"))
}

func sendTo(t *testing.T, running *collector.Collector, seed uint64, n int) []shop.Sent {
	t.Helper()
	services := open(t, running, shop.Config{})
	source := shop.NewSource(seed, healthyRates, time.Now().Add(-time.Minute), time.Millisecond)
	var sent []shop.Sent
	for range n {
		sent = append(sent, services.Play(source.Next()))
	}
	require.NoError(t, services.Flush(t.Context()))
	return sent
}
