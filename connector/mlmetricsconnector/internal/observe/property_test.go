package observe

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/builtin"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/series"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// stream makes random batches. Numbers are whole, so that sums come out the same in any order.
type stream struct {
	*rand.Rand
	// seen are batches that may come again, so that series, rows and guesses do.
	seen []ptrace.Traces
}

// lastEnd is the end of the last span: no two spans end at the same time, or gauges would depend on the order.
var lastEnd atomic.Uint64

func (s *stream) pick(values ...string) string { return values[s.IntN(len(values))] }

func (s *stream) batch() ptrace.Traces {
	td := ptrace.NewTraces()
	if len(s.seen) > 0 && s.IntN(2) == 0 {
		s.seen[s.IntN(len(s.seen))].CopyTo(td)
		return td
	}
	defer func() { s.seen = append(s.seen, td) }()
	for range 1 + s.IntN(3) {
		rs := td.ResourceSpans().AppendEmpty()
		a := rs.Resource().Attributes()
		a.PutStr(vocab.ServiceName, s.pick("gateway", "features", "inference"))
		if s.IntN(3) > 0 {
			a.PutStr(vocab.PipelineName, s.pick("recommendation", "search", ""))
		}
		if s.IntN(3) > 0 {
			a.PutStr(s.pick(vocab.DeploymentEnvironment, vocab.DeploymentEnvironmentName), "production")
		}
		if s.IntN(4) == 0 {
			a.PutStr(vocab.ModelName, "from the resource")
		}
		if s.IntN(2) == 0 {
			a.PutInt("acme.rack", s.Int64N(3))
		}
		ss := rs.ScopeSpans().AppendEmpty()
		for range s.IntN(20) {
			s.span(ss.Spans().AppendEmpty())
		}
	}
	return td
}

func (s *stream) span(span ptrace.Span) {
	end := lastEnd.Add(1e6)
	span.SetName(s.pick("predict", "extract", "forward", ""))
	span.SetKind(ptrace.SpanKind(s.IntN(3)))
	span.Status().SetCode(ptrace.StatusCode(s.IntN(3)))
	span.SetEndTimestamp(pcommon.Timestamp(1e18 + end))
	span.SetStartTimestamp(pcommon.Timestamp(1e18 + end - s.Uint64N(5000)*1e6))
	if s.IntN(20) == 0 {
		span.SetStartTimestamp(span.EndTimestamp() + 1)
	}
	switch s.IntN(6) {
	case 0:
		span.TraceState().FromRaw("ot=th:8")
	case 1:
		span.TraceState().FromRaw("ot=th:c;rv:00000000000000")
	}
	a := span.Attributes()
	if s.IntN(4) > 0 {
		a.PutStr(vocab.Stage, s.pick(vocab.Stages...))
	}
	for _, known := range vocab.Attributes {
		if s.IntN(3) > 0 || known.Key == vocab.Stage {
			continue
		}
		switch known.Type {
		case vocab.String:
			a.PutStr(known.Key, s.pick("a", "b", ""))
		case vocab.Bool:
			a.PutBool(known.Key, s.IntN(2) == 0)
		default:
			s.number(a, known.Key)
		}
	}
	if s.IntN(3) == 0 {
		a.PutStr("acme.tenant", s.pick("x", "y"))
	}
	for range s.IntN(3) {
		e := span.Events().AppendEmpty()
		e.SetName(s.pick(vocab.EventValidationFailed, "other"))
		e.Attributes().PutStr(vocab.EventReason, s.pick("truncated", "missing_field"))
		if s.IntN(2) == 0 {
			e.Attributes().PutInt(vocab.EventAttempt, s.Int64N(4))
		}
	}
}

func (s *stream) number(a pcommon.Map, key string) {
	n := s.Int64N(1000)
	if s.IntN(2) == 0 {
		n = s.Int64N(2)
	}
	switch s.IntN(8) {
	case 0:
		a.PutStr(key, fmt.Sprint(n))
	case 1:
		a.PutStr(key, "many")
	case 2:
		a.PutDouble(key, math.NaN())
	case 3:
		a.PutInt(key, -n)
	case 4:
		a.PutInt(key, n)
	default:
		a.PutDouble(key, float64(n))
	}
}

