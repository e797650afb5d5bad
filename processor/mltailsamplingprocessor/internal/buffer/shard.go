package buffer

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelcol-ml/otelcol-ml/internal/recent"
)

// shard holds a part of the traces, by a hash of their IDs. Its mutex guards every field except oldest.
type shard struct {
	mutex   sync.Mutex
	buffer  *Buffer
	index   map[[16]byte]uint32 // number of the entry
	entries []entry
	free    []uint32
	blocks  blocks

	arrivals queue // traces that wait, by the arrival of their first span
	rooted   queue // those of them whose root has come, by its arrival
	toDecide queue // traces that Due has yet to return for the policies
	direct   queue // spans that Due has yet to return for the next component

	// taken is the trace that the policies are looking at, if any.
	taken   [16]byte
	isTaken bool

	kept    *recent.Map[uint64, struct{}]
	dropped *recent.Map[uint64, struct{}]
	passed  *recent.Map[[16]byte, struct{}]

	// oldest is the arrival of the first trace that waits, math.MaxInt64 for none.
	oldest atomic.Int64
}

func (s *shard) init(b *Buffer) {
	share := func(n int) int { return (n + shards - 1) / shards }
	o := &b.options
	s.buffer = b
	s.index = map[[16]byte]uint32{}
	s.blocks = blocks{current: -1, buffer: b}
	s.kept = recent.New[uint64, struct{}](share(o.RememberKept), 0)
	s.dropped = recent.New[uint64, struct{}](share(o.RememberDropped), 0)
	s.passed = recent.New[[16]byte, struct{}](share(o.RememberPassed), o.RememberPassedFor)
	s.oldest.Store(math.MaxInt64)
}

// add appends a run to its trace.
func (s *shard) add(r *run, from *context, group uint32, now time.Time) {
	b := s.buffer
	passes := r.facts.Seen&b.options.Filter.PassOn() != 0
	n, known := s.index[r.facts.ID]
	if !known {
		st := s.stateOfNew(r, passes, now)
		if st == gone {
			b.stats.LateDropped.Add(r.facts.Spans)
			return
		}
		if st == waiting && !passes && s.sheds(r.facts.ID, now) {
			return
		}
		n = s.begin(r, st, now)
	}
	e := &s.entries[n]
	at := s.blocks.append(group, from, r.spans)
	if e.first == 0 {
		e.first = at
	} else {
		s.blocks.link(e.last, at)
	}
	e.last = at
	e.size += int64(len(r.spans))
	if e.group != group {
		e.group = group
		e.size += int64(from.resource.Size())
	}
	e.Spans += r.facts.Spans
	e.Seen |= r.facts.Seen
	e.Earliest = min(e.Earliest, r.facts.Earliest)
	e.Latest = max(e.Latest, r.facts.Latest)

	if e.state != waiting {
		s.blocks.leave(at, recordHeader+len(r.spans))
	}
	switch {
	case passes && e.state != passing:
		s.pass(n, now)
	case e.state != waiting:
	case b.options.MaxTraceBytes > 0 && e.size > b.options.MaxTraceBytes:
		s.drop(n, now, &b.stats.TooLarge)
	case r.root && b.options.RootWait > 0 && e.rootArrived == 0:
		e.rootArrived = now.UnixNano()
		s.rooted.push(s.entries, n, rootsLink)
	}
}

// stateOfNew returns the state of a trace that has no buffered spans.
func (s *shard) stateOfNew(r *run, passes bool, now time.Time) state {
	if passes {
		return waiting // add has it pass
	}
	if s.passed.Len() > 0 {
		if _, ok := s.passed.Get(r.facts.ID, now); ok {
			return passing
		}
	}
	if s.isTaken && s.taken == r.facts.ID {
		return deciding
	}
	key := s.buffer.decisionKey(r.facts.ID)
	if _, ok := s.kept.Get(key, now); ok {
		return late
	}
	if _, ok := s.dropped.Get(key, now); ok {
		return gone
	}
	return waiting
}

