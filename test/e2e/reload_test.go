package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// otherBuckets is what a reload changes.
const otherBuckets = "connectors: {mlmetrics: {metrics: {ml.inference.queue_wait_ms: {buckets: [10, 100, 1000]}}}}"

// TestReload: SIGHUP with a changed file ends all series and begins them anew, while services go on sending. Over both
// an OTLP backend has counted every span once. Prometheus, which cannot scrape a collector that is ending, misses what
// came since the last flush that it saw, and counts nothing twice.
func TestReload(t *testing.T) {
	t.Parallel()
	backend := &metricsBackend{series: map[string]map[uint64]map[uint64]point{}}
	server := httptest.NewServer(backend)
	t.Cleanup(server.Close)
	changing := filepath.Join(t.TempDir(), "changing.yaml")
	require.NoError(t, os.WriteFile(changing, []byte("{}"), 0o600))
	options := stack.CollectorOptions(t, stack.FastFlush, stack.Root(t, "test/e2e/testdata/reload.yaml"), changing)
	options.Env = append(options.Env, "TEST_METRICS_BACKEND="+server.URL)
	running := stack.StartCollector(t, options)
	prometheus := stack.StartPrometheus(t, nil, running.Addresses.Metrics)

	before := sendTo(t, running, 51, 300)
	untilCounted(prometheus, `job="otelcol-ml"`, before)

	var shops []*shop.Shop
	for i := range 3 { // their series are new, so that some are still at zero when the collector reloads
		shops = append(shops, open(t, running, shop.Config{Pipeline: fmt.Sprintf("busy-%d", i)}))
	}
	during := make([]sending, len(shops))
	stop := make(chan struct{})
	var group sync.WaitGroup
	for i, services := range shops {
		group.Go(func() { during[i] = sendUntil(t.Context(), services, uint64(60+i), stop) })
	}
	untilMore(t, running, spans(before))
	require.NoError(t, os.WriteFile(changing, []byte(otherBuckets), 0o600))
	require.NoError(t, syscall.Kill(running.PID(), syscall.SIGHUP))
	stack.Until(t, running.Process, "the collector to be ready again", func(context.Context) error {
		if n := strings.Count(running.Log(), "Everything is ready."); n < 2 {
			return fmt.Errorf("it was ready %d times", n)
		}
		return nil
	})
	close(stop)
	group.Wait()
	sent := slices.Clone(before)
	for _, of := range during {
		require.NoError(t, of.failed)
		sent = append(sent, of.sent...)
	}
	after := sendTo(t, running, 51, 100) // the first of those before, so that no series exceeds what it was
	sent = append(sent, after...)
	stack.Until(t, running.Process, "all spans at the backend", func(context.Context) error {
		if counts := backend.last("duration_ms_count"); counts[0]+counts[1] < spans(sent) {
			return fmt.Errorf("%v of %v", counts, spans(sent))
		}
		return nil
	})
	counts := backend.last("duration_ms_count")
	require.GreaterOrEqual(t, counts[1], spans(after))
	stack.Until(t, prometheus.Process, "the second configuration's counts", func(context.Context) error {
		if n := prometheus.Number("sum(duration_ms_count) or vector(0)"); n != counts[1] {
			return fmt.Errorf("%v, want %v", n, counts[1])
		}
		return nil
	})
	assert.Equal(t, spans(before)+spans(after), increase(t, prometheus, `duration_ms_count{ml_pipeline_name="recommendation"}`))
	all := increase(t, prometheus, "duration_ms_count")
	assert.LessOrEqual(t, all, spans(sent))
	t.Logf("spans in each configuration: %v; Prometheus has seen %v", counts, all)

	stack.Stop(t, running.Process)
	backend.assertSound(t)
	for metric, observations := range truth.Histograms(sent) {
		counts := backend.last(metric + "_count")
		assert.Equal(t, float64(len(observations)), counts[0]+counts[1], metric)
	}
	for metric, counter := range truth.Counters(sent) {
		counts := backend.last(metric)
		assert.Equal(t, counter.Total(), counts[0]+counts[1], metric)
	}
	for series, runs := range backend.runs() {
		if strings.HasPrefix(series, "ml_inference_queue_wait_ms_count ") {
			for run, buckets := range [2]int{19, 4} {
				for _, p := range runs[run] {
					assert.Equal(t, buckets, p.buckets, "%s, configuration %d", series, run+1)
				}
			}
		}
	}
}

// sending is what was sent until it was enough.
type sending struct {
	sent   []shop.Sent
	failed error
}

// sendUntil sends a few requests at a time, again where the collector does not answer, until it is stopped.
func sendUntil(ctx context.Context, services *shop.Shop, seed uint64, stop chan struct{}) sending {
	var s sending
	source := shop.NewSource(seed, healthyRates, time.Now().Add(-time.Minute), time.Millisecond)
	for {
		for range 20 {
			s.sent = append(s.sent, services.Play(source.Next()))
		}
		s.failed = errors.Join(s.failed, services.Flush(ctx))
		select {
		case <-stop:
			return s
		default:
		}
	}
}

