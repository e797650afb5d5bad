package observe

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/builtin"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/testspans"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// calls has one counter of spans by name.
func calls() *compiled.Plan {
	return compile([]metric.Definition{{
		Name: "calls", Kind: metric.Counter, Values: []metric.Value{{Source: metric.Count}},
		Labels: []metric.Label{{Name: "span", Field: metric.Field{Origin: metric.Intrinsic, Key: metric.SpanName}}},
	}})
}

func spansNamed(names ...string) ptrace.Traces {
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for _, name := range names {
		span := spans.AppendEmpty()
		span.SetName(name)
		span.SetStartTimestamp(1e9)
		span.SetEndTimestamp(2e9)
		span.Attributes().PutStr(vocab.Stage, vocab.StageInference)
	}
	return td
}

func TestNewSeriesIsAtZeroForOneFlush(t *testing.T) {
	clock := newFakeClock()
	a := newAggregate(calls(), settings{Now: clock.Now})
	for _, step := range []struct {
		spans    []string
		expected map[string]string
	}{
		{nil, map[string]string{}},
		{[]string{"a", "a"}, map[string]string{"calls span=a": "0"}},
		{[]string{"b"}, map[string]string{"calls span=a": "2", "calls span=b": "0"}},
		{[]string{"a"}, map[string]string{"calls span=a": "3", "calls span=b": "1"}},
	} {
		a.Consume(spansNamed(step.spans...))
		clock.advance(time.Second)
		require.Equal(t, step.expected, exported(flush(t, a)))
	}
}

func TestIdleSeriesExpireAndComeBackAtZeroWithANewStart(t *testing.T) {
	clock := newFakeClock()
	a := newAggregate(calls(), settings{Now: clock.Now, Expiration: 20 * time.Second})
	next := func(spans ...string) pmetric.Metrics {
		a.Consume(spansNamed(spans...))
		clock.advance(15 * time.Second)
		return flush(t, a)
	}
	next("a", "b")
	first := points(next("b"))
	require.Equal(t, map[string]string{"calls span=a": "1", "calls span=b": "3"}, exported(next("b")))
	require.Equal(t, map[string]string{"calls span=b": "4"}, exported(next("b")), "a was idle for too long")
	require.Equal(t, map[string]string{"calls span=a": "0", "calls span=b": "4"}, exported(next("a")))
	again := points(next("b"))
	for key, p := range again {
		if strings.Contains(key, "span:a") {
			require.Equal(t, 1.0, p.value)
			require.Greater(t, p.start, first[key].time, "the new series starts after the old one ended")
		} else {
			require.Equal(t, first[key].start, p.start)
		}
	}
}

func TestObservationDuringAFlushKeepsItsSeries(t *testing.T) {
	clock := newFakeClock()
	a := newAggregate(calls(), settings{Now: clock.Now, Expiration: time.Second})
	a.Consume(spansNamed("a"))
	clock.advance(time.Second)
	flush(t, a)
	flush(t, a)
	clock.advance(time.Minute)
	// The series is idle by now, but something arrives between the flush's merge and its expiry.
	_, err := a.Flush(func(pmetric.Metrics) error {
		a.Consume(spansNamed("a", "a"))
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"calls span=a": "3"}, exported(flush(t, a)))
}

func TestASeriesStartsNoLaterThanItsPoint(t *testing.T) {
	clock := newFakeClock()
	a := newAggregate(calls(), settings{Now: clock.Now})
	a.Consume(spansNamed("a"))
	clock.advance(-time.Second) // set back, or the flush took its time before the series was made
	all := points(flush(t, a))
	require.NotEmpty(t, all)
	for key, p := range all {
		require.LessOrEqual(t, p.start, p.time, key)
	}
}

