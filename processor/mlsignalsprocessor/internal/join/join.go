// Package join lets two spans of a trace meet that come in any order and in
// different batches. It is bounded and forgets what has not met after a while.
package join

import (
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// MaxMoments is the number of moments that one side can leave behind.
const MaxMoments = 4

// Key says where two spans meet: at a span, for one join of the rules.
type Key struct {
	Trace pcommon.TraceID
	// Span is the parent of one or of both of the spans that meet.
	Span pcommon.SpanID
	Join uint16
}

// Side is what a span leaves behind for the one that arrives later.
type Side struct {
	Span       pcommon.SpanID
	Start, End pcommon.Timestamp
	// Moments are the points in time that the join asks for; 0 where the span does not have one.
	Moments [MaxMoments]pcommon.Timestamp
	// QueueWait and ForwardPass are the span's own readings in ms, negative where it has none.
	QueueWait, ForwardPass float64
	// Done says that the span carries the result of the join already.
	Done bool
}

// How says who meets whom. Spans are of side 0, which the rule of the join is about, or of side 1, the other one.
type How struct {
	// After: a span of side 0 meets the last one of side 1 that ended before it started.
	After bool
	// Once: a span of side 1 meets one of side 0 only. Otherwise it meets all that follow.
	Once bool
}

// maxSides is the number of spans that one key remembers.
const maxSides = 16

// left is a side that was left behind.
type left struct {
	Side
	which int
	at    int64
	met   bool
}

// Stats are counts since the start, and the size now.
type Stats struct {
	// Size is the number of spans that are remembered.
	Size int64
	// Hits is the number of meetings that gave a result.
	Hits int64
	// Misses is the number of spans that were forgotten without a meeting because their time was up; for some there is no other.
	Misses int64
	// Evictions is the number of spans that were forgotten without a meeting for want of room.
	Evictions int64
}

// maxShards is the number of locks of a large table; a small one has fewer.
const maxShards = 16

// Table is where spans meet. It is safe for concurrent use.
type Table struct {
	ttl           int64
	perGeneration int // spans
	shards        []shard
}

// shard holds two generations of spans. When the young one is full or old
// enough it becomes the old one, and the old one is forgotten: a span lives
// for one to two times the ttl.
type shard struct {
	mu         sync.Mutex
	young, old generation
	born       int64
	stats      Stats
	_          [64]byte // keep the locks of two shards on two cache lines
}

type generation struct {
	sides map[Key][]left
	size  int
}

// MinSpans is the smallest size of a table.
const MinSpans = 2 * maxSides

// NewTable returns a table that remembers at most so many spans, MinSpans at least, each for ttl to twice ttl.
func NewTable(spans int, ttl time.Duration) *Table {
	n := maxShards
	for n > 1 && spans/n < 2*MinSpans {
		n /= 2
	}
	t := &Table{ttl: int64(ttl), perGeneration: max(spans, MinSpans) / (2 * n), shards: make([]shard, n)}
	for i := range t.shards {
		t.shards[i].young.sides, t.shards[i].old.sides = map[Key][]left{}, map[Key][]left{}
	}
	return t
}

// Meet leaves a side behind and returns the other one if it has been there and
// neither has the result already. which is 0 or 1. The same span coming again meets nobody.
func (t *Table) Meet(k Key, which int, how How, side Side, now time.Time) (Side, bool) {
	s := &t.shards[int(k.Trace[15]^k.Trace[7]^k.Span[7])%len(t.shards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	at := now.UnixNano()
	t.age(s, at)

	sides := t.take(s, k, at)
	var other Side
	result := false
	if own := (left{Side: side, which: which, at: at}); !slices.ContainsFunc(sides, own.isAgain) {
		if i := own.partner(sides, how); i >= 0 {
			other = sides[i].Side
			sides[i].met, own.met = true, true
			if result = !side.Done && !other.Done; result {
				s.stats.Hits++
			}
		}
		if len(sides) == maxSides {
			sides = s.makeRoom(sides, how)
		}
		sides = append(sides, own)
	}
	t.put(s, k, sides, at)
	return other, result
}

func (own *left) isAgain(l left) bool { return l.which == own.which && l.Span == own.Span }

// partner returns the position of the span that is met, -1 for none: of those that can be, the one nearest in time.
func (own *left) partner(sides []left, how How) int {
	best, nearest := -1, pcommon.Timestamp(0)
	for i := range sides {
		l := &sides[i]
		if l.which == own.which || l.Span == own.Span || l.met && (how.Once || own.which == 1) {
			continue
		}
		if how.After && (own.which == 0 && own.Start < l.End || own.which == 1 && l.Start < own.End) {
			continue
		}
		if d := between(&l.Side, &own.Side); best < 0 || d < nearest {
			best, nearest = i, d
		}
	}
	return best
}

// between is the time from the end of the one span to the start of the other, 0 where they overlap.
func between(a, b *Side) pcommon.Timestamp {
	switch {
	case a.End <= b.Start:
		return b.Start - a.End
	case b.End <= a.Start:
		return a.Start - b.End
	default:
		return 0
	}
}

// makeRoom forgets one side: one that can meet nobody any more, or else the first.
func (s *shard) makeRoom(sides []left, how How) []left {
	i := max(0, slices.IndexFunc(sides, func(l left) bool { return l.met && (l.which == 0 || how.Once) }))
	if !sides[i].met {
		s.stats.Evictions++
	}
	return slices.Delete(sides, i, i+1)
}

// take removes what is known under a key from its generation, and returns it without what is out of date.
func (t *Table) take(s *shard, k Key, now int64) []left {
	g := &s.young
	sides, ok := g.sides[k]
	if !ok {
		g = &s.old
		if sides, ok = g.sides[k]; !ok {
			return nil
		}
	}
	delete(g.sides, k)
	g.size -= len(sides)
	sides = slices.DeleteFunc(sides, func(l left) bool {
		late := now-l.at >= 2*t.ttl
		if late && !l.met {
			s.stats.Misses++
		}
		return late
	})
	return sides
}

// age forgets the old generation when it is time, and both where nothing came for long.
func (t *Table) age(s *shard, now int64) {
	switch late := now - s.born; {
	case late < 0: // the clock was set back
		s.born = now
	case late >= 2*t.ttl:
		s.forget(false)
		s.forget(false)
		s.born = now
	case late >= t.ttl:
		s.forget(false)
		s.born += t.ttl
	}
}

// put adds what is known under a key to the young generation.
func (t *Table) put(s *shard, k Key, sides []left, now int64) {
	if s.young.size > 0 && s.young.size+len(sides) > t.perGeneration {
		s.forget(true)
		s.born = now
	}
	s.young.sides[k] = sides
	s.young.size += len(sides)
}

// forget forgets the old generation; full says that it is for want of room.
func (s *shard) forget(full bool) {
	for _, sides := range s.old.sides {
		for i := range sides {
			switch {
			case sides[i].met:
			case full:
				s.stats.Evictions++
			default:
				s.stats.Misses++
			}
		}
	}
	clear(s.old.sides)
	s.old.size = 0
	s.young, s.old = s.old, s.young
}

// Stats adds up the shards, without what is out of date.
func (t *Table) Stats(now time.Time) Stats {
	var sum Stats
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		t.age(s, now.UnixNano())
		sum.Size += int64(s.young.size + s.old.size)
		sum.Hits += s.stats.Hits
		sum.Misses += s.stats.Misses
		sum.Evictions += s.stats.Evictions
		s.mu.Unlock()
	}
	return sum
}
