package series

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lightstep/go-expohisto/structure"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/builtin"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
)

// key returns the key of a series.
func key(number int, values ...string) []byte {
	key := AppendMetric(nil, number)
	for _, value := range values {
		key = AppendLabel(key, value)
	}
	return key
}

func TestKeysKeepLabels(t *testing.T) {
	long := string(make([]byte, 300))
	for _, values := range [][]string{{}, {""}, {"a"}, {"", "a", ""}, {long, "b", long + long}, {"\x00\xff", "\x80"}} {
		for _, number := range []int{0, 1, 127, 128, 100_000} {
			var got []string
			for i, value := range labels(string(key(number, values...))) {
				require.Len(t, got, i)
				got = append(got, value)
			}
			require.Len(t, got, len(values))
			for i := range values {
				require.Equal(t, values[i], got[i])
			}
		}
	}
	require.NotEqual(t, key(0, "a", "b"), key(0, "ab", ""))
	require.NotEqual(t, key(0, "a"), key(1, "a"))
}

// TestZerosKeepTheResolution: go-expohisto reports scale 0 for a histogram of zeros, to which MergeFrom would come down.
func TestZerosKeepTheResolution(t *testing.T) {
	size := structure.NewConfig(structure.WithMaxSize(MinMaxSize))
	to := structure.NewFloat64(size, 100, 101)
	scale := to.Scale()
	mergeExponential(to, structure.NewFloat64(size, 0, 0))
	require.Equal(t, scale, to.Scale())
	require.EqualValues(t, 2, to.ZeroCount())
	require.EqualValues(t, 4, to.Count())
	require.Zero(t, to.Min())
	require.Equal(t, 101.0, to.Max())
}

// TestWholeRangeFits: at the smallest size the largest and the smallest doubles do not make the histogram coarser than
// what Prometheus can represent.
func TestWholeRangeFits(t *testing.T) {
	h := structure.NewFloat64(structure.NewConfig(structure.WithMaxSize(MinMaxSize)), math.SmallestNonzeroFloat64, math.MaxFloat64)
	require.GreaterOrEqual(t, h.Scale(), int32(-4))
}

func TestSumsStayFinite(t *testing.T) {
	require.Equal(t, math.MaxFloat64, finite(math.Inf(1)))
	require.Equal(t, -math.MaxFloat64, finite(math.Inf(-1)))
	require.Zero(t, finite(math.NaN()))
	require.EqualValues(t, 1<<62, rounded(9e18))
	require.EqualValues(t, 2, rounded(1.5))
}

// TestReservoirKeepsTheSlowest offers random exemplars and compares with the slowest of each bucket.
func TestReservoirKeepsTheSlowest(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		var one, left, right reservoir
		slowest := map[int]float64{} // by bucket
		for i := range 60 {
			e := Exemplar{Bucket: r.IntN(ExemplarsPerSeries), DurationMS: float64(r.IntN(20))}
			one.offer(&e)
			[]*reservoir{&left, &right}[i%2].offer(&e)
			if ms, ok := slowest[e.Bucket]; !ok || e.DurationMS > ms {
				slowest[e.Bucket] = e.DurationMS
			}
		}
		left.merge(&right)
		for _, r := range []*reservoir{&one, &left} {
			require.Len(t, *r, len(slowest))
			for _, e := range *r {
				require.Equal(t, slowest[e.Bucket], e.DurationMS)
			}
		}
	}
}

func TestReservoirIsBounded(t *testing.T) {
	var r reservoir
	for bucket := range 3 * ExemplarsPerSeries {
		r.offer(&Exemplar{Bucket: bucket, DurationMS: float64(bucket)})
	}
	require.Len(t, r, ExemplarsPerSeries)
	for _, e := range r {
		require.GreaterOrEqual(t, e.Bucket, 2*ExemplarsPerSeries, "the slowest are left")
	}
}

// TestSeriesExpireWhileExportsAreRefused: what was exported before expires, what was not stays.
func TestSeriesExpireWhileExportsAreRefused(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	plan := compile([]metric.Definition{{
		Name: "calls", Kind: metric.Counter, Values: []metric.Value{{Source: metric.Count}},
		Labels: []metric.Label{{Name: "span", Field: metric.Field{Origin: metric.Intrinsic, Key: metric.SpanName}}},
	}})
	s := New(plan.Metrics, Options{Expiration: time.Minute, Now: func() time.Time { return now }})
	observe := func(span string) {
		shard := s.Shards()[0]
		shard.Lock()
		defer shard.Unlock()
		shard.Add(shard.Find(0, key(0, span)), 1, 1)
	}
	flush := func(answer error) {
		now = now.Add(2 * time.Minute)
		_, err := s.Flush(func(pmetric.Metrics) error { return answer })
		require.Equal(t, answer, err)
	}
	refused := errors.New("refused")
	observe("exported")
	flush(nil) // at zero
	flush(nil)
	observe("waits")
	flush(refused)
	flush(refused)
	require.Len(t, s.byKey, 1)
	require.Contains(t, s.byKey, string(key(0, "waits")))
}

// TestGaugesAfterTheClockIsSetBack: a gauge shows what comes then, and goes on to prefer the value that ended last.
func TestGaugesAfterTheClockIsSetBack(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	plan := compile([]metric.Definition{{
		Name: "memory", Kind: metric.Gauge, Values: []metric.Value{{Source: metric.Attribute, Field: metric.Field{Origin: metric.Span, Key: "m"}}},
		Labels: []metric.Label{{Name: "span", Field: metric.Field{Origin: metric.Intrinsic, Key: metric.SpanName}}},
	}})
	s := New(plan.Metrics, Options{Now: func() time.Time { return now }})
	observe := func(value float64, ago time.Duration) {
		shard := s.Shards()[0]
		shard.Lock()
		defer shard.Unlock()
		shard.Set(shard.Find(0, key(0, "a")), value, pcommon.NewTimestampFromTime(now.Add(-ago)))
	}
	shown := func() (value float64) {
		_, err := s.Flush(func(md pmetric.Metrics) error {
			value = md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints().At(0).DoubleValue()
			return nil
		})
		require.NoError(t, err)
		return value
	}
	observe(1, 0)
	require.Equal(t, 1.0, shown())
	now = now.Add(-time.Hour)
	observe(2, 0)
	require.Equal(t, 2.0, shown())
	now = now.Add(time.Minute)
	observe(3, 2*time.Minute) // came late
	require.Equal(t, 2.0, shown())
	observe(4, 0)
	require.Equal(t, 4.0, shown())
}

// TestBuiltInMetricsFit: the shipped metrics compile.
func TestBuiltInMetricsFit(t *testing.T) {
	plan, err := compiled.Compile(append(builtin.Metrics(), builtin.GenAI()...))
	require.NoError(t, err)
	require.NotEmpty(t, plan.Metrics)
}

func compile(metrics []metric.Definition) *compiled.Plan {
	p, err := compiled.Compile(metrics)
	if err != nil {
		panic(err)
	}
	return p
}
