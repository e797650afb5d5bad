// Package join finds the second of two related spans, which can arrive in any
// order and in different batches.
//
// A Table buffers spans. Call Match for every span that takes part in a join:
// it returns the matching span if that one has been buffered, and buffers this
// one. The table is bounded: it evicts the oldest spans, and those older than
// its TTL. All methods may be called concurrently.
package join

import (
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
)

// Key is what both spans of a pair have in common.
type Key struct {
	Trace pcommon.TraceID
	// Span is the parent of one or of both spans of the pair.
	Span pcommon.SpanID
	// Join is the number of the join in the rules.
	Join uint16
}

// Side is what the table buffers of a span for the one that arrives later.
type Side struct {
	Span       pcommon.SpanID
	Start, End pcommon.Timestamp
	// TimePoints are the points in time that the join reads; 0 where the span does not have one.
	TimePoints [dialect.MaxTimePoints]pcommon.Timestamp
	// QueueWait and ForwardPass are the span's own values in ms, negative where it has none.
	QueueWait, ForwardPass float64
	// Done reports whether the span already carries the result of the join.
	Done bool
}

// Mode selects the pairs of a join. Spans of side 0 are those that the rule matches, spans of side 1 the other ones.
type Mode struct {
	// After: a span of side 0 is paired with the last span of side 1 that ended before it started.
	After bool
	// Once: a span of side 1 is paired with at most one span of side 0. Otherwise it is paired with all that follow.
	Once bool
}

// maxSides is the number of spans that are buffered under one key.
const maxSides = 16

// buffered is a span in the table.
type buffered struct {
	Side
	which   int // side 0 or 1
	at      int64
	matched bool
}

// Stats are counts since the start, and the current size.
type Stats struct {
	// Size is the number of buffered spans.
	Size int64
	// Hits is the number of pairs that gave a result.
	Hits int64
	// Misses is the number of spans that expired unpaired. Not every span has a counterpart.
	Misses int64
	// Evictions is the number of spans that were evicted unpaired because the table was full.
	Evictions int64
}

// maxShards is the number of locks of a large table; a small one has fewer.
const maxShards = 16

// Table buffers spans until their counterparts arrive. It is safe for concurrent use.
type Table struct {
	ttl           int64
	perGeneration int // spans
	shards        []shard
}

// shard holds two generations of spans. When the young one is full or as old
// as the TTL, it becomes the old one, and the old one is dropped: a span stays
// for one to two TTLs.
type shard struct {
	mu         sync.Mutex
	young, old generation
	born       int64
	stats      Stats
	_          [64]byte // keep the locks of two shards on two cache lines
}

type generation struct {
	sides map[Key][]buffered
	size  int
}

// Tables has a table for each join of the rules, so that the spans of a frequent
// one do not evict those of another. It is safe for concurrent use.
type Tables []*Table

// NewTables returns tables for so many joins, each with the bounds of NewTable.
func NewTables(joins, spans int, ttl time.Duration) Tables {
	tables := make(Tables, joins)
	for i := range tables {
		tables[i] = NewTable(spans, ttl)
	}
	return tables
}

// Match is the Match of the join's table.
func (t Tables) Match(k Key, which int, mode Mode, side Side, now time.Time) (Side, bool) {
	return t[k.Join].Match(k, which, mode, side, now)
}

// Stats returns the sums over all tables.
func (t Tables) Stats(now time.Time) (sum Stats) {
	for _, table := range t {
		s := table.Stats(now)
		sum.Size += s.Size
		sum.Hits += s.Hits
		sum.Misses += s.Misses
		sum.Evictions += s.Evictions
	}
	return sum
}

// MinSpans is the smallest size of a table.
const MinSpans = 2 * maxSides

