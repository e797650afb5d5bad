package buffer

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	tailsampling "github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/prefilter"
)

// harness is a Buffer with a clock of its own. Its policies may keep traces with an error.
type harness struct {
	*Buffer
	t     testing.TB
	mutex sync.Mutex
	clock time.Time
	batch Batch
	// decided are the traces that were returned for the policies, direct the names of spans that were forwarded.
	decided [][16]byte
	direct  []string
	passed  []string
}

func newHarness(t testing.TB, change func(*Options)) *harness {
	errors := tailsampling.PolicyCfg{}
	errors.Name, errors.Type = "errors", tailsampling.StatusCode
	errors.StatusCodeCfg.StatusCodes = []string{"ERROR"}
	h := &harness{t: t, clock: time.Unix(1_700_000_000, 0)}
	o := Options{
		Filter: prefilter.New([]tailsampling.PolicyCfg{errors}, []prefilter.Condition{{Attribute: "ml.stage", Values: []string{"training"}}}),
		Wait:   10 * time.Second, MaxTraces: 1e6, MaxBytes: 1 << 30,
		RememberKept: 1000, RememberDropped: 1000, RememberPassed: 1000, RememberPassedFor: time.Hour,
		Now: func() time.Time {
			h.mutex.Lock()
			defer h.mutex.Unlock()
			return h.clock
		},
	}
	if change != nil {
		change(&o)
	}
	h.Buffer = New(o)
	t.Cleanup(h.Free)
	return h
}

func (h *harness) advance(d time.Duration) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.clock = h.clock.Add(d)
}

// span describes a span: of trace n, named, of a service.
type span struct {
	trace   uint64
	name    string
	service string
	failed  bool
	child   bool
	stage   string
	padding int
}

func id(n uint64) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:8], n*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// add sends spans as one batch, those of a service under one resource.
func (h *harness) add(spans ...span) {
	td := ptrace.NewTraces()
	services := map[string]ptrace.SpanSlice{}
	for _, s := range spans {
		to, ok := services[s.service]
		if !ok {
			rs := td.ResourceSpans().AppendEmpty()
			rs.Resource().Attributes().PutStr("service.name", s.service)
			rs.SetSchemaUrl("resource schema")
			ss := rs.ScopeSpans().AppendEmpty()
			ss.Scope().SetName("scope of " + s.service)
			ss.SetSchemaUrl("scope schema")
			to = ss.Spans()
			services[s.service] = to
		}
		one := to.AppendEmpty()
		one.SetTraceID(id(s.trace))
		one.SetName(s.name)
		if s.child {
			one.SetParentSpanID(pcommon.SpanID{1})
		}
		if s.failed {
			one.Status().SetCode(ptrace.StatusCodeError)
		}
		if s.stage != "" {
			one.Attributes().PutStr("ml.stage", s.stage)
		}
		if s.padding > 0 {
			one.Attributes().PutStr("padding", string(make([]byte, s.padding)))
		}
	}
	marshaler := ptrace.ProtoMarshaler{}
	encoded, err := marshaler.MarshalTraces(td)
	require.NoError(h.t, err)
	require.NoError(h.t, h.Add(encoded))
	clear(encoded) // nothing of it may be kept
}

// due collects what is due.
func (h *harness) due(all bool) {
	for more := true; more; {
		more = h.Due(&h.batch, all)
		h.decided = append(h.decided, h.batch.Decide...)
		for _, d := range h.batch.Direct {
			if d.Pass {
				h.passed = append(h.passed, h.names(d.Encoded)...)
			} else {
				h.direct = append(h.direct, h.names(d.Encoded)...)
			}
		}
	}
}

// names returns service/name of encoded spans and checks what they came in.
func (h *harness) names(encoded []byte) (names []string) {
	unmarshaler := ptrace.ProtoUnmarshaler{}
	td, err := unmarshaler.UnmarshalTraces(encoded)
	require.NoError(h.t, err)
	for _, rs := range td.ResourceSpans().All() {
		service, _ := rs.Resource().Attributes().Get("service.name")
		require.Equal(h.t, "resource schema", rs.SchemaUrl())
		for _, ss := range rs.ScopeSpans().All() {
			require.Equal(h.t, "scope of "+service.Str(), ss.Scope().Name())
			require.Equal(h.t, "scope schema", ss.SchemaUrl())
			for _, s := range ss.Spans().All() {
				names = append(names, service.Str()+"/"+s.Name())
			}
		}
	}
	return names
}

