package observe

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/builtin"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/series"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

func traceID(n uint64) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

type exemplarPoint struct {
	metric   string
	exemplar pmetric.Exemplar
}

func exemplars(metrics pmetric.Metrics) (out []exemplarPoint) {
	add := func(name string, list pmetric.ExemplarSlice) {
		for _, e := range list.All() {
			out = append(out, exemplarPoint{name, e})
		}
	}
	if metrics.ResourceMetrics().Len() == 0 {
		return nil
	}
	for _, m := range metrics.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		switch m.Type() {
		case pmetric.MetricTypeHistogram:
			for _, dp := range m.Histogram().DataPoints().All() {
				add(m.Name(), dp.Exemplars())
			}
		case pmetric.MetricTypeExponentialHistogram:
			for _, dp := range m.ExponentialHistogram().DataPoints().All() {
				add(m.Name(), dp.Exemplars())
			}
		case pmetric.MetricTypeSum:
			for _, dp := range m.Sum().DataPoints().All() {
				add(m.Name(), dp.Exemplars())
			}
		}
	}
	return out
}

// ended adds a span that ended just now.
func ended(td ptrace.Traces, clock *fakeClock, id pcommon.TraceID, took time.Duration) ptrace.Span {
	if td.ResourceSpans().Len() == 0 {
		td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	}
	span := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().AppendEmpty()
	span.SetTraceID(id)
	span.SetSpanID(pcommon.SpanID{1})
	span.SetName("predict")
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(clock.Now().Add(-took)))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(clock.Now()))
	span.Attributes().PutStr(vocab.Stage, vocab.StageInference)
	return span
}

func newAggregator(clock *fakeClock) *aggregate {
	return newAggregate(compile(builtin.Metrics()), settings{SeriesLimit: 100, Now: clock.Now})
}

// TestExemplarsAreOfTheSpansThatAreOffered: every span is observed, and some are offered later.
func TestExemplarsAreOfTheSpansThatAreOffered(t *testing.T) {
	clock := newFakeClock()
	a := newAggregator(clock)
	kept := ptrace.NewTraces()
	for n := range uint64(100) {
		td := ptrace.NewTraces()
		span := ended(td, clock, traceID(n+1), time.Duration(n+1)*time.Millisecond)
		span.Attributes().PutDouble(vocab.QueueWait, float64(n))
		a.Consume(td)
		if n%10 == 3 {
			td.ResourceSpans().MoveAndAppendTo(kept.ResourceSpans())
		}
	}
	require.Empty(t, exemplars(flush(t, a)))
	clock.advance(10 * time.Second)
	require.EqualValues(t, 100, a.takeCounts().MLSpans)
	a.Exemplify(kept)
	got := exemplars(flush(t, a))
	require.NotEmpty(t, got)
	byMetric := map[string]int{}
	for _, e := range got {
		id := binary.BigEndian.Uint64(func() []byte { id := e.exemplar.TraceID(); return id[8:] }())
		require.EqualValues(t, 3, (id-1)%10, "the trace was offered")
		require.Equal(t, pcommon.SpanID{1}, e.exemplar.SpanID())
		require.Equal(t, pcommon.NewTimestampFromTime(clock.Now()), e.exemplar.Timestamp())
		byMetric[e.metric]++
	}
	require.Greater(t, byMetric["duration_ms"], 3, "spread over the buckets")
	require.Greater(t, byMetric["ml.inference.queue_wait_ms"], 3)
	require.Equal(t, 1, byMetric["ml.stage.calls"])
	require.Empty(t, exemplars(flush(t, a)), "each is exported once")
	require.Zero(t, a.takeCounts().MLSpans, "spans are counted when they are observed, and not when they are offered")
}

// TestExemplarsCreateNoSeries: a span that was not observed, or whose series has expired, has nowhere to be.
func TestExemplarsCreateNoSeries(t *testing.T) {
	clock := newFakeClock()
	a := newAggregate(compile(builtin.Metrics()), settings{SeriesLimit: 100, Expiration: time.Minute, Now: clock.Now})
	td := ptrace.NewTraces()
	ended(td, clock, traceID(1), time.Second)
	a.Exemplify(td)
	require.Zero(t, flush(t, a).MetricCount())

	a.Consume(td) // as on the way: the series may come later
	flush(t, a)
	a.Exemplify(td)
	require.NotEmpty(t, exemplars(flush(t, a)))

	clock.advance(2 * time.Minute)
	flush(t, a) // expires them
	require.Zero(t, flush(t, a).MetricCount())
	a.Exemplify(td)
	require.Zero(t, flush(t, a).MetricCount())
}

func TestExemplarsOfTheOverflowSeries(t *testing.T) {
	clock := newFakeClock()
	a := newAggregate(compile(builtin.Metrics()), settings{SeriesLimit: 1, Now: clock.Now})
	td := ptrace.NewTraces()
	ended(td, clock, traceID(1), time.Second)
	ended(td, clock, traceID(2), time.Second).SetName("another")
	a.Consume(td)
	flush(t, a)
	a.Exemplify(td)
	ids := map[pcommon.TraceID]bool{}
	for _, e := range exemplars(flush(t, a)) {
		ids[e.exemplar.TraceID()] = true
	}
	require.Len(t, ids, 2)
}

// TestExemplarsAreTheSlowestOfTheirBucket, of as many buckets as a series has exemplars.
func TestExemplarsAreTheSlowestOfTheirBucket(t *testing.T) {
	clock := newFakeClock()
	a := newAggregator(clock)
	r := rand.New(rand.NewPCG(1, 2))
	var slowest time.Duration
	for range 20 {
		td := ptrace.NewTraces()
		for range 100 {
			took := time.Duration(r.IntN(5000)) * time.Millisecond
			ended(td, clock, traceID(r.Uint64()), took)
			slowest = max(slowest, took)
		}
		a.Consume(td)
		a.Exemplify(td)
	}
	flush(t, a)
	for _, m := range flush(t, a).ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() != "duration_ms" {
			continue
		}
		dp := m.Histogram().DataPoints().At(0)
		buckets, largest := map[int]bool{}, 0.0
		for _, e := range dp.Exemplars().All() {
			bucket := 0
			for bucket < dp.ExplicitBounds().Len() && e.DoubleValue() > dp.ExplicitBounds().At(bucket) {
				bucket++
			}
			require.False(t, buckets[bucket], "one for each bucket")
			buckets[bucket] = true
			largest = max(largest, e.DoubleValue())
		}
		require.Equal(t, float64(slowest.Milliseconds()), largest)
		require.Len(t, buckets, series.ExemplarsPerSeries)
		return
	}
	t.Fatal("no duration_ms")
}

func TestExemplarsNeedATraceID(t *testing.T) {
	clock := newFakeClock()
	a := newAggregator(clock)
	td := ptrace.NewTraces()
	ended(td, clock, pcommon.TraceID{}, time.Second)
	a.Consume(td)
	flush(t, a)
	a.Exemplify(td)
	require.Empty(t, exemplars(flush(t, a)))
}