func TestRefusedFlushComesAgain(t *testing.T) {
	for _, delta := range []bool{false, true} {
		clock := newFakeClock()
		a := newAggregate(calls(), settings{Now: clock.Now, Expiration: time.Second, Delta: delta})
		refuse := func() {
			clock.advance(time.Minute) // far beyond the expiration
			_, err := a.Flush(func(pmetric.Metrics) error { return errors.New("no") })
			require.Error(t, err)
		}
		a.Consume(spansNamed("a"))
		refuse()
		refuse()
		if !delta {
			require.Equal(t, map[string]string{"calls span=a": "0"}, exported(flush(t, a)), "the zero has not been exported")
			refuse()
		}
		a.Consume(spansNamed("a"))
		refuse()
		require.Equal(t, map[string]string{"calls span=a": "2"}, exported(flush(t, a)))
		clock.advance(time.Minute)
		flush(t, a)
		require.Empty(t, exported(flush(t, a)), "what was exported expires")
	}
}

func TestDeltaIntervalsFollowEachOther(t *testing.T) {
	clock := newFakeClock()
	a := newAggregate(calls(), settings{Now: clock.Now, Delta: true})
	var last point
	for _, n := range []int{3, 0, 2} {
		for range n {
			a.Consume(spansNamed("a"))
		}
		clock.advance(15 * time.Second)
		got := flush(t, a)
		if n == 0 {
			require.Zero(t, got.DataPointCount(), "nothing happened")
			continue
		}
		for _, p := range points(got) {
			require.EqualValues(t, n, p.value)
			if last.time != 0 {
				require.Equal(t, last.time, p.start, "an interval starts where the last one ended, idle flushes or not")
			}
			last = p
		}
	}
}

func TestOverflowTakesWhatIsBeyondTheLimit(t *testing.T) {
	clock := newFakeClock()
	a := newAggregate(calls(), settings{Now: clock.Now, SeriesLimit: 2, Expiration: 20 * time.Second})
	next := func(spans ...string) map[string]string {
		a.Consume(spansNamed(spans...))
		clock.advance(15 * time.Second)
		return exported(flush(t, a))
	}
	const overflow = "calls otel.metric.overflow=true"
	require.Equal(t, map[string]string{"calls span=a": "0", "calls span=b": "0", overflow: "0"}, next("a", "b", "c", "d", "a", "c"))
	require.Equal(t, map[string]string{"calls span=a": "4", "calls span=b": "1", overflow: "4"}, next("c", "a", "a"))
	next("a")
	require.Equal(t, map[string]string{"calls span=a": "5", overflow: "4"}, next(), "b expires, the overflow series does not")
	require.Equal(t, map[string]string{"calls span=a": "6", "calls span=c": "0", overflow: "4"}, next("a", "c"), "there is room for c now")
	require.Equal(t, map[string]string{"calls span=a": "6", "calls span=c": "2", overflow: "5"}, next("c", "d"))
	c := a.takeCounts().metrics[0]
	require.Equal(t, 2, c.Active)
	require.EqualValues(t, 1, c.Expired)
	require.EqualValues(t, 5, c.Overflowed, "as many as the overflow series has")
}

// TestLabelToBlame floods one label of three.
func TestLabelToBlame(t *testing.T) {
	metrics := []metric.Definition{{
		Name: "calls", Kind: metric.Counter, Values: []metric.Value{{Source: metric.Count}},
		Labels: []metric.Label{
			{Name: "model", Field: metric.Field{Key: vocab.ModelName}},
			{Name: "request", Field: metric.Field{Key: vocab.RequestID}},
			{Name: "stage", Field: metric.Field{Key: vocab.Stage}},
		},
	}}
	a := newAggregate(compile(metrics), settings{SeriesLimit: 100})
	for i := range 50 {
		td := spansNamed(make([]string, 100)...)
		for j, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
			span.Attributes().PutStr(vocab.ModelName, fmt.Sprint("model ", j%7))
			span.Attributes().PutStr(vocab.RequestID, fmt.Sprint("request ", i, j))
		}
		a.Consume(td)
	}
	flush(t, a)
	c := a.takeCounts().metrics[0]
	require.Equal(t, 100, c.Active)
	require.EqualValues(t, 4900, c.Overflowed)
	require.Equal(t, []int{7, 100, 1}, c.LabelValues, "of the series that there are")
	flush(t, a)
	require.Nil(t, a.takeCounts().metrics[0].LabelValues, "nothing overflowed since")
}