// everyKind is the catalogue and metrics that use what the catalogue does not.
func everyKind() []metric.Definition {
	all := builtin.Metrics()
	yes, five := true, 5.0
	value := metric.Value{Source: metric.Attribute, Min: -math.MaxFloat64, Max: math.MaxFloat64}
	with := func(v metric.Value, f metric.Field, event string) metric.Value {
		v.Field, v.Event = f, event
		return v
	}
	tenant := metric.Label{Name: "tenant", Field: metric.Field{Key: "acme.tenant"}, Default: "none"}
	kind := metric.Label{Name: "kind", Field: metric.Field{Origin: metric.Intrinsic, Key: metric.SpanKind}}
	return append(all,
		metric.Definition{Name: "acme.rack", Kind: metric.Gauge, Values: []metric.Value{with(value, metric.Field{Origin: metric.Resource, Key: "acme.rack"}, "")}, Labels: []metric.Label{kind}},
		metric.Definition{Name: "acme.wait", Kind: metric.Histogram, Buckets: []float64{1, 10, 100}, AllSpans: true,
			Values: []metric.Value{with(value, metric.Field{Key: vocab.QueueWait}, "")}, Labels: []metric.Label{tenant},
			When: []metric.Condition{{Field: metric.Field{Key: vocab.BatchSize}, Min: &five}, {Field: metric.Field{Key: vocab.ModelName}, Exists: &yes}}},
		metric.Definition{Name: "acme.attempts", Kind: metric.Histogram, Buckets: []float64{0, 1, 2}, Labels: append([]metric.Label{tenant}, builtin.Common...),
			Values: []metric.Value{with(value, metric.Field{Origin: metric.Event, Key: vocab.EventAttempt}, vocab.EventValidationFailed)}},
		metric.Definition{Name: "acme.ok", Kind: metric.Counter, AllSpans: true, Values: []metric.Value{{Source: metric.Count}}, Labels: []metric.Label{kind},
			When: []metric.Condition{{Field: metric.Field{Origin: metric.Intrinsic, Key: metric.StatusCode}, NotIn: []string{"ERROR"}}}},
	)
}

type fakeClock struct {
	sync.Mutex
	now time.Time
}

func (c *fakeClock) Now() time.Time {
	c.Lock()
	defer c.Unlock()
	return c.now
}

func (c *fakeClock) advance(d time.Duration) {
	c.Lock()
	defer c.Unlock()
	c.now = c.now.Add(d)
}

func newFakeClock() *fakeClock { return &fakeClock{now: time.Unix(1_700_000_000, 0)} }

func flush(t *testing.T, a *aggregate) pmetric.Metrics {
	t.Helper()
	out := pmetric.NewMetrics()
	_, err := a.Flush(func(m pmetric.Metrics) error { out = m; return nil })
	require.NoError(t, err)
	return out
}

// TestEqualsReference observes random batches on stripe after stripe, so that the order of first sight is known, and
// compares every series, start and count of every flush with the reference: in both temporalities and all forms of
// histograms, beyond the series limit, with a next consumer that refuses, series expiring and coming back.
func TestEqualsReference(t *testing.T) {
	const (
		rounds, batches = 22, 4
		interval        = 15 * time.Second
		idleFlushes     = 3
	)
	metrics := everyKind()
	for i := range metrics {
		metrics[i].Expiration = nil
	}
	for _, delta := range []bool{false, true} {
		for _, form := range []metric.Form{metric.Explicit, metric.Exponential, metric.Both} {
			for _, limit := range []int{0, 25} {
				t.Run(fmt.Sprintf("delta=%v,%s,limit=%d", delta, form, limit), func(t *testing.T) {
					clock := newFakeClock()
					options := settings{
						AdjustedCounts: true, Expiration: interval*idleFlushes - time.Second, SeriesLimit: limit, Now: clock.Now,
						Delta: delta, Histograms: form, MaxSize: series.MinMaxSize, MinMax: true, ExponentialSuffix: ".exponential",
					}
					a := newAggregate(compile(metrics), options)
					r := newReference(metrics)
					r.options, r.idleFlushes = options, idleFlushes
					random := &stream{Rand: rand.New(rand.NewPCG(3, 1))}
					var expired, overflowed uint64
					for round := range rounds {
						r.now = clock.Now()
						for range random.IntN(batches + 1) {
							td := random.batch()
							if round%7 > 3 {
								onlyGateway(td)
							}
							r.consume(td)
							td.MarkReadOnly()
							a.observers[random.IntN(len(a.observers))].consume(td, a.now())
						}
						clock.advance(interval)
						accepted := random.IntN(4) > 0
						got := pmetric.NewMetrics()
						held, err := a.Flush(func(m pmetric.Metrics) error {
							m.ResourceMetrics().MoveAndAppendTo(got.ResourceMetrics())
							if !accepted {
								return errors.New("not now")
							}
							return nil
						})
						empty := len(r.points()) == 0 // then there is nothing to refuse
						require.Equal(t, accepted || empty, err == nil)
						require.Equal(t, r.points(), exported(got), "flush %d", round)
						require.Equal(t, r.starts(), started(got, options.ExponentialSuffix), "flush %d", round)
						within := maps.Clone(r.within)
						require.Equal(t, held, r.taken(accepted || empty, clock.Now()), "flush %d", round)
						for i, c := range a.takeCounts().metrics {
							name := metrics[i].Name
							require.Equal(t, within[name], c.Active, name)
							require.Equal(t, r.counts[name], refCounts{c.Observed, c.Overflowed, c.Expired}, name)
							expired += c.Expired
							overflowed += c.Overflowed
						}
						clear(r.counts)
					}
					require.NotZero(t, expired, "the test is to see series expire")
					require.Equal(t, limit > 0, overflowed > 0)
				})
			}
		}
	}
}

