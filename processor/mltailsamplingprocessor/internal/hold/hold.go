// Package hold keeps the spans of undecided traces, encoded, until it is time
// to decide.
//
// Add takes encoded batches, from any number of goroutines. Due, for one
// goroutine, returns what has become due: the IDs of traces to be decided by the
// policies, and spans to be forwarded without that. A trace that no policy can
// keep is dropped there, undecoded. A trace to be decided stays, and may grow,
// until Take returns its spans; Decided then says what the policies have made
// of it, so that later spans follow.
//
// Spans are kept as OTLP encodes them, in append-only blocks without pointers;
// a trace is a list of records in them. Traces are spread over shards by ID,
// each with a lock of its own.
package hold

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/otlpwire"
	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/prefilter"
)

// Options are the settings of a hold.
type Options struct {
	Filter *prefilter.Filter
	// Wait is the time from a trace's first span to its decision, RootWait from
	// its root span where that is sooner; 0: the root does not matter.
	Wait, RootWait time.Duration
	// MaxTraces and MaxBytes bound what waits. At either bound the oldest traces are decided early.
	MaxTraces, MaxBytes int64
	// Patience is how long Add waits at a quarter more than MaxBytes for the policies, before what is due is dropped.
	Patience time.Duration
	// MaxTraceBytes is the size at which a trace is dropped; 0: no bound.
	MaxTraceBytes int64
	// BlockOnOverflow has Add wait at MaxTraces until traces are decided, instead of deciding some early, and at a quarter
	// more than MaxBytes.
	BlockOnOverflow bool
	// RememberKept and RememberDropped are how many decisions are remembered, RememberPassed how many traces that were passed on.
	RememberKept, RememberDropped, RememberPassed int
	// RememberPassedFor is how long a trace that was passed on is remembered after its last span.
	RememberPassedFor time.Duration
	// Now returns the time.
	Now func() time.Time
}

const (
	shards = 16
	// traceOverhead is about what a waiting trace takes beside its records: its entry and its place in the index.
	traceOverhead = 160
)

// Hold keeps undecided traces.
type Hold struct {
	options  Options
	seed     maphash.Seed
	shards   [shards]shard
	contexts contexts
	groups   atomic.Uint32

	blockBytes atomic.Int64 // of blocks in use
	leaving    atomic.Int64 // bytes of blocks in which no trace waits any more: deciding on others would not free them
	waiting    atomic.Int64 // traces
	queued     atomic.Int64 // traces in the queues for the policies
	pressure   atomic.Bool
	behind     atomic.Bool // the policies were, when a sender had waited for them
	stats      Stats

	pool sync.Mutex
	// spare are free blocks of blockSize.
	spare [][]byte

	room   sync.Cond // signalled when there may be room again
	closed bool      // guarded by room.L
	early  chan struct{}
}

// Stats are counters since the start.
type Stats struct {
	NoMatch     atomic.Int64 // traces dropped because no policy could keep them
	TooLarge    atomic.Int64 // traces dropped at MaxTraceBytes
	Discarded   atomic.Int64 // traces dropped by Discard
	Overload    atomic.Int64 // traces dropped because the policies were slower than what arrived
	Pressure    atomic.Int64 // traces dropped with their first span under pressure
	Judged      atomic.Int64 // traces passed to the policies
	Kept        atomic.Int64 // traces that the policies have kept
	NotKept     atomic.Int64 // traces that the policies have not kept
	EarlyTraces atomic.Int64 // traces decided early at MaxTraces
	EarlyBytes  atomic.Int64 // traces decided early at MaxBytes
	LateKept    atomic.Int64 // spans that came after their trace was kept
	LateDropped atomic.Int64 // spans that came after their trace was dropped
	PassedSpans atomic.Int64 // spans passed on without a decision
	// OverloadSpans are spans of traces that are not counted as dropped, dropped because what is behind was slower.
	OverloadSpans atomic.Int64
}

// New returns an empty hold.
func New(o Options) *Hold {
	h := &Hold{options: o, seed: maphash.MakeSeed(), contexts: newContexts(), early: make(chan struct{}, 1)}
	h.room.L = &sync.Mutex{}
	for i := range h.shards {
		h.shards[i].init(h)
	}
	return h
}

// Early receives when traces have become due before their time.
func (h *Hold) Early() <-chan struct{} { return h.early }

// Stats returns the counters.
func (h *Hold) Stats() *Stats { return &h.stats }

// Waiting returns the number of traces that wait for their decision, or have yet to be returned by Due.
func (h *Hold) Waiting() int64 { return h.waiting.Load() + h.queued.Load() }

// Free gives all memory back to the system. The hold must be empty, and is not to be used any more.
func (h *Hold) Free() {
	h.pool.Lock()
	defer h.pool.Unlock()
	for _, data := range h.spare {
		free(data)
	}
	h.spare = nil
}

// Bytes returns the memory of what is held.
func (h *Hold) Bytes() int64 {
	return h.blockBytes.Load() + h.contexts.bytes.Load() + h.waiting.Load()*traceOverhead
}

func (h *Hold) shard(id [16]byte) *shard { return &h.shards[mixed(id)>>60] }

