package kept

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/viewtest"
)

type s = viewtest.Span

var now = viewtest.Epoch

func TestSummaryOfTheArticle(t *testing.T) {
	store := NewStore(1 << 20)
	td := viewtest.Article(t)
	td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().PutEmptySlice("ml.sampling.policies").AppendEmpty().SetStr("slow-requests")
	require.Zero(t, store.Add(td, now))
	all := store.Requests()
	require.Len(t, all, 1)
	got := all[0]
	assert.Equal(t, "ml.pipeline.request", got.Root)
	assert.Equal(t, "recommendation", got.Pipeline)
	assert.Equal(t, 1820*time.Millisecond, time.Duration(got.Duration()))
	assert.Equal(t, "feature_store", got.Bottleneck)
	assert.InDelta(t, 0.452, got.Share, 0.001)
	assert.Equal(t, "feature_store", got.Shares[0].Cause)
	assert.Equal(t, []string{"slow-requests"}, got.Policies)
	assert.Equal(t, td.SpanCount(), got.Spans)
	assert.ElementsMatch(t, []string{"ml.signal.queue_bound", "ml.signal.high_queue_wait", "ml.signal.feature_cascade", "ml.signal.revalidated", "ml.signal.cold_start"}, got.Signals())
	assert.True(t, got.HasStage("inference"))
	assert.False(t, got.HasStage("training"))
	assert.Equal(t, [4]float64{812, 580, got.Lost[2], 38}, got.Lost)
	assert.False(t, got.NoRoot || got.Partial || got.Skewed || got.Training)
	assert.NotEmpty(t, got.Calls)

	_, back, ok := store.Trace(got.ID)
	require.True(t, ok)
	assert.Equal(t, encoded(t, td), encoded(t, back), "a trace is given back as it came")
}

func encoded(t *testing.T, td ptrace.Traces) string {
	b, err := (&ptrace.JSONMarshaler{}).MarshalTraces(td)
	require.NoError(t, err)
	return string(b)
}

func TestBatchOfSeveralTraces(t *testing.T) {
	store := NewStore(1 << 20)
	td := viewtest.Trace(t, "a", s{Name: "root", Service: "x"})
	viewtest.Trace(t, "b", s{Name: "other", Service: "y"}).ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
	viewtest.Trace(t, "a", s{Name: "child", Parent: "root", Service: "x"}).ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
	viewtest.Trace(t, "", s{Name: "nowhere"}).ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
	assert.Equal(t, Dropped{NoTraceID: 1}, store.Add(td, now))
	byRoot := map[string]int{}
	for _, got := range store.Requests() {
		byRoot[got.Root] = got.Spans
	}
	assert.Equal(t, map[string]int{"root": 2, "other": 1}, byRoot)
}

// TestLateSpans: spans that come later, and those that come twice, belong to the trace that is held.
func TestLateSpans(t *testing.T) {
	store := NewStore(1 << 20)
	second := time.Second
	store.Add(viewtest.Trace(t, "a", s{Name: "child", Parent: "root", Service: "y", From: second, To: 2 * second}), now)
	require.True(t, store.Requests()[0].NoRoot)
	store.Add(viewtest.Trace(t, "a", s{Name: "root", Service: "x", To: 5 * second}), now.Add(second))
	store.Add(viewtest.Trace(t, "a", s{Name: "child", Parent: "root", Service: "y", From: second, To: 2 * second}), now.Add(2*second))
	all := store.Requests()
	require.Len(t, all, 1)
	assert.Equal(t, "root", all[0].Root)
	assert.False(t, all[0].NoRoot)
	assert.Equal(t, 2, all[0].Spans)
	assert.Equal(t, []Call{{"x", "y", 1000, false}}, all[0].Calls)
	assert.Equal(t, now.Add(2*second).UnixNano(), all[0].Arrived)
}

// TestLongRun: a training run comes span by span, more of them than are looked at anew each time.
func TestLongRun(t *testing.T) {
	store := NewStore(16 << 20)
	const n = 3 * recount
	training := map[string]any{"ml.stage": "training"}
	for i := range n {
		store.Add(viewtest.Trace(t, "run", s{Name: "step", ID: fmt.Sprint(i), Parent: "root", Service: "trainer", From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second, Attributes: training}), now)
	}
	store.Add(viewtest.Trace(t, "run", s{Name: "fit", ID: "root", Service: "trainer", To: n * time.Second}), now)
	runs := store.Runs()
	require.Len(t, runs, 1)
	assert.Equal(t, n+1, runs[0].Spans)
	assert.Equal(t, "fit", runs[0].Root)
	assert.Equal(t, n*time.Second, time.Duration(runs[0].Duration()))
	_, td, _ := store.Trace(runs[0].ID)
	assert.Equal(t, n+1, td.SpanCount())
	assert.LessOrEqual(t, len(store.traces[runs[0].ID].parts), mostParts)
}