// onlyGateway lets series idle.
func onlyGateway(td ptrace.Traces) {
	td.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
		name, _ := rs.Resource().Attributes().Get(vocab.ServiceName)
		return name.Str() != "gateway"
	})
}

// started are the starts of what a flush gave out, gauges aside. The two forms of a histogram start together.
func started(metrics pmetric.Metrics, suffix string) map[string]pcommon.Timestamp {
	out := map[string]pcommon.Timestamp{}
	each(metrics, func(m pmetric.Metric) {
		m.SetName(strings.TrimSuffix(m.Name(), suffix))
		switch m.Type() {
		case pmetric.MetricTypeHistogram:
			for _, dp := range m.Histogram().DataPoints().All() {
				out[seriesKey(m, dp.Attributes())] = dp.StartTimestamp()
			}
		case pmetric.MetricTypeExponentialHistogram:
			for _, dp := range m.ExponentialHistogram().DataPoints().All() {
				out[seriesKey(m, dp.Attributes())] = dp.StartTimestamp()
			}
		case pmetric.MetricTypeSum:
			for _, dp := range m.Sum().DataPoints().All() {
				out[seriesKey(m, dp.Attributes())] = dp.StartTimestamp()
			}
		}
	})
	return out
}

// TestWritersEqualReference has writers observe random batches at the same time, and compares every flush with the
// reference. There is no limit, at which the order would matter.
func TestWritersEqualReference(t *testing.T) {
	const (
		rounds, writers, batches = 15, 4, 3
		interval                 = 15 * time.Second
		idleFlushes              = 3
	)
	for seed := range uint64(2) {
		clock := newFakeClock()
		metrics := everyKind()
		for i := range metrics {
			metrics[i].Expiration = nil
		}
		options := settings{
			AdjustedCounts: true, Expiration: interval*idleFlushes - time.Second, Now: clock.Now,
			Histograms: metric.Both, MaxSize: 160, MinMax: true, ExponentialSuffix: ".exponential",
		}
		a := newAggregate(compile(metrics), options)
		r := newReference(metrics)
		r.options, r.idleFlushes = options, idleFlushes
		random := &stream{Rand: rand.New(rand.NewPCG(seed, 1))}
		for round := range rounds {
			var wait sync.WaitGroup
			for range writers {
				var mine []ptrace.Traces
				for range random.IntN(batches + 1) {
					td := random.batch()
					if round%7 > 3 {
						onlyGateway(td)
					}
					r.consume(td)
					td.MarkReadOnly()
					mine = append(mine, td)
				}
				wait.Go(func() {
					for _, td := range mine {
						a.Consume(td)
					}
				})
			}
			wait.Wait()
			clock.advance(interval)
			r.requireFlush(t, flush(t, a), "seed %d, flush %d", seed, round)
		}
		expired := uint64(0)
		for _, c := range a.takeCounts().metrics {
			expired += c.Expired
		}
		require.NotZero(t, expired, "the test is to see series expire")
	}
}