// NewTable returns a table that buffers at most the given number of spans (at least MinSpans), each for ttl to twice ttl.
func NewTable(spans int, ttl time.Duration) *Table {
	n := maxShards
	for n > 1 && spans/n < 2*MinSpans {
		n /= 2
	}
	t := &Table{ttl: int64(ttl), perGeneration: max(spans, MinSpans) / (2 * n), shards: make([]shard, n)}
	for i := range t.shards {
		t.shards[i].young.sides, t.shards[i].old.sides = map[Key][]buffered{}, map[Key][]buffered{}
	}
	return t
}

// Match buffers this span and returns the matching span that was buffered under
// the same key, unless one of the two already carries the result. which is the
// side of this span, 0 or 1. A span that was sent twice has no match the second time.
func (t *Table) Match(k Key, which int, mode Mode, side Side, now time.Time) (Side, bool) {
	s := &t.shards[int(k.Trace[15]^k.Trace[7]^k.Span[7])%len(t.shards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	at := now.UnixNano()
	t.age(s, at)

	sides := t.take(s, k, at)
	var other Side
	result := false
	if own := (buffered{Side: side, which: which, at: at}); !slices.ContainsFunc(sides, own.isAgain) {
		if i := own.partner(sides, mode); i >= 0 {
			other = sides[i].Side
			sides[i].matched, own.matched = true, true
			if result = !side.Done && !other.Done; result {
				s.stats.Hits++
			}
		}
		if len(sides) == maxSides {
			sides = s.evictOne(sides, mode)
		}
		sides = append(sides, own)
	}
	t.put(s, k, sides, at)
	return other, result
}

func (own *buffered) isAgain(b buffered) bool { return b.which == own.which && b.Span == own.Span }

// partner returns the position of the matching span, -1 for none. Of several candidates it is the one nearest in time.
func (own *buffered) partner(sides []buffered, mode Mode) int {
	best, nearest := -1, pcommon.Timestamp(0)
	for i := range sides {
		b := &sides[i]
		if b.which == own.which || b.Span == own.Span || b.matched && (mode.Once || own.which == 1) {
			continue
		}
		if mode.After && (own.which == 0 && own.Start < b.End || own.which == 1 && b.Start < own.End) {
			continue
		}
		if d := between(&b.Side, &own.Side); best < 0 || d < nearest {
			best, nearest = i, d
		}
	}
	return best
}

// between returns the time from the end of one span to the start of the other, 0 where they overlap.
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

// evictOne removes one span: one that cannot be paired any more, or else the oldest.
func (s *shard) evictOne(sides []buffered, mode Mode) []buffered {
	i := max(0, slices.IndexFunc(sides, func(b buffered) bool { return b.matched && (b.which == 0 || mode.Once) }))
	if !sides[i].matched {
		s.stats.Evictions++
	}
	return slices.Delete(sides, i, i+1)
}

// take removes the spans of a key from their generation and returns those that have not expired.
func (t *Table) take(s *shard, k Key, now int64) []buffered {
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
	sides = slices.DeleteFunc(sides, func(b buffered) bool {
		expired := now-b.at >= 2*t.ttl
		if expired && !b.matched {
			s.stats.Misses++
		}
		return expired
	})
	return sides
}

// age drops the old generation when the young one is as old as the TTL, and both when it is twice as old.
func (t *Table) age(s *shard, now int64) {
	switch late := now - s.born; {
	case late < 0: // the clock was set back
		s.born = now
	case late >= 2*t.ttl:
		s.rotate(false)
		s.rotate(false)
		s.born = now
	case late >= t.ttl:
		s.rotate(false)
		s.born += t.ttl
	}
}

// put adds the spans of a key to the young generation.
func (t *Table) put(s *shard, k Key, sides []buffered, now int64) {
	if s.young.size > 0 && s.young.size+len(sides) > t.perGeneration {
		s.rotate(true)
		s.born = now
	}
	s.young.sides[k] = sides
	s.young.size += len(sides)
}

// rotate drops the old generation and starts a new young one. full reports whether the reason is a full table.
func (s *shard) rotate(full bool) {
	for _, sides := range s.old.sides {
		for i := range sides {
			switch {
			case sides[i].matched:
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

// Stats returns the sums over all shards, without spans that have expired.
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