// TestMemory: the oldest leave first, within the bound, and what is counted is what is taken.
func TestMemory(t *testing.T) {
	const limit = 4 << 20
	store := NewStore(limit)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const n = 20_000
	for i := range n {
		id := fmt.Sprintf("%016d", i)
		store.Add(viewtest.Trace(t, id, s{Name: "root", Service: "gateway", Attributes: map[string]any{"text": strings.Repeat("x", i%1000)}}, s{Name: "child", Parent: "root", Service: fmt.Sprint("service-", i)}), now)
		_, bytes, _ := store.Stats()
		require.LessOrEqual(t, bytes, int64(limit))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	traces, bytes, evicted := store.Stats()
	assert.EqualValues(t, n-traces, evicted)
	assert.Greater(t, bytes, int64(limit*8/10))
	taken := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	assert.Less(t, taken, int64(limit)*3/2, "taken")
	newest := store.Requests()
	require.Len(t, newest, traces)
	assert.Equal(t, fmt.Sprintf("%016d", n-1), string(newest[0].ID[:]))
	assert.Equal(t, fmt.Sprintf("%016d", n-traces), string(newest[traces-1].ID[:]))
	runtime.KeepAlive(store)
}

// TestRunsStay: a flood of requests does not push out a training run, and runs do not push out all requests.
func TestRunsStay(t *testing.T) {
	store := NewStore(1 << 20)
	store.Add(viewtest.Trace(t, "run", s{Name: "fit", Attributes: map[string]any{"ml.stage": "training"}}), now)
	for i := range 5000 {
		store.Add(viewtest.Trace(t, fmt.Sprintf("%016d", i), s{Name: "root"}), now)
	}
	require.Len(t, store.Runs(), 1)
	for i := range 5000 {
		store.Add(viewtest.Trace(t, fmt.Sprintf("run%013d", i), s{Name: "fit", Attributes: map[string]any{"ml.stage": "training"}}), now)
	}
	assert.NotEmpty(t, store.Requests())
	assert.LessOrEqual(t, store.runs.bytes, store.limit/4)
}

func TestTooLargeTrace(t *testing.T) {
	store := NewStore(1 << 20)
	large := s{Name: "root", Attributes: map[string]any{"prompt": strings.Repeat("x", 200<<10)}}
	assert.Equal(t, Dropped{TooLarge: 1}, store.Add(viewtest.Trace(t, "a", large), now))
	assert.Empty(t, store.Requests())
	part := s{Name: "root", Attributes: map[string]any{"prompt": strings.Repeat("x", 100<<10)}}
	require.Zero(t, store.Add(viewtest.Trace(t, "b", part), now))
	part.Name = "more"
	assert.Equal(t, Dropped{TooLarge: 1}, store.Add(viewtest.Trace(t, "b", part), now))
	assert.Equal(t, 1, store.Requests()[0].Spans)
}

func TestConcurrentUse(t *testing.T) {
	store := NewStore(256 << 10)
	var wait sync.WaitGroup
	for w := range 4 {
		wait.Go(func() {
			for i := range 500 {
				store.Add(viewtest.Trace(t, fmt.Sprintf("%d-%013d", w, i%100), s{Name: "root", ID: fmt.Sprint(i)}), now)
				for _, got := range store.Requests() {
					if summary, td, ok := store.Trace(got.ID); ok && td.SpanCount() < summary.Spans {
						t.Errorf("%d spans of %d", td.SpanCount(), summary.Spans)
					}
				}
			}
		})
	}
	wait.Wait()
}

// BenchmarkAdd takes in traces of the article's shape while the memory is full.
func BenchmarkAdd(b *testing.B) {
	td := viewtest.Article(b)
	store := NewStore(8 << 20)
	i := 0
	for b.Loop() {
		i++
		var id pcommon.TraceID
		copy(id[:], fmt.Sprintf("%016d", i))
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					span.SetTraceID(id)
				}
			}
		}
		store.Add(td, now)
	}
	b.ReportMetric(float64(td.SpanCount()), "spans")
}