// TestNothingIsLostWhileFlushing flushes, expires and refuses while writers write. The deltas of all flushes add up to
// what the reference counts.
func TestNothingIsLostWhileFlushing(t *testing.T) {
	for _, delta := range []bool{false, true} {
		t.Run(fmt.Sprintf("delta=%v", delta), func(t *testing.T) {
			clock := newFakeClock()
			metrics := everyKind()
			metrics = metrics[:len(metrics)-4]
			for i := range metrics {
				metrics[i].Expiration = nil
			}
			a := newAggregate(compile(metrics), settings{
				AdjustedCounts: true, Expiration: 20 * time.Second, SeriesLimit: 40, Delta: delta, Now: clock.Now,
				Histograms: metric.Both, MaxSize: 160, ExponentialSuffix: ".exponential",
			})
			r := newReference(metrics)
			r.options.AdjustedCounts = true
			var wait sync.WaitGroup
			for w := range uint64(4) {
				random := &stream{Rand: rand.New(rand.NewPCG(w, 2))}
				var mine []ptrace.Traces
				for range 30 {
					td := random.batch()
					r.consume(td)
					mine = append(mine, td)
				}
				wait.Go(func() {
					for _, td := range mine {
						a.Consume(td)
					}
				})
			}
			done := make(chan struct{})
			go func() { wait.Wait(); close(done) }()

			totals := map[string]float64{} // by metric: what was exported of each series, whatever became of it
			previous := map[string]point{} // with cumulative points
			refuse := 0
			take := func() {
				clock.advance(15 * time.Second)
				_, err := a.Flush(func(m pmetric.Metrics) error {
					if refuse++; refuse%3 == 0 {
						return fmt.Errorf("not now")
					}
					for key, p := range points(m) {
						if before, ok := previous[key]; ok && !delta && before.start == p.start {
							require.GreaterOrEqual(t, p.value, before.value, "%s fell without a new start", key)
							totals[p.metric] -= before.value
						}
						require.LessOrEqual(t, p.start, p.time)
						if before, ok := previous[key]; ok {
							require.Greater(t, p.time, before.time)
							if delta {
								require.GreaterOrEqual(t, p.start, before.time, "intervals of %s overlap", key)
							}
						}
						totals[p.metric] += p.value
						previous[key] = p
					}
					return nil
				})
				if refuse%3 == 0 {
					return
				}
				require.NoError(t, err)
			}
			for running := true; running; {
				select {
				case <-done:
					running = false
				default:
				}
				take()
			}
			for range 4 {
				take()
			}
			expected := map[string]float64{}
			for _, s := range r.series {
				switch s.metric.Kind {
				case metric.Histogram:
					for _, v := range s.values {
						expected[s.metric.Name] += v.weight
						expected[s.metric.Name+".exponential"] += v.weight
					}
				case metric.Counter:
					expected[s.metric.Name] += sum(s.values)
				}
			}
			for name, total := range expected {
				require.Equal(t, total, totals[name], name)
			}
		})
	}
}

type point struct {
	metric      string
	value       float64
	start, time pcommon.Timestamp
}

// points returns the counts of histograms and the values of counters.
func points(metrics pmetric.Metrics) map[string]point {
	out := map[string]point{}
	for _, m := range metrics.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		switch m.Type() {
		case pmetric.MetricTypeHistogram:
			for _, dp := range m.Histogram().DataPoints().All() {
				out[m.Name()+fmt.Sprint(dp.Attributes().AsRaw())] = point{m.Name(), float64(dp.Count()), dp.StartTimestamp(), dp.Timestamp()}
			}
		case pmetric.MetricTypeExponentialHistogram:
			for _, dp := range m.ExponentialHistogram().DataPoints().All() {
				out[m.Name()+fmt.Sprint(dp.Attributes().AsRaw())] = point{m.Name(), float64(dp.Count()), dp.StartTimestamp(), dp.Timestamp()}
			}
		case pmetric.MetricTypeSum:
			for _, dp := range m.Sum().DataPoints().All() {
				out[m.Name()+fmt.Sprint(dp.Attributes().AsRaw())] = point{m.Name(), float64(dp.IntValue()), dp.StartTimestamp(), dp.Timestamp()}
			}
		}
	}
	return out
}
