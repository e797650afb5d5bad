package series

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/viewtest"
)

var began = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// made is a point of a histogram or counter to be made.
type made struct {
	metric  string
	labels  map[string]any
	start   time.Time
	delta   bool
	bounds  []float64
	counts  []uint64
	sum     float64
	counter int64
}

func batch(t testing.TB, points ...made) pmetric.Metrics {
	md := pmetric.NewMetrics()
	metrics := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	for _, p := range points {
		m := metrics.AppendEmpty()
		m.SetName(p.metric)
		temporality := pmetric.AggregationTemporalityCumulative
		if p.delta {
			temporality = pmetric.AggregationTemporalityDelta
		}
		if p.start.IsZero() {
			p.start = began
		}
		if p.counts == nil {
			m.SetEmptySum().SetAggregationTemporality(temporality)
			to := m.Sum().DataPoints().AppendEmpty()
			to.SetIntValue(p.counter)
			to.SetStartTimestamp(pcommon.NewTimestampFromTime(p.start))
			require.NoError(t, to.Attributes().FromRaw(p.labels))
			continue
		}
		m.SetEmptyHistogram().SetAggregationTemporality(temporality)
		to := m.Histogram().DataPoints().AppendEmpty()
		to.ExplicitBounds().FromRaw(p.bounds)
		to.BucketCounts().FromRaw(p.counts)
		to.SetSum(p.sum)
		to.SetStartTimestamp(pcommon.NewTimestampFromTime(p.start))
		var n uint64
		for _, c := range p.counts {
			n += c
		}
		to.SetCount(n)
		require.NoError(t, to.Attributes().FromRaw(p.labels))
	}
	return md
}

func since(d time.Duration, now time.Time) Window { return Window{From: now.Add(-d), To: now} }

// TestWindows: what came within a window counts, to the step.
func TestWindows(t *testing.T) {
	store := NewStore(1<<20, began)
	total := int64(0)
	now := began
	// One a minute for three hours, and ten each in the last two minutes.
	for minute := range 180 {
		total++
		if minute >= 178 {
			total += 9
		}
		now = began.Add(time.Duration(minute) * time.Minute)
		store.Add(batch(t, made{metric: Requests, counter: total}), now)
	}
	for _, c := range []struct {
		window Window
		want   float64
	}{
		{since(5*time.Minute, now), 23}, {since(time.Hour, now), 78}, {Window{To: now}, 198},
		{Window{From: now.Add(-10 * time.Minute), To: now.Add(-5 * time.Minute)}, 5},
		{Window{From: now.Add(-2 * time.Hour), To: now.Add(-time.Hour)}, 60},
	} {
		assert.Equal(t, c.want, store.Sum(Requests, Match{}, c.window).Sum, "%v", c.window)
		points, _ := store.Plot(Requests, Match{}, c.window)
		var plotted float64
		for _, p := range points {
			plotted += p.Sum
		}
		assert.Equal(t, c.want, plotted, "plot of %v", c.window)
		assert.LessOrEqual(t, len(points), 122)
	}
	assert.Equal(t, 5*time.Minute, store.Length(since(5*time.Minute, now)))
	assert.Equal(t, 179*time.Minute, store.Length(since(5*time.Hour, now)))
}

// TestResets: a series that restarts counts from zero, one that began before the store did counts from now on.
func TestResets(t *testing.T) {
	store := NewStore(1<<20, began)
	add := func(minute int, p made) { store.Add(batch(t, p), began.Add(time.Duration(minute)*time.Minute)) }
	sum := func() float64 { return store.Sum(Requests, Match{}, Window{To: began.Add(time.Hour)}).Sum }
	add(0, made{metric: Requests, counter: 10})
	add(1, made{metric: Requests, counter: 15})
	assert.Equal(t, 15.0, sum())
	add(2, made{metric: Requests, counter: 4}) // fell: began anew
	assert.Equal(t, 19.0, sum())
	add(3, made{metric: Requests, counter: 6, start: began.Add(150 * time.Second)}) // grew, but is another series by its start
	assert.Equal(t, 25.0, sum())

	old := map[string]any{"collector.instance": "older"}
	add(4, made{metric: Requests, labels: old, counter: 1_000_000, start: began.Add(-24 * time.Hour)})
	assert.Equal(t, 25.0, sum())
	add(5, made{metric: Requests, labels: old, counter: 1_000_003, start: began.Add(-24 * time.Hour)})
	assert.Equal(t, 28.0, sum())

	histogram := made{metric: Latency, bounds: []float64{1, 2}, counts: []uint64{5, 5, 5}, sum: 30}
	add(6, histogram)
	histogram.counts, histogram.sum = []uint64{1, 9, 9}, 40 // more in all, fewer in one bucket: began anew
	add(7, histogram)
	latency := store.Sum(Latency, Match{}, Window{To: began.Add(time.Hour)})
	assert.Equal(t, 34.0, latency.Count)
	assert.Equal(t, 70.0, latency.Sum)
}

