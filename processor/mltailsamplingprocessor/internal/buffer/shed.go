package buffer

import "time"

// What is dropped, and counted, where memory is short or the policies are slower
// than what arrives. Senders are not refused and do not wait for long: the metrics
// of their spans are counted in another branch of the pipeline.

// sampledUnderPressure is the part of the new traces, one in so many, that is held under pressure.
const sampledUnderPressure = 16

// SetPressure says whether the process is short of memory. Then new traces are
// dropped with their first span, except for a sample by ID. Those that wait
// already are decided as always.
func (b *Buffer) SetPressure(pressure bool) { b.pressure.Store(pressure) }

// sheds drops a new trace under pressure, and reports whether it did.
func (s *shard) sheds(id [16]byte, now time.Time) bool {
	if !s.buffer.pressure.Load() || mixed(id)>>32%sampledUnderPressure == 0 {
		return false
	}
	s.dropped.Put(s.buffer.decisionKey(id), struct{}{}, now)
	s.buffer.stats.Pressure.Add(1)
	return true
}

// tooMuch reports whether more is held than even the traces with the policies may take beyond MaxBytes.
func (b *Buffer) tooMuch() bool { return b.Bytes() > b.options.MaxBytes+b.options.MaxBytes/4 }

// makeRoom has a sender wait for the policies where there is too much, which
// leaves them the CPU, and then drops what has been due for longest. Once that
// was of no use, further senders wait for a fraction of the time only, until
// there is no more than MaxBytes.
func (b *Buffer) makeRoom(now time.Time) {
	if b.options.BlockOnOverflow {
		b.waitWhile(b.tooMuch, 0)
		return
	}
	patience := b.options.SenderWait
	if b.behind.Load() {
		patience /= 20
		b.behind.Store(b.Bytes() > b.options.MaxBytes)
	}
	if patience > 0 {
		b.waitWhile(b.tooMuch, patience)
	}
	if b.tooMuch() {
		b.behind.Store(true)
	}
	for some := true; some && b.tooMuch(); {
		some = false
		for i := range b.shards {
			if b.tooMuch() {
				some = b.shards[i].dropDue(now) || some
			}
		}
	}
}

// dropDue drops the first trace that is due for the policies, or else the first spans that are due for the next component.
func (s *shard) dropDue(now time.Time) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if n, ok := s.toDecide.first(); ok {
		s.unqueue(n)
		s.dropped.Put(s.buffer.decisionKey(s.entries[n].ID), struct{}{}, now)
		s.buffer.stats.Overload.Add(1)
		s.end(n)
		return true
	}
	if n, ok := s.direct.first(); ok {
		s.direct.remove(s.entries, n, queueLink)
		s.buffer.stats.OverloadSpans.Add(s.entries[n].Spans)
		s.end(n)
		return true
	}
	return false
}