// take returns the names of the spans of a decided trace.
func (h *harness) take(trace uint64) []string {
	var taken Taken
	require.True(h.t, h.Take(id(trace), &taken))
	names := h.names(taken.Encoded)
	require.EqualValues(h.t, len(names), taken.Spans)
	return names
}

func TestATraceThatNoPolicyCanKeepIsDropped(t *testing.T) {
	h := newHarness(t, nil)
	h.add(span{trace: 1, name: "a", service: "x"}, span{trace: 2, name: "b", service: "x", failed: true})
	h.advance(9 * time.Second)
	h.due(false)
	assert.Empty(t, h.decided)
	assert.EqualValues(t, 2, h.Waiting())
	h.add(span{trace: 2, name: "c", service: "y"}) // does not prolong the wait
	h.advance(time.Second)
	h.due(false)
	assert.Equal(t, [][16]byte{id(2)}, h.decided)
	assert.EqualValues(t, 1, h.Stats().NoMatch.Load())
	assert.Equal(t, []string{"x/b", "y/c"}, h.take(2))
	h.Decided(id(2), true)
	assert.Zero(t, h.Waiting())
	assert.Zero(t, h.Bytes(), "everything is free")
}

func TestSpansFollowTheDecision(t *testing.T) {
	h := newHarness(t, nil)
	h.add(span{trace: 1, name: "kept", failed: true}, span{trace: 2, name: "not kept", failed: true}, span{trace: 3, name: "no match"})
	h.advance(10 * time.Second)
	h.due(false)
	h.add(span{trace: 1, name: "before it is taken"})
	assert.Equal(t, []string{"/kept", "/before it is taken"}, h.take(1))
	h.add(span{trace: 1, name: "while it is decided"})
	h.due(false)
	assert.Empty(t, h.direct, "not before the decision")
	h.Decided(id(1), true)

	h.take(2)
	h.add(span{trace: 2, name: "while it is decided"})
	h.Decided(id(2), false)

	for trace := range uint64(3) {
		h.add(span{trace: trace + 1, name: fmt.Sprintf("late %d", trace+1)})
	}
	h.due(false)
	assert.ElementsMatch(t, []string{"/while it is decided", "/late 1"}, h.direct)
	assert.EqualValues(t, 2, h.Stats().LateKept.Load())
	assert.EqualValues(t, 3, h.Stats().LateDropped.Load())
	assert.Zero(t, h.Waiting())
	assert.Zero(t, h.Bytes())
	kept, dropped := h.Decision(id(1))
	assert.True(t, kept)
	assert.False(t, dropped)
	kept, dropped = h.Decision(id(3))
	assert.False(t, kept)
	assert.True(t, dropped)
}

func TestTheRootShortensTheWait(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.RootWait = 2 * time.Second })
	h.add(span{trace: 1, name: "child", failed: true, child: true}, span{trace: 2, name: "other", failed: true, child: true})
	h.advance(3 * time.Second)
	h.due(false)
	h.add(span{trace: 1, name: "root"})
	h.advance(time.Second)
	h.add(span{trace: 1, name: "another root"}) // does not prolong the wait
	h.due(false)
	assert.Empty(t, h.decided)
	h.advance(time.Second)
	h.due(false)
	assert.Equal(t, [][16]byte{id(1)}, h.decided)
	h.advance(5 * time.Second)
	h.due(false)
	assert.Len(t, h.decided, 2)
}

func TestPassedOn(t *testing.T) {
	h := newHarness(t, nil)
	h.add(span{trace: 1, name: "before"})
	h.due(false)
	assert.Empty(t, h.passed)
	h.add(span{trace: 1, name: "stage", stage: "training"}, span{trace: 2, name: "first", stage: "training"}, span{trace: 3, name: "other", stage: "inference"})
	h.due(false)
	assert.ElementsMatch(t, []string{"/before", "/stage", "/first"}, h.passed, "at once, with what waited")
	h.advance(59 * time.Minute)
	h.add(span{trace: 1, name: "an hour later"})
	h.due(false)
	assert.Contains(t, h.passed, "/an hour later")
	h.advance(3 * time.Hour)
	h.add(span{trace: 1, name: "forgotten"})
	h.due(false)
	assert.NotContains(t, h.passed, "/forgotten")
	assert.EqualValues(t, 4, h.Stats().PassedSpans.Load())
}