// untilMore waits until the collector has taken more than so many spans.
func untilMore(t *testing.T, running *collector.Collector, spans float64) {
	t.Helper()
	stack.Until(t, running.Process, "more spans", func(ctx context.Context) error {
		telemetry, err := running.Telemetry(ctx)
		if err != nil {
			return err
		}
		if n := telemetry.Sum("otelcol_receiver_accepted_spans"); n <= spans {
			return fmt.Errorf("%v have come", n)
		}
		return nil
	})
}

// increase adds up the increases of series from sample to sample. A smaller value than the last is a series that has
// begun at zero.
func increase(t *testing.T, prometheus *stack.Prometheus, series string) float64 {
	t.Helper()
	value, _, err := prometheus.Query(t.Context(), series+"[15m]", time.Now())
	require.NoError(t, err)
	require.IsType(t, model.Matrix{}, value)
	var sum float64
	for _, of := range value.(model.Matrix) {
		last := 0.0
		for _, sample := range of.Values {
			if float64(sample.Value) < last {
				last = 0
			}
			sum += float64(sample.Value) - last
			last = float64(sample.Value)
		}
	}
	return sum
}

// metricsBackend takes metrics as OTLP over HTTP and remembers every point of counters and histograms' counts: by
// series, start and time.
type metricsBackend struct {
	mutex  sync.Mutex
	series map[string]map[uint64]map[uint64]point
}

// point is a value, and the number of buckets that it comes with.
type point struct {
	value   float64
	buckets int
}

func (b *metricsBackend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := b.take(r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (b *metricsBackend) take(r *http.Request) error {
	body, err := unzipped(r, "/v1/metrics")
	if err != nil {
		return err
	}
	request := pmetricotlp.NewExportRequest()
	if err := request.UnmarshalProto(body); err != nil {
		return err
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, resource := range request.Metrics().ResourceMetrics().All() {
		for _, scope := range resource.ScopeMetrics().All() {
			for _, metric := range scope.Metrics().All() {
				b.add(metric)
			}
		}
	}
	return nil
}

func (b *metricsBackend) add(metric pmetric.Metric) {
	name := strings.ReplaceAll(metric.Name(), ".", "_")
	switch metric.Type() {
	case pmetric.MetricTypeHistogram:
		for _, p := range metric.Histogram().DataPoints().All() {
			b.point(name+"_count", p.Attributes(), p.StartTimestamp(), p.Timestamp(), point{float64(p.Count()), p.BucketCounts().Len()})
		}
	case pmetric.MetricTypeSum:
		for _, p := range metric.Sum().DataPoints().All() {
			b.point(name+"_total", p.Attributes(), p.StartTimestamp(), p.Timestamp(), point{value: p.DoubleValue() + float64(p.IntValue())})
		}
	}
}

func (b *metricsBackend) point(metric string, labels pcommon.Map, start, at pcommon.Timestamp, p point) {
	// A map is printed in the order of its keys.
	series := fmt.Sprint(metric, " ", labels.AsRaw())
	if b.series[series] == nil {
		b.series[series] = map[uint64]map[uint64]point{}
	}
	if b.series[series][uint64(start)] == nil {
		b.series[series][uint64(start)] = map[uint64]point{}
	}
	b.series[series][uint64(start)][uint64(at)] = p
}

// runs are each series' points of the first configuration and of the second, in the order of time. Every export has all
// series, so those that both have show when the first one's last export was.
func (b *metricsBackend) runs() map[string][2][]point {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	ended := uint64(math.MaxUint64)
	for _, starts := range b.series {
		if len(starts) > 1 {
			first := starts[slices.Min(slices.Collect(maps.Keys(starts)))]
			ended = slices.Max(slices.Collect(maps.Keys(first)))
		}
	}
	runs := map[string][2][]point{}
	for series, starts := range b.series {
		var of [2][]point
		for _, start := range slices.Sorted(maps.Keys(starts)) {
			run := 0
			if start > ended {
				run = 1
			}
			for _, at := range slices.Sorted(maps.Keys(starts[start])) {
				of[run] = append(of[run], starts[start][at])
			}
		}
		runs[series] = of
	}
	return runs
}

// last adds up a metric's newest values of each configuration.
func (b *metricsBackend) last(metric string) (sums [2]float64) {
	for series, runs := range b.runs() {
		if of, _, _ := strings.Cut(series, " "); of != metric {
			continue
		}
		for run, points := range runs {
			if len(points) > 0 {
				sums[run] += points[len(points)-1].value
			}
		}
	}
	return sums
}

// assertSound looks at each series: it begins at zero in either configuration, never falls, and ends before it restarts.
func (b *metricsBackend) assertSound(t *testing.T) {
	t.Helper()
	twice := 0
	for series, starts := range b.series {
		require.LessOrEqual(t, len(starts), 2, series)
		ordered := slices.Sorted(maps.Keys(starts))
		if len(ordered) == 2 {
			twice++
			assert.LessOrEqual(t, slices.Max(slices.Collect(maps.Keys(starts[ordered[0]]))), ordered[1], "%s ends after it began anew", series)
		}
		for _, points := range starts {
			last := 0.0
			for i, at := range slices.Sorted(maps.Keys(points)) {
				if i == 0 {
					assert.Zero(t, points[at].value, "%s begins", series)
				}
				assert.GreaterOrEqual(t, points[at].value, last, series)
				last = points[at].value
			}
		}
	}
	assert.NotZero(t, twice, "no series has begun anew")
}
