package buffer

import (
	"math"
	"sync/atomic"
	"time"
)

// Batch is what Due returns.
type Batch struct {
	// Decide are traces for the policies to decide.
	Decide [][16]byte
	// Direct are encoded spans, of one trace each, that go on without that. They are valid until the next Due.
	Direct []Direct

	encoded []byte
	ends    []int
	records []record
}

// Direct are spans of a trace that was kept before, or that is passed on without a decision.
type Direct struct {
	Encoded []byte
	// Pass reports that the trace is passed on.
	Pass bool
}

// mostWithPolicies is how many traces the policies are given before they have decided on others. What they have not
// been given can be dropped.
const mostWithPolicies = 2048

// withPolicies are the traces that Due has returned and that are not decided yet.
func (b *Buffer) withPolicies() int64 {
	return b.stats.Evaluated.Load() - b.stats.Kept.Load() - b.stats.NotKept.Load()
}

// Bounds of one call of Due, and of the time that it holds a lock.
const (
	dueTraces  = 256
	dueBytes   = 1 << 20
	dueExpired = 64
)

func (b *Batch) full() bool {
	return len(b.Decide) >= dueTraces || len(b.Direct) >= dueTraces || len(b.encoded) >= dueBytes
}

// Due fills batch with what is due, everything where all is true, and reports whether there may be more.
func (b *Buffer) Due(batch *Batch, all bool) (more bool) {
	batch.Decide, batch.Direct = batch.Decide[:0], batch.Direct[:0]
	batch.encoded, batch.ends = batch.encoded[:0], batch.ends[:0]
	if cap(batch.encoded) > 16*dueBytes { // after a huge trace
		batch.encoded = nil
	}
	now := b.options.Now()
	for i := range b.shards {
		more = b.shards[i].due(batch, now, all) || more
		if batch.full() {
			more = true
			break
		}
	}
	from := 0
	for i, end := range batch.ends {
		batch.Direct[i].Encoded = batch.encoded[from:end:end]
		from = end
	}
	b.signalRoom()
	return more
}

func (s *shard) due(batch *Batch, now time.Time, all bool) (more bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for {
		n, ok := s.direct.first()
		if !ok {
			break
		}
		if batch.full() {
			return true
		}
		s.direct.remove(s.entries, n, queueLink)
		s.forward(batch, n)
	}
	for expired := 0; expired < dueExpired; {
		n, ok := s.expired(now, all)
		if !ok {
			break
		}
		s.decide(n, now)
		expired++
		more = expired == dueExpired
	}
	for {
		n, ok := s.toDecide.first()
		if !ok || !all && s.buffer.withPolicies() >= mostWithPolicies {
			return more
		}
		if batch.full() {
			return true
		}
		s.unqueue(n)
		batch.Decide = append(batch.Decide, s.entries[n].ID)
		s.buffer.stats.Evaluated.Add(1)
	}
}

// expired returns a waiting trace whose time has come.
func (s *shard) expired(now time.Time, all bool) (n uint32, ok bool) {
	o := &s.buffer.options
	if n, ok = s.arrivals.first(); ok && (all || now.UnixNano()-s.entries[n].arrived >= int64(o.Wait)) {
		return n, true
	}
	if n, ok = s.rooted.first(); ok && now.UnixNano()-s.entries[n].rootArrived >= int64(o.RootWait) {
		return n, true
	}
	return 0, false
}

// forward encodes the spans of an entry into a batch and ends the entry.
func (s *shard) forward(batch *Batch, n uint32) {
	e := &s.entries[n]
	batch.encoded, _ = s.encode(batch.encoded, n, &batch.records)
	batch.ends = append(batch.ends, len(batch.encoded))
	batch.Direct = append(batch.Direct, Direct{Pass: e.state == passing})
	if e.state == passing {
		s.buffer.stats.PassedSpans.Add(e.Spans)
	} else {
		s.buffer.stats.LateKept.Add(e.Spans)
	}
	s.end(n)
}

// encode appends the spans of an entry to buf, as encoded traces.
func (s *shard) encode(buf []byte, n uint32, scratch *[]record) ([]byte, int64) {
	records := (*scratch)[:0]
	for at := s.entries[n].first; at != 0; {
		r := s.blocks.read(at)
		records = append(records, r)
		at = r.next
	}
	buf, size := appendRecords(buf, records)
	clear(records)
	*scratch = records
	return buf, size
}