// TestPassedOnInEveryState: the span that says so may come at any time.
func TestPassedOnInEveryState(t *testing.T) {
	h := newHarness(t, nil)
	h.add(span{trace: 1, name: "dropped"})
	h.add(span{trace: 2, name: "asked for", failed: true}, span{trace: 3, name: "taken", failed: true}, span{trace: 4, name: "kept", failed: true})
	h.advance(10 * time.Second)
	h.due(false) // 1 is dropped
	h.take(4)
	h.Decided(id(4), true)
	h.add(span{trace: 4, name: "late"})
	h.take(3)
	for trace := range uint64(4) {
		h.add(span{trace: trace + 1, name: fmt.Sprintf("stage %d", trace+1), stage: "training"})
	}
	h.Decided(id(3), false)
	h.due(false)
	assert.ElementsMatch(t, []string{"/stage 1", "/asked for", "/stage 2", "/stage 3", "/late", "/stage 4"}, h.passed)
	assert.Empty(t, h.direct)
	assert.False(t, h.Take(id(2), &Taken{}), "it is passed on by now")
	h.add(span{trace: 3, name: "after"})
	h.due(false)
	assert.Contains(t, h.passed, "/after", "though it was dropped")
	assert.Zero(t, h.Bytes())
}

func TestTheOldestAreDecidedAtMaxTraces(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.MaxTraces = 10 })
	for n := range uint64(50) {
		h.add(span{trace: n, name: "a", failed: n%7 == 0})
		h.advance(time.Millisecond)
	}
	assert.EqualValues(t, 10, h.waiting.Load())
	assert.EqualValues(t, 40, h.Stats().EarlyTraces.Load())
	select {
	case <-h.Early():
	default:
		t.Error("Early says nothing")
	}
	h.due(false)
	var want [][16]byte
	for n := uint64(0); n < 40; n += 7 {
		want = append(want, id(n))
	}
	assert.ElementsMatch(t, want, h.decided, "of the first 40 those that a policy can keep")
}

func TestTheOldestAreDecidedAtMaxBytes(t *testing.T) {
	const most = 16 << 20
	h := newHarness(t, func(o *Options) { o.MaxBytes = most })
	mustKeep := 0
	for n := range uint64(5 * most / 4096) {
		failed := n%100 == 0
		h.add(span{trace: n, name: "a", failed: failed, padding: 4096})
		if failed {
			mustKeep++
		}
		h.due(false)
		for len(h.decided) > 0 { // the policies keep up
			var taken Taken
			require.True(t, h.Take(h.decided[0], &taken))
			h.Decided(h.decided[0], true)
			h.decided = h.decided[1:]
		}
		require.LessOrEqual(t, h.Bytes(), int64(most+most/4))
		h.advance(time.Microsecond)
	}
	assert.Positive(t, h.Stats().EarlyBytes.Load())
	h.due(true)
	for _, trace := range h.decided {
		h.Decided(trace, true)
	}
	assert.EqualValues(t, mustKeep, h.Stats().Kept.Load(), "none that must be kept is lost")
}

// TestTracesWithThePoliciesCostNobodyTheWait: a block is freed with its last trace, so those that the policies have not
// taken yet keep the blocks of traces that were dropped. Deciding on further ones would not free them.
func TestTracesWithThePoliciesCostNobodyTheWait(t *testing.T) {
	const maxBytes, padding = 8 << 20, 2000
	h := newHarness(t, func(o *Options) { o.MaxBytes = maxBytes })
	traces := uint64(0)
	for h.Bytes() < maxBytes+maxBytes/5 { // a little more, and Add would wait for the policies
		traces++
		h.add(span{trace: traces, name: "step", service: "gateway", failed: traces%10 == 0, padding: padding})
	}
	assert.Positive(t, h.Stats().EarlyBytes.Load())
	assert.Greater(t, h.Waiting()*padding, int64(maxBytes)*3/4)
	h.due(true)
	for _, trace := range h.decided {
		require.True(t, h.Take(trace, &Taken{}))
		h.Decided(trace, true)
	}
	assert.Len(t, h.decided, int(traces/10))
	assert.Zero(t, h.leaving.Load())
	assert.Zero(t, h.Bytes())
}

// TestSendersWaitForThePolicies: with BlockOnOverflow, where everything must be decided, memory is bounded by having the
// senders wait.
func TestSendersWaitForThePolicies(t *testing.T) {
	const most, count = 16 << 20, 16000
	h := newHarness(t, func(o *Options) { o.MaxBytes, o.BlockOnOverflow = most, true })
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for n := range uint64(count) {
			h.add(span{trace: n, name: "a", failed: true, padding: 4096})
		}
	}()
	taken := 0
	for done := false; !done; {
		select {
		case <-h.Early():
		case <-sent:
			done = true
		}
		h.due(done)
		for _, trace := range h.decided {
			require.LessOrEqual(t, h.Bytes(), int64(most+most/4)+2*blockSize)
			require.True(t, h.Take(trace, &Taken{}))
			h.Decided(trace, true)
			taken++
		}
		h.decided = h.decided[:0]
	}
	assert.Equal(t, count, taken)
}