func TestNoAllocationOnceSeriesExist(t *testing.T) {
	a := newAggregate(compile(builtin.Metrics()), settings{AdjustedCounts: true})
	td := testspans.Batch(64, 10, 1)
	s := a.observers[0] // Consume itself takes a stripe from a sync.Pool, which the race detector empties at random
	s.consume(td, a.now())
	require.Zero(t, testing.AllocsPerRun(100, func() { s.consume(td, a.now()) }))
}

// TestNothingOfTheBatchIsKept lets go of a batch and looks whether the garbage collector can have every string that
// the connector read in it.
func TestNothingOfTheBatchIsKept(t *testing.T) {
	a := newAggregate(compile(everyKind()), settings{AdjustedCounts: true})
	var held atomic.Int64
	fresh := func(text string) string {
		text = strings.Repeat(text, 100)
		held.Add(1)
		runtime.AddCleanup(unsafe.StringData(text), func(n *atomic.Int64) { n.Add(-1) }, &held)
		return text
	}
	func() {
		td := spansNamed(fresh("name"), fresh("another"))
		rs := td.ResourceSpans().At(0)
		rs.Resource().Attributes().PutStr(vocab.ServiceName, fresh("service"))
		rs.Resource().Attributes().PutStr(vocab.PipelineName, fresh("pipeline"))
		for _, span := range rs.ScopeSpans().At(0).Spans().All() {
			span.TraceState().FromRaw(fresh("ot=th:8,"))
			span.Attributes().PutStr(vocab.Stage, fresh("stage"))
			span.Attributes().PutStr(vocab.ModelName, fresh("model"))
			span.Attributes().PutStr(vocab.QueueWait, fresh("7"))
			span.Attributes().PutStr("acme.tenant", fresh("tenant"))
			span.Attributes().PutStr(fresh("key"), fresh("value"))
			span.Attributes().PutBool(vocab.SignalColdStart, true)
			span.Attributes().PutStr(vocab.ColdStartComponent, fresh("component"))
			e := span.Events().AppendEmpty()
			e.SetName(vocab.EventValidationFailed)
			e.Attributes().PutStr(vocab.EventReason, fresh("reason"))
		}
		a.Consume(td)
	}()
	require.Eventually(t, func() bool {
		runtime.GC()
		return held.Load() == 0
	}, time.Minute, time.Millisecond, "%d strings of the batch are still held", held.Load())
	require.NotZero(t, flush(t, a).DataPointCount())
}

// TestGaugeOutlivesAClockThatIsAhead: a span from the future is the newest only until the next one arrives.
func TestGaugeOutlivesAClockThatIsAhead(t *testing.T) {
	clock := newFakeClock()
	a := newAggregate(compile([]metric.Definition{{
		Name: "memory", Kind: metric.Gauge,
		Values: []metric.Value{{Source: metric.Attribute, Field: metric.Field{Origin: metric.Span, Key: "memory"}, Max: 100}},
	}}), settings{Now: clock.Now})
	for _, step := range []struct {
		ended    time.Duration // after now
		value    float64
		expected string
	}{
		{-time.Second, 1, "1"},
		{-20 * time.Second, 2, "1"}, // it ended before the one that came before it
		{24 * time.Hour, 3, "3"},
		{-time.Second, 4, "4"},
	} {
		clock.advance(15 * time.Second)
		td := ptrace.NewTraces()
		span := ended(td, clock, traceID(1), time.Second)
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(clock.Now().Add(step.ended)))
		span.Attributes().PutDouble("memory", step.value)
		a.Consume(td)
		require.Equal(t, map[string]string{"memory": step.expected}, exported(flush(t, a)))
	}
}