// mixed spreads IDs evenly. Either half may be constant (64-bit IDs leave the first one zero), or both the same.
func mixed(id [16]byte) uint64 {
	x := binary.LittleEndian.Uint64(id[:8])*0xff51afd7ed558ccd ^ binary.LittleEndian.Uint64(id[8:])
	x ^= x >> 32
	x *= 0x9e3779b97f4a7c15
	x ^= x >> 29
	return x * 0xbf58476d1ce4e5b9
}

// run is consecutive spans of one trace.
type run struct {
	facts prefilter.Facts // Spans, Earliest, Latest, Seen of these spans
	root  bool
	spans []byte
}

// Add takes a batch of encoded traces.
func (h *Hold) Add(traces []byte) error {
	now := h.options.Now()
	h.makeRoom(now)
	err := otlpwire.EachResource(traces, func(resourceSpans []byte) error {
		return h.addResource(resourceSpans, now)
	})
	h.relieve(now)
	return err
}

func (h *Hold) addResource(resourceSpans []byte, now time.Time) error {
	resource, _, err := otlpwire.ResourceHeader(resourceSpans)
	if err != nil {
		return err
	}
	group := h.groups.Add(1)
	filter := h.options.Filter
	seen := func() (passed prefilter.Bits) {
		err = otlpwire.EachResourceAttribute(resource.Source, func(keyValue []byte) { passed |= filter.Attribute(keyValue) })
		return passed
	}
	return otlpwire.EachScope(resourceSpans, func(scopeSpans []byte) error {
		scope, scopeErr := otlpwire.ScopeHeader(scopeSpans)
		if scopeErr != nil {
			return scopeErr
		}
		from := h.contexts.acquire(resource, scope, seen)
		defer h.contexts.release(from)
		if err != nil { // of seen
			return err
		}
		return h.addSpans(scopeSpans, from, group, now)
	})
}

func (h *Hold) addSpans(scopeSpans []byte, from *context, group uint32, now time.Time) error {
	filter := h.options.Filter
	var (
		span   otlpwire.Span
		passed prefilter.Bits
		r      run
	)
	attribute := func(keyValue []byte) { passed |= filter.Attribute(keyValue) }
	err := otlpwire.EachSpan(scopeSpans, func(encoded, field []byte) error {
		passed = from.seen
		if err := span.Read(encoded, attribute); err != nil {
			return err
		}
		passed |= filter.Span(&span)
		if r.facts.Spans > 0 && r.facts.ID == span.TraceID && len(r.spans)+len(field) < math.MaxInt32 {
			r.spans = r.spans[:len(r.spans)+len(field)] // adjacent
		} else {
			h.addRun(&r, from, group, now)
			r = run{facts: prefilter.Facts{ID: span.TraceID, Earliest: span.Start, Latest: span.End}, spans: field}
		}
		r.facts.Spans++
		r.facts.Earliest = min(r.facts.Earliest, span.Start)
		r.facts.Latest = max(r.facts.Latest, span.End)
		r.facts.Seen |= passed
		r.root = r.root || span.Root
		return nil
	})
	h.addRun(&r, from, group, now)
	return err
}

func (h *Hold) addRun(r *run, from *context, group uint32, now time.Time) {
	if r.facts.Spans == 0 {
		return
	}
	if !h.options.BlockOnOverflow && h.Bytes() > h.options.MaxBytes+h.options.MaxBytes/2 { // all of it is with the policies
		h.stats.OverloadSpans.Add(r.facts.Spans)
		return
	}
	s := h.shard(r.facts.ID)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.add(r, from, group, now)
}

// Decided says what the policies have decided on the trace that was taken last.
func (h *Hold) Decided(id [16]byte, kept bool) {
	s := h.shard(id)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.decided(id, kept, h.options.Now())
	if kept {
		h.stats.Kept.Add(1)
	} else {
		h.stats.NotKept.Add(1)
	}
	if h.withPolicies() == mostWithPolicies/2 && h.queued.Load() > 0 {
		h.wake()
	}
}

// Decision reports whether a trace is remembered as kept, or as dropped.
func (h *Hold) Decision(id [16]byte) (kept, dropped bool) {
	s := h.shard(id)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	key, now := h.decisionKey(id), h.options.Now()
	if _, kept = s.kept.Get(key, now); !kept {
		_, dropped = s.dropped.Get(key, now)
	}
	return kept, dropped
}

// decisionKey is by what decisions are remembered. It depends on the whole ID,
// whichever part of it is random, and nobody can make two IDs that share one:
// of two such traces the policies would never see the second, which would then
// be held for good.
func (h *Hold) decisionKey(id [16]byte) uint64 { return maphash.Comparable(h.seed, id) }

func (h *Hold) takeBlock(size int) *block {
	h.blockBytes.Add(int64(size))
	if size == blockSize {
		h.pool.Lock()
		defer h.pool.Unlock()
		if n := len(h.spare); n > 0 {
			data := h.spare[n-1]
			h.spare = h.spare[:n-1]
			return &block{data: data}
		}
	}
	return &block{data: allocate(size)}
}

func (h *Hold) returnBlock(b *block) {
	inUse := h.blockBytes.Add(-int64(cap(b.data)))
	h.pool.Lock()
	defer h.pool.Unlock()
	// A quarter of what is in use covers the ebb and flow; more goes back to the system.
	if cap(b.data) == blockSize && int64(len(h.spare)) < max(inUse/blockSize/4, shards) {
		h.spare = append(h.spare, b.data[:0])
	} else {
		free(b.data)
	}
}
