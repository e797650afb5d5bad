package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

const (
	requests = 4000
	waves    = 8
)

// healthyRates have each anomaly, and few enough revalidations for an average far under 1.3 attempts.
var healthyRates = shop.Rates{
	FeatureCascade: 0.02, LongQueue: 0.02, ShortQueue: 0.01, Revalidated: 0.02, ColdStart: 0.01,
	Unavailable: 0.01, Failed: 0.005, LongCompute: 0.01, LooseTypes: 0.4,
}

// TestArticlePipeline sends the traffic of a healthy pipeline, looks at all that becomes of it, and then adds a
// pipeline whose model has degraded.
func TestArticlePipeline(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush))
	prometheus := stack.StartPrometheus(t, []string{stack.Root(t, "deploy/prometheus/rules-*.yaml")}, running.Addresses.Metrics)
	healthy := open(t, running, shop.Config{})
	sent := sendInWaves(t, running, healthy, shop.NewSource(7, healthyRates, time.Now().Add(-time.Minute), 10*time.Millisecond))
	sent = append(sent, edgeCases(t, healthy)...)
	untilCounted(prometheus, `job="otelcol-ml"`, sent)

	t.Run("histograms", func(t *testing.T) { testHistograms(t, prometheus.In(t), sent) })
	t.Run("counters", func(t *testing.T) { testCounters(t, prometheus.In(t), sent) })
	t.Run("gauges", func(t *testing.T) { testGauges(t, prometheus.In(t), sent) })
	t.Run("zero first", func(t *testing.T) { testZeroFirst(t, prometheus.In(t), sent) })
	t.Run("queries", func(t *testing.T) { testQueries(t, prometheus.In(t), sent) })
	t.Run("kept traces", func(t *testing.T) { testKept(t, running, sent) })
	t.Run("rules", func(t *testing.T) { testRules(t, prometheus.In(t)) })
	t.Run("revalidation", func(t *testing.T) { testRevalidation(t, running, prometheus.In(t), sent) })
	t.Run("flamegraph", func(t *testing.T) { testFlamegraph(t, running, prometheus.In(t)) })
}

func open(t *testing.T, running *collector.Collector, config shop.Config) *shop.Shop {
	t.Helper()
	config.Endpoint = running.GRPC
	services, err := shop.Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, services.Close(ctx))
	})
	return services
}

// sendInWaves has the spans of a trace arrive from each service in batches of its own, in another order in each wave,
// and the second half of the services only after the collector has taken in the first.
func sendInWaves(t *testing.T, running *collector.Collector, services *shop.Shop, source *shop.Source) []shop.Sent {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var sent []shop.Sent
	for range waves {
		for range requests / waves {
			sent = append(sent, services.Play(source.Next()))
		}
		names := services.Services()
		random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		half := len(names) / 2
		for _, name := range names[:half] {
			require.NoError(t, services.Flush(t.Context(), name))
		}
		untilSeen(t, running, len(sent))
		for _, name := range names[half:] {
			require.NoError(t, services.Flush(t.Context(), name))
		}
	}
	return sent
}

// untilSeen waits until mltailsampling has seen the first spans of so many traces.
func untilSeen(t *testing.T, running *collector.Collector, traces int) {
	t.Helper()
	stack.Until(t, running.Process, "the traces to arrive", func(ctx context.Context) error {
		sampling, err := running.Sampling(ctx)
		if err != nil {
			return err
		}
		if sampling.Arrived < traces {
			return fmt.Errorf("%d of %d have", sampling.Arrived, traces)
		}
		return nil
	})
}

// edgeCases are requests just at the thresholds.
func edgeCases(t *testing.T, services *shop.Shop) []shop.Sent {
	t.Helper()
	source := shop.NewSource(8, shop.Rates{}, time.Now().Add(-time.Minute), time.Millisecond)
	var sent []shop.Sent
	play := func(change func(*shop.Request)) {
		request := source.Next()
		change(&request)
		sent = append(sent, services.Play(request))
	}
	for _, loose := range []bool{false, true} {
		play(func(r *shop.Request) { // the least wait that is long, although the compute is longer
			r.Inference.QueueWait, r.Inference.ForwardPass, r.LooseTypes = 300*time.Millisecond, 340*time.Millisecond, loose
		})
		play(func(r *shop.Request) { // as long a wait as the compute is not longer
			r.Inference.QueueWait, r.Inference.ForwardPass, r.LooseTypes = 200*time.Millisecond, 200*time.Millisecond, loose
		})
		play(func(r *shop.Request) { // half of the span in the database
			r.Features = shop.Features{
				Requested: 20, CacheHits: 10, CacheLookup: 4 * time.Millisecond, DBLookup: 10 * time.Millisecond, Rest: 6 * time.Millisecond,
			}
			r.LooseTypes = loose
		})
		play(func(r *shop.Request) { // exactly at the latency threshold, which is not over it
			r.Validation += truth.SlowRequest - r.Duration()
		})
		play(func(r *shop.Request) {
			r.Validation += truth.SlowRequest + time.Millisecond - r.Duration()
		})
	}
	require.NoError(t, services.Flush(t.Context()))
	return sent
}

// untilCounted waits until all metrics of what was sent are scraped, in the series that a selector names. One metric is
// not enough: a series that the last spans have started is at 0 when the others are complete.
func untilCounted(prometheus *stack.Prometheus, selector string, sent []shop.Sent) {
	for metric, observations := range truth.Histograms(sent) {
		prometheus.UntilEqual("sum("+metric+"_count{"+selector+"})", float64(len(observations)))
	}
	for metric, counter := range truth.Counters(sent) {
		prometheus.UntilEqual("sum("+metric+"{"+selector+"})", counter.Total())
	}
}

func spans(sent []shop.Sent) float64 {
	n := 0
	for _, s := range sent {
		n += len(s.Spans)
	}
	return float64(n)
}

// post sends a file of OTLP JSON as it is.
func post(t *testing.T, running *collector.Collector, path string) {
	t.Helper()
	data, err := os.ReadFile(stack.Root(t, path))
	require.NoError(t, err)
	response, err := http.Post("http://"+running.HTTP+"/v1/traces", "application/json", bytes.NewReader(data))
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
}

// untilKept waits until a trace is in the file and returns it.
func untilKept(t *testing.T, running *collector.Collector, id [16]byte, spans int) kept.Trace {
	t.Helper()
	var trace kept.Trace
	stack.Until(t, running.Process, "the kept trace", func(context.Context) error {
		traces, err := kept.Read(running.KeptFile())
		if err != nil {
			return err
		}
		if trace = traces[id]; len(trace) < spans {
			return fmt.Errorf("the file has %d of its %d spans", len(trace), spans)
		}
		return nil
	})
	return trace
}