// TestLabels: series of other labels are not mixed up, and sums over them are right.
func TestLabels(t *testing.T) {
	store := NewStore(1<<20, began)
	labels := func(service, model, device string) map[string]any {
		return map[string]any{"service.name": service, "ml.model.name": model, "ml.device.id": device}
	}
	store.Add(batch(t,
		made{metric: QueueWait, labels: labels("a", "x", "0"), bounds: []float64{10}, counts: []uint64{1, 0}, sum: 5},
		made{metric: QueueWait, labels: labels("a", "x", "1"), bounds: []float64{10}, counts: []uint64{2, 0}, sum: 6},
		made{metric: QueueWait, labels: labels("b", "y", "0"), bounds: []float64{10}, counts: []uint64{0, 4}, sum: 80},
		made{metric: Signals, labels: map[string]any{"signal": "queue_bound"}, counter: 3},
		made{metric: Signals, labels: map[string]any{"signal": "cold_start"}, counter: 2},
		made{metric: "somebody.else", counter: 5},
	), began)
	all := Window{To: began}
	assert.Equal(t, 7.0, store.Sum(QueueWait, Match{}, all).Count)
	assert.Equal(t, 11.0, store.Sum(QueueWait, Match{Service: "a"}, all).Sum)
	assert.Equal(t, 80.0, store.Sum(QueueWait, Match{Model: "y"}, all).Sum)
	assert.Zero(t, store.Sum(QueueWait, Match{Service: "a", Model: "y"}, all).Count)
	assert.Equal(t, 3.0, store.Sum(Signals, Match{Detail: Is("queue_bound")}, all).Sum)
	assert.Equal(t, []string{"a", "b"}, store.Values(Match{}, func(l Labels) string { return l.Service }, QueueWait))
	assert.NotContains(t, store.cells, "somebody.else")
}

// TestQuantiles are those of Prometheus' histogram_quantile for the same buckets.
func TestQuantiles(t *testing.T) {
	explicit := Dist{layout: &Layout{Bounds: []float64{10, 20, 50}}, counts: []uint64{10, 20, 60, 10}}
	for q, want := range map[float64]float64{0: 0, 0.05: 5, 0.1: 10, 0.2: 15, 0.3: 20, 0.6: 35, 0.9: 50} {
		got, capped := explicit.Quantile(q)
		assert.InDelta(t, want, got, 1e-9, "%v", q)
		assert.False(t, capped)
	}
	got, capped := explicit.Quantile(0.99)
	assert.Equal(t, 50.0, got)
	assert.True(t, capped, "above the highest bound")

	exponential := Dist{layout: &Layout{Exponential: true, Scale: 0}, low: 2, counts: []uint64{4, 4}} // (4, 8], (8, 16]
	got, _ = exponential.Quantile(0.25)
	assert.InDelta(t, 4*math.Sqrt2, got, 1e-9)
	got, _ = exponential.Quantile(0.75)
	assert.InDelta(t, 8*math.Sqrt2, got, 1e-9)
	exponential.zero = 8
	got, _ = exponential.Quantile(0.5)
	assert.Zero(t, got)

	got, _ = (&Dist{}).Quantile(0.5)
	assert.True(t, math.IsNaN(got))
}

// TestForms: what mlmetrics counts arrives here alike, whatever the temporality and the kind of histogram.
func TestForms(t *testing.T) {
	const n = 400
	random := rand.New(rand.NewPCG(1, 2))
	var traces []ptrace.Traces
	var durations []float64
	for i := range n {
		ms := math.Exp(random.NormFloat64()) * 100
		durations = append(durations, ms)
		traces = append(traces, viewtest.Trace(t, fmt.Sprint(i), viewtest.Span{Name: "chat", Service: "server", To: time.Duration(ms * float64(time.Millisecond)), Attributes: map[string]any{
			"ml.stage": "inference", "ml.inference.queue_wait_ms": ms / 4, "ml.signal.queue_bound": i%4 == 0,
		}}))
	}
	slices.Sort(durations)
	var total float64
	for _, ms := range durations {
		total += ms
	}
	for name, change := range map[string]func(*mlmetricsconnector.Config){
		"explicit":          nil,
		"exponential":       func(c *mlmetricsconnector.Config) { c.Histograms.Type = "exponential" },
		"both":              func(c *mlmetricsconnector.Config) { c.Histograms.Type = "both" },
		"delta":             func(c *mlmetricsconnector.Config) { c.Temporality = "delta" },
		"exponential delta": func(c *mlmetricsconnector.Config) { c.Histograms.Type, c.Temporality = "exponential", "delta" },
		"few buckets":       func(c *mlmetricsconnector.Config) { c.Histograms.Type, c.Histograms.MaxSize = "exponential", 20 },
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			store := NewStore(1<<20, now)
			for _, md := range viewtest.Metrics(t, change, traces...) {
				require.Zero(t, store.Add(md, now))
			}
			all := Window{To: now}
			d := store.Sum(Duration, Match{Service: "server", Stage: "inference"}, all)
			assert.Equal(t, float64(n), d.Count)
			assert.InEpsilon(t, total, d.Sum, 1e-6)
			assert.InEpsilon(t, total/4, store.Sum(QueueWait, Match{}, all).Sum, 1e-6)
			assert.Equal(t, float64(n/4), store.Sum(Signals, Match{Detail: Is("queue_bound")}, all).Sum)
			p50, _ := d.Quantile(0.5)
			tolerance := 0.6 // buckets reach from 100 to 250
			if strings.HasPrefix(name, "exponential") {
				tolerance = 0.05
			}
			assert.InEpsilon(t, durations[n/2], p50, tolerance)
		})
	}
}

