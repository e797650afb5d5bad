package observe

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// TestFractions has spans count for fractions, with durations that make exponential histograms coarser again and again.
// At every flush the counts of both forms of the histogram and the counter are within one of the truth, and no count
// ever falls while its start stays the same.
func TestFractions(t *testing.T) {
	for _, delta := range []bool{false, true} {
		t.Run(fmt.Sprintf("delta=%v", delta), func(t *testing.T) {
			clock := newFakeClock()
			a := newAggregate(shippedPlan(), settings{
				AdjustedCounts: true, Delta: delta, Now: clock.Now,
				Histograms: metric.Both, MaxSize: 160, MinMax: true, ExponentialSuffix: ".exponential",
			})
			r := rand.New(rand.NewPCG(1, 1))
			// In W3C's hexadecimal the spans stand for 1.5, 4/3, 1.0666..., 1 and 33.3.
			states := []string{"ot=th:55555555555555", "ot=th:4", "ot=th:1", "", "ot=th:f84c"}
			weights := []float64{1.5, 4.0 / 3, 16.0 / 15, 1, 65536.0 / (65536 - 0xf84c)}
			truth, out := 0.0, map[string]float64{}
			previous := map[string]pmetric.ExponentialHistogramDataPoint{}
			for round := range 60 {
				td := ptrace.NewTraces()
				rs := td.ResourceSpans().AppendEmpty()
				rs.Resource().Attributes().PutStr(vocab.PipelineName, "p")
				spans := rs.ScopeSpans().AppendEmpty().Spans()
				for range r.IntN(40) {
					i := r.IntN(len(states))
					truth += weights[i]
					span := spans.AppendEmpty()
					span.SetName("predict")
					span.TraceState().FromRaw(states[i])
					ms := min(math.Exp(r.NormFloat64()*float64(1+round/8)), 1e11)
					end := clock.Now()
					span.SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-time.Duration(ms * 1e6))))
					span.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
				}
				a.observers[round%len(a.observers)].consume(td, a.now())
				clock.advance(15 * time.Second)
				held := true
				for held {
					var err error
					held, err = a.Flush(func(m pmetric.Metrics) error {
						each(m, func(m pmetric.Metric) {
							add := func(count float64) {
								if !delta {
									require.GreaterOrEqual(t, count, out[m.Name()], m.Name())
									out[m.Name()] = 0
								}
								out[m.Name()] += count
							}
							switch m.Name() {
							case "duration_ms":
								add(float64(m.Histogram().DataPoints().At(0).Count()))
							case "ml.stage.calls":
								add(float64(m.Sum().DataPoints().At(0).IntValue()))
							case "duration_ms.exponential":
								dp := m.ExponentialHistogram().DataPoints().At(0)
								add(float64(dp.Count()))
								if before, ok := previous[m.Name()]; ok && !delta {
									requireNoBucketFell(t, before, dp)
								}
								kept := pmetric.NewExponentialHistogramDataPoint()
								dp.CopyTo(kept)
								previous[m.Name()] = kept
							}
						})
						return nil
					})
					require.NoError(t, err)
				}
				if len(out) == 0 {
					continue
				}
				for _, name := range []string{"duration_ms", "duration_ms.exponential", "ml.stage.calls"} {
					require.InDelta(t, truth, out[name], 1, "%s, flush %d", name, round)
				}
			}
			require.Less(t, previous["duration_ms.exponential"].Scale(), int32(5), "the test is to see histograms become coarser")
		})
	}
}

// requireNoBucketFell compares two points of a series as Prometheus does: at the coarser of the two scales.
func requireNoBucketFell(t *testing.T, before, after pmetric.ExponentialHistogramDataPoint) {
	t.Helper()
	require.LessOrEqual(t, after.Scale(), before.Scale())
	by := before.Scale() - after.Scale()
	counts := map[int32]int64{}
	for i, n := range after.Positive().BucketCounts().All() {
		counts[after.Positive().Offset()+int32(i)] += int64(n)
	}
	for i, n := range before.Positive().BucketCounts().All() {
		counts[(before.Positive().Offset()+int32(i))>>by] -= int64(n)
	}
	for at, n := range counts {
		require.GreaterOrEqual(t, n, int64(0), "bucket %d", at)
	}
}