func TestBlockOnOverflow(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.MaxTraces, o.BlockOnOverflow = 2, true })
	added := make(chan struct{})
	go func() {
		defer close(added)
		for n := range uint64(4) {
			h.add(span{trace: n, name: "a"})
		}
	}()
	<-h.Early() // a sender waits
	select {
	case <-added:
		t.Fatal("it did not wait")
	default:
	}
	for done := false; !done; {
		h.advance(10 * time.Second)
		h.due(false)
		select {
		case <-added:
			done = true
		default:
		}
	}
	assert.Zero(t, h.Stats().EarlyTraces.Load())
}

func TestCloseEndsWaiting(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.MaxTraces, o.BlockOnOverflow = 1, true })
	added := make(chan struct{})
	go func() {
		defer close(added)
		h.add(span{trace: 1, name: "a"}, span{trace: 2, name: "b"})
	}()
	<-h.Early()
	h.Close()
	<-added
	h.add(span{trace: 3, name: "c"})
}

func TestTooLarge(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.MaxTraceBytes = 10_000 })
	h.add(span{trace: 1, name: "a", failed: true, padding: 6000})
	h.add(span{trace: 1, name: "b", failed: true, padding: 6000}, span{trace: 2, name: "c", failed: true, padding: 6000})
	h.add(span{trace: 1, name: "d", failed: true})
	h.due(true)
	assert.Equal(t, [][16]byte{id(2)}, h.decided)
	assert.EqualValues(t, 1, h.Stats().TooLarge.Load())
	assert.EqualValues(t, 1, h.Stats().LateDropped.Load())
}

func TestDiscard(t *testing.T) {
	h := newHarness(t, nil)
	h.add(span{trace: 1, name: "a", failed: true}, span{trace: 2, name: "b", stage: "training"})
	h.Discard()
	h.due(true)
	assert.Empty(t, h.decided)
	assert.Equal(t, []string{"/b"}, h.passed)
	assert.EqualValues(t, 1, h.Stats().Discarded.Load())
	assert.Zero(t, h.Bytes())
}

func TestMalformed(t *testing.T) {
	h := newHarness(t, nil)
	assert.Error(t, h.Add([]byte{0xff}))
	assert.Error(t, h.Add([]byte{0x0a, 0x05, 0x12, 0x03, 0x12, 0x01, 0xff}))
	h.add(span{trace: 1, name: "a"})
	assert.EqualValues(t, 1, h.Waiting())
}

// TestEverySpanOnce adds spans of many traces from several goroutines, in any
// order, and finds each in its trace, once, while memory is used again and
// again.
func TestEverySpanOnce(t *testing.T) {
	const workers, traces, rounds = 4, 300, 12
	h := newHarness(t, nil)
	found := map[uint64][]string{}
	for round := range uint64(rounds) {
		var wait sync.WaitGroup
		for worker := range uint64(workers) {
			wait.Go(func() {
				random := rand.New(rand.NewPCG(round, worker))
				var spans []span
				for n := range uint64(traces) {
					for part := range 3 {
						name := fmt.Sprintf("%d.%d.%d", round, worker, part)
						spans = append(spans, span{trace: round*traces + n, name: name, service: fmt.Sprint(n % 3), failed: true, padding: random.IntN(600)})
					}
				}
				random.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
				for batch := range slices.Chunk(spans, 37) {
					h.add(batch...)
				}
			})
		}
		wait.Wait()
		h.advance(10 * time.Second)
		h.due(false)
		for _, trace := range h.decided {
			n := binary.BigEndian.Uint64(trace[8:])
			found[n] = append(found[n], h.take(n)...)
			h.Decided(trace, false)
		}
		h.decided = h.decided[:0]
		require.Zero(t, h.Bytes())
	}
	require.Len(t, found, traces*rounds)
	for n, names := range found {
		var want []string
		for worker := range workers {
			for part := range 3 {
				want = append(want, fmt.Sprintf("%d/%d.%d.%d", n%traces%3, n/traces, worker, part))
			}
		}
		slices.Sort(names)
		slices.Sort(want)
		require.Equal(t, want, names)
	}
	assert.LessOrEqual(t, len(h.spare), 4*shards, "blocks that are not needed are let go")
}
