// Package buffer keeps the spans of undecided traces, encoded, until it is time
// to decide.
//
// Add takes encoded batches, from any number of goroutines. Due, for one
// goroutine, returns what has become due: the IDs of traces to be decided by the
// policies, and spans to be forwarded without that. A trace that no policy can
// keep is dropped there, undecoded. A trace to be decided stays, and may grow,
// until Take returns its spans; Decided then records the decision, and spans
// that come later follow it.
//
// Spans are kept as OTLP encodes them, in append-only blocks without pointers;
// a trace is a list of records in them. Traces are spread over shards by ID,
// each with a lock of its own.
package buffer

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

// Options are the settings of a Buffer.
type Options struct {
	Filter *prefilter.Filter
	// Wait is the time from a trace's first span to its decision, RootWait from
	// its root span where that is sooner; 0: the root does not matter.
	Wait, RootWait time.Duration
	// MaxTraces and MaxBytes bound what waits. At either bound the oldest traces are decided early.
	MaxTraces, MaxBytes int64
	// SenderWait is how long Add waits at a quarter more than MaxBytes for the policies, before what is due is dropped.
	SenderWait time.Duration
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

// Buffer keeps undecided traces.
type Buffer struct {
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
	Evaluated   atomic.Int64 // traces passed to the policies
	Kept        atomic.Int64 // traces that the policies have kept
	NotKept     atomic.Int64 // traces that the policies have not kept
	EarlyTraces atomic.Int64 // traces decided early at MaxTraces
	EarlyBytes  atomic.Int64 // traces decided early at MaxBytes
	LateKept    atomic.Int64 // spans that came after their trace was kept
	LateDropped atomic.Int64 // spans that came after their trace was dropped
	PassedSpans atomic.Int64 // spans passed on without a decision
	// OverloadSpans are spans that were dropped because the next component or the policies were slower than the
	// traffic, while their trace is not counted as dropped.
	OverloadSpans atomic.Int64
}

// New returns an empty Buffer.
func New(o Options) *Buffer {
	h := &Buffer{options: o, seed: maphash.MakeSeed(), contexts: newContexts(), early: make(chan struct{}, 1)}
	h.room.L = &sync.Mutex{}
	for i := range h.shards {
		h.shards[i].init(h)
	}
	return h
}

// Early receives when traces have become due before their time.
func (b *Buffer) Early() <-chan struct{} { return b.early }

// Stats returns the counters.
func (b *Buffer) Stats() *Stats { return &b.stats }

// Waiting returns the number of traces that wait for their decision, or have yet to be returned by Due.
func (b *Buffer) Waiting() int64 { return b.waiting.Load() + b.queued.Load() }

// Free returns all memory to the system. The Buffer must be empty and must not be used afterwards.
func (b *Buffer) Free() {
	b.pool.Lock()
	defer b.pool.Unlock()
	for _, data := range b.spare {
		free(data)
	}
	b.spare = nil
}

// Bytes returns the memory of what is held.
func (b *Buffer) Bytes() int64 {
	return b.blockBytes.Load() + b.contexts.bytes.Load() + b.waiting.Load()*traceOverhead
}

func (b *Buffer) shard(id [16]byte) *shard { return &b.shards[mixed(id)>>60] }

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
func (b *Buffer) Add(traces []byte) error {
	now := b.options.Now()
	b.makeRoom(now)
	err := otlpwire.EachResource(traces, func(resourceSpans []byte) error {
		return b.addResource(resourceSpans, now)
	})
	b.enforceLimits(now)
	return err
}

func (b *Buffer) addResource(resourceSpans []byte, now time.Time) error {
	resource, _, err := otlpwire.ResourceHeader(resourceSpans)
	if err != nil {
		return err
	}
	group := b.groups.Add(1)
	filter := b.options.Filter
	seen := func() (passed prefilter.Bits) {
		err = otlpwire.EachResourceAttribute(resource.Source, func(keyValue []byte) { passed |= filter.Attribute(keyValue) })
		return passed
	}
	return otlpwire.EachScope(resourceSpans, func(scopeSpans []byte) error {
		scope, scopeErr := otlpwire.ScopeHeader(scopeSpans)
		if scopeErr != nil {
			return scopeErr
		}
		from := b.contexts.acquire(resource, scope, seen)
		defer b.contexts.release(from)
		if err != nil { // of seen
			return err
		}
		return b.addSpans(scopeSpans, from, group, now)
	})
}

func (b *Buffer) addSpans(scopeSpans []byte, from *context, group uint32, now time.Time) error {
	filter := b.options.Filter
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
			b.addRun(&r, from, group, now)
			r = run{facts: prefilter.Facts{ID: span.TraceID, Earliest: span.Start, Latest: span.End}, spans: field}
		}
		r.facts.Spans++
		r.facts.Earliest = min(r.facts.Earliest, span.Start)
		r.facts.Latest = max(r.facts.Latest, span.End)
		r.facts.Seen |= passed
		r.root = r.root || span.Root
		return nil
	})
	b.addRun(&r, from, group, now)
	return err
}

func (b *Buffer) addRun(r *run, from *context, group uint32, now time.Time) {
	if r.facts.Spans == 0 {
		return
	}
	if !b.options.BlockOnOverflow && b.Bytes() > b.options.MaxBytes+b.options.MaxBytes/2 { // all of it is with the policies
		b.stats.OverloadSpans.Add(r.facts.Spans)
		return
	}
	s := b.shard(r.facts.ID)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.add(r, from, group, now)
}

// Decided records the decision of the policies on the trace that was taken last.
func (b *Buffer) Decided(id [16]byte, kept bool) {
	s := b.shard(id)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.decided(id, kept, b.options.Now())
	if kept {
		b.stats.Kept.Add(1)
	} else {
		b.stats.NotKept.Add(1)
	}
	if b.withPolicies() == mostWithPolicies/2 && b.queued.Load() > 0 {
		b.wake()
	}
}

// Decision reports whether a trace is remembered as kept, or as dropped.
func (b *Buffer) Decision(id [16]byte) (kept, dropped bool) {
	s := b.shard(id)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	key, now := b.decisionKey(id), b.options.Now()
	if _, kept = s.kept.Get(key, now); !kept {
		_, dropped = s.dropped.Get(key, now)
	}
	return kept, dropped
}

// decisionKey is the key of a remembered decision. It depends on the whole ID,
// whichever part of it is random, and its seed is secret: of two traces with the
// same key the policies would never see the second, which would then stay in the
// buffer.
func (b *Buffer) decisionKey(id [16]byte) uint64 { return maphash.Comparable(b.seed, id) }

func (b *Buffer) takeBlock(size int) *block {
	b.blockBytes.Add(int64(size))
	if size == blockSize {
		b.pool.Lock()
		defer b.pool.Unlock()
		if n := len(b.spare); n > 0 {
			data := b.spare[n-1]
			b.spare = b.spare[:n-1]
			return &block{data: data}
		}
	}
	return &block{data: allocate(size)}
}

func (b *Buffer) returnBlock(old *block) {
	inUse := b.blockBytes.Add(-int64(cap(old.data)))
	b.pool.Lock()
	defer b.pool.Unlock()
	// A quarter of what is in use is enough for what the load varies by; more goes back to the system.
	if cap(old.data) == blockSize && int64(len(b.spare)) < max(inUse/blockSize/4, shards) {
		b.spare = append(b.spare, old.data[:0])
	} else {
		free(old.data)
	}
}