// TestMerging: distributions of other buckets are put together without losing a value.
func TestMerging(t *testing.T) {
	parts := []Dist{
		{Count: 6, layout: &Layout{Bounds: []float64{1, 10, 100}}, counts: []uint64{1, 2, 3}},
		{Count: 4, layout: &Layout{Bounds: []float64{5, 50}}, counts: []uint64{1, 1, 2}},
		{Count: 8, layout: &Layout{Exponential: true, Scale: 3}, low: -4, counts: []uint64{2, 2, 2, 2}},
		{Count: 3, layout: &Layout{Exponential: true, Scale: 1}, low: 5, counts: []uint64{3}},
	}
	for i := range parts {
		for j := range parts {
			var d Dist
			d.Add(&parts[i])
			d.Add(&parts[j])
			var n uint64
			for _, c := range d.counts {
				n += c
			}
			assert.Equal(t, parts[i].Count+parts[j].Count, float64(n), "%d and %d", i, j)
		}
	}
}

// TestScaleFalls: an exponential series whose scale falls goes on, and does not begin anew.
func TestScaleFalls(t *testing.T) {
	fine := Dist{Count: 8, layout: &Layout{Exponential: true, Scale: 2}, low: -3, counts: []uint64{1, 2, 3, 2}}
	coarse := Dist{layout: &Layout{Exponential: true, Scale: 0}}
	coarse.Add(&Dist{Count: 8, layout: fine.layout, low: fine.low, counts: slices.Clone(fine.counts)})
	coarse.count(7, 5)
	coarse.Count += 5
	more, ok := coarse.since(&fine)
	require.True(t, ok)
	assert.Equal(t, 5.0, more.Count)
	assert.Equal(t, []uint64{5}, more.counts)
	assert.Equal(t, 7, more.low)
}

// TestMemory: label sets without end stay within the bound, and what is known goes on.
func TestMemory(t *testing.T) {
	const limit = 2 << 20
	store := NewStore(limit, began)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	noRoom := 0
	for i := range 30_000 {
		now := began.Add(time.Duration(i) * time.Second)
		noRoom += store.Add(batch(t,
			made{metric: Requests, counter: int64(i)},
			made{metric: Duration, start: now, labels: map[string]any{"service.name": fmt.Sprint("service-", i)}, bounds: []float64{1, 2, 3, 4}, counts: []uint64{1, 1, 1, 1, 1}, sum: 9},
		), now)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	assert.Positive(t, noRoom)
	bytes, _ := store.Bytes()
	assert.Less(t, bytes, int64(limit*11/10))
	assert.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(limit*2))
	assert.Equal(t, 29_999.0, store.Sum(Requests, Match{}, Window{To: began.Add(10 * time.Hour)}).Sum)
	runtime.KeepAlive(store)
}

func TestGauges(t *testing.T) {
	store := NewStore(1<<20, began)
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(Score)
	for i, v := range []float64{0.9, 0.8} {
		p := m.SetEmptyGauge().DataPoints().AppendEmpty()
		p.SetDoubleValue(v)
		p.SetTimestamp(pcommon.NewTimestampFromTime(began.Add(-time.Duration(i) * time.Minute)))
		p.Attributes().PutStr("metric", "auc")
		store.Add(md, began)
	}
	assert.Equal(t, map[Labels]Gauge{{Detail: "auc"}: {0.9, began.UnixNano()}}, store.Gauges(Score, Match{}), "the newest value, not the last to come")
}

func TestConcurrentUse(t *testing.T) {
	store := NewStore(1<<20, began)
	const n = 200
	var wait sync.WaitGroup
	for w := range 3 {
		wait.Go(func() {
			for i := range n {
				labels := map[string]any{"service.name": fmt.Sprint(w)}
				store.Add(batch(t, made{metric: Requests, labels: labels, counter: int64(i + 1)}, made{metric: Latency, labels: labels, bounds: []float64{1}, counts: []uint64{uint64(i), 1}, sum: 2}), began.Add(time.Duration(i)*time.Second))
				now := began.Add(time.Duration(i) * time.Second)
				latency := store.Sum(Latency, Match{}, since(5*time.Minute, now))
				latency.Quantile(0.9)
				store.Plot(Requests, Match{}, Window{To: now})
				store.Values(Match{}, func(l Labels) string { return l.Service }, Requests)
			}
		})
	}
	wait.Wait()
	assert.Equal(t, 3.0*n, store.Sum(Requests, Match{}, Window{To: began.Add(time.Hour)}).Sum)
}