// Taken is a trace that Take returns.
type Taken struct {
	Encoded []byte
	Spans   int64
	Size    int64 // of its ResourceSpans in bytes
	records []record
}

// Take returns the spans of a trace that Due has returned for a decision, in the
// memory of t, and ends the wait. It reports false where the trace is passed on
// by now. Decided must follow before the next Take.
func (b *Buffer) Take(id [16]byte, t *Taken) bool {
	s := b.shard(id)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	n, ok := s.index[id]
	if !ok || s.entries[n].state != deciding {
		return false
	}
	if cap(t.Encoded) > 16*dueBytes {
		t.Encoded = nil
	}
	t.Encoded, t.Size = s.encode(t.Encoded[:0], n, &t.records)
	t.Spans = s.entries[n].Spans
	s.end(n)
	s.taken, s.isTaken = id, true
	b.signalRoom()
	return true
}

// enforceLimits decides the oldest traces early while a bound is exceeded.
func (b *Buffer) enforceLimits(now time.Time) {
	o := &b.options
	tooMany := func() bool { return b.waiting.Load() > o.MaxTraces }
	if o.BlockOnOverflow {
		b.waitWhile(tooMany, 0)
	}
	b.decideEarly(now, tooMany, &b.stats.EarlyTraces)
	b.decideEarly(now, func() bool { return b.Bytes()-b.leaving.Load() > o.MaxBytes }, &b.stats.EarlyBytes)
}

// decideEarly decides the traces that have waited longest while there is too much.
func (b *Buffer) decideEarly(now time.Time, tooMuch func() bool, count *atomic.Int64) {
	for decided := int64(0); ; {
		if !tooMuch() {
			if decided > 0 {
				count.Add(decided)
				b.wake()
			}
			return
		}
		oldest, at := int64(math.MaxInt64), -1
		for i := range b.shards {
			if t := b.shards[i].oldest.Load(); t < oldest {
				oldest, at = t, i
			}
		}
		if at < 0 {
			count.Add(decided)
			b.wake()
			return
		}
		if b.shards[at].decideOldest(now) {
			decided++
		}
	}
}

func (s *shard) decideOldest(now time.Time) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	n, ok := s.arrivals.first()
	if !ok {
		return false // another goroutine was faster
	}
	s.decide(n, now)
	return true
}

// decide queues a waiting trace for the policies, or drops it if no policy can keep it.
func (s *shard) decide(n uint32, now time.Time) {
	if s.buffer.options.Filter.MayKeep(&s.entries[n].Facts) {
		s.enqueue(n)
	} else {
		s.drop(n, now, &s.buffer.stats.NoMatch)
	}
}

// wake has Due called now.
func (b *Buffer) wake() {
	select {
	case b.early <- struct{}{}:
	default:
	}
}

// waitWhile waits until there is room, but no longer than atMost; 0: for as long as it takes.
func (b *Buffer) waitWhile(full func() bool, atMost time.Duration) {
	if !full() {
		return
	}
	began := time.Now()
	if atMost > 0 {
		defer time.AfterFunc(atMost, b.signalRoom).Stop()
	}
	b.room.L.Lock()
	defer b.room.L.Unlock()
	for full() && !b.closed && (atMost == 0 || time.Since(began) < atMost) {
		b.wake()
		b.room.Wait()
	}
}

func (b *Buffer) signalRoom() {
	b.room.L.Lock()
	defer b.room.L.Unlock()
	b.room.Broadcast()
}

// Close ends all waiting in Add.
func (b *Buffer) Close() {
	b.room.L.Lock()
	defer b.room.L.Unlock()
	b.closed = true
	b.room.Broadcast()
}

// Discard drops everything that waits for a decision.
func (b *Buffer) Discard() {
	now := b.options.Now()
	for i := range b.shards {
		s := &b.shards[i]
		s.mutex.Lock()
		for n, ok := s.arrivals.first(); ok; n, ok = s.arrivals.first() {
			s.drop(n, now, &b.stats.Discarded)
		}
		s.mutex.Unlock()
	}
}
