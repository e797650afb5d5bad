package e2e

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// bucketWidth is how much larger a bucket's upper bound may be than its lower one: 160 buckets are four to each
// doubling of the value, or more, where the largest is not 2^40 times the smallest.
const bucketWidth = 0.19

// TestNativeHistograms: Prometheus stores exponential histograms as native ones, and with `both` the classic ones too.
func TestNativeHistograms(t *testing.T) {
	t.Parallel()
	both, err := proc.FreeAddress()
	require.NoError(t, err)
	options := stack.CollectorOptions(t, stack.Root(t, "test/e2e/testdata/native-histograms.yaml"))
	options.Env = append(options.Env, "TEST_METRICS_BOTH="+both)
	running := stack.StartCollector(t, options)
	prometheus := stack.StartPrometheusNative(t, running.Addresses.Metrics, both)
	sent := sendTo(t, running, 41, 500)

	exponential := `{instance="` + running.Addresses.Metrics + `"}`
	besides := `{instance="` + both + `"}`
	for metric, observations := range truth.Histograms(sent) {
		n := float64(len(observations))
		var values []float64
		for _, o := range observations {
			values = append(values, o.Value)
		}
		slices.Sort(values)
		p95 := values[int(math.Ceil(0.95*n))-1]
		for _, series := range []string{metric + exponential, metric + "_exponential" + besides} {
			prometheus.UntilEqual("histogram_count(sum("+series+"))", n)
			assert.InEpsilon(t, 1+total(values), 1+prometheus.Number("histogram_sum(sum("+series+"))"), sumTolerance, series)
			assert.InEpsilon(t, p95, prometheus.Number("histogram_quantile(0.95, sum("+series+"))"), bucketWidth, series)
			// At the target's own newest scrape, where increase() has nothing to extrapolate.
			at := fmt.Sprintf(" @ %.3f", prometheus.Number("max(timestamp("+series+"))"))
			assert.InEpsilon(t, n, prometheus.Number("histogram_count(sum(increase("+series+"[15m]"+at+")))"), sumTolerance, "zero first: %s", series)
		}
		// Classic: as without native histograms, where both are asked for, and not there otherwise.
		prometheus.UntilEqual("sum("+metric+"_count"+besides+")", n)
		assert.Equal(t, n, prometheus.Number(`sum(`+metric+`_bucket{le="+Inf",instance="`+both+`"})`), metric)
		assert.NotEmpty(t, bounds(t, prometheus, metric))
		assert.Empty(t, prometheus.Ask(metric+"_bucket"+exponential))
		assert.Empty(t, prometheus.Ask(metric+"_count"+exponential))
		assert.Empty(t, prometheus.Ask("histogram_count("+metric+besides+")"), "%s itself is classic", metric)
	}
}