// begin makes an entry.
func (s *shard) begin(r *run, st state, now time.Time) uint32 {
	var n uint32
	if last := len(s.free) - 1; last >= 0 {
		n = s.free[last]
		s.free = s.free[:last]
	} else {
		n = uint32(len(s.entries))
		s.entries = append(s.entries, entry{})
	}
	e := &s.entries[n]
	*e = entry{state: st, arrived: now.UnixNano()}
	e.ID, e.Earliest, e.Latest = r.facts.ID, r.facts.Earliest, r.facts.Latest
	s.index[e.ID] = n
	switch st {
	case waiting:
		s.buffer.waiting.Add(1)
		s.arrivals.push(s.entries, n, queueLink)
		s.noteOldest()
	case late, passing:
		s.direct.push(s.entries, n, queueLink)
	}
	return n
}

// pass has a trace passed on, now and from now on.
func (s *shard) pass(n uint32, now time.Time) {
	e := &s.entries[n]
	s.passed.Put(e.ID, struct{}{}, now)
	switch e.state {
	case waiting:
		s.leave(n)
		s.leaveBlocks(n)
		s.direct.push(s.entries, n, queueLink)
	case deciding:
		if e.asked {
			s.unqueue(n)
		}
		s.direct.push(s.entries, n, queueLink)
	}
	e.state = passing
}

// enqueue queues a waiting trace for the policies.
func (s *shard) enqueue(n uint32) {
	s.leave(n)
	s.leaveBlocks(n)
	e := &s.entries[n]
	e.state, e.asked = deciding, true
	s.toDecide.push(s.entries, n, queueLink)
	s.buffer.queued.Add(1)
}

// unqueue takes a trace out of the queue for the policies.
func (s *shard) unqueue(n uint32) {
	s.toDecide.remove(s.entries, n, queueLink)
	s.entries[n].asked = false
	s.buffer.queued.Add(-1)
}

// leave takes a trace out of those that wait.
func (s *shard) leave(n uint32) {
	s.arrivals.remove(s.entries, n, queueLink)
	if s.entries[n].rootArrived != 0 {
		s.rooted.remove(s.entries, n, rootsLink)
	}
	s.buffer.waiting.Add(-1)
	s.noteOldest()
}

// leaveBlocks subtracts a trace's records from those of undecided traces.
func (s *shard) leaveBlocks(n uint32) {
	for at := s.entries[n].first; at != 0; {
		r := s.blocks.read(at)
		s.blocks.leave(at, r.size())
		at = r.next
	}
}

func (s *shard) noteOldest() {
	oldest := int64(math.MaxInt64)
	if n, ok := s.arrivals.first(); ok {
		oldest = s.entries[n].arrived
	}
	if s.oldest.Load() != oldest {
		s.oldest.Store(oldest)
	}
}

// end frees an entry that has left, and its records. It must be in no queue.
func (s *shard) end(n uint32) {
	e := &s.entries[n]
	for at := e.first; at != 0; {
		r := s.blocks.read(at)
		if e.state == waiting {
			s.blocks.leave(at, r.size())
		}
		s.blocks.drop(at, r.size())
		at = r.next
	}
	delete(s.index, e.ID)
	s.free = append(s.free, n)
	if len(s.index) == 0 && cap(s.entries) > emptyEntries {
		// A map and a slice never shrink by themselves.
		s.index, s.entries, s.free = map[[16]byte]uint32{}, nil, nil
	}
}

// emptyEntries is how many entries a shard keeps room for when it is empty.
const emptyEntries = 1024

// drop ends a waiting trace.
func (s *shard) drop(n uint32, now time.Time, reason *atomic.Int64) {
	s.leave(n)
	s.dropped.Put(s.buffer.decisionKey(s.entries[n].ID), struct{}{}, now)
	reason.Add(1)
	s.end(n)
}

// decided remembers a decision, and has the spans follow that came while it was made.
func (s *shard) decided(id [16]byte, kept bool, now time.Time) {
	key := s.buffer.decisionKey(id)
	if kept {
		s.kept.Put(key, struct{}{}, now)
	} else {
		s.dropped.Put(key, struct{}{}, now)
	}
	if !s.isTaken || s.taken != id {
		return
	}
	s.isTaken = false
	n, ok := s.index[id]
	if !ok || s.entries[n].state != deciding {
		return
	}
	e := &s.entries[n]
	if kept {
		e.state = late
		s.direct.push(s.entries, n, queueLink)
		return
	}
	s.buffer.stats.LateDropped.Add(e.Spans)
	s.end(n)
}
