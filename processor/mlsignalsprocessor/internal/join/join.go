// Package join lets two spans of a trace meet that come in any order and in
// different batches. It is bounded and forgets what has not met after a while.
package join

import (
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

	present bool
}

type entry struct {
	sides [2]Side
	met   bool
}

// Stats are counts since the start, and the size now.
type Stats struct {
	Size int64
	// Hits is the number of meetings.
	Hits int64
	// Misses is the number of spans that were forgotten without a meeting because their time was up.
	Misses int64
	// Evictions is the number of spans that were forgotten without a meeting for want of room.
	Evictions int64
}

const shards = 16

// Table is where spans meet. It is safe for concurrent use.
type Table struct {
	ttl      int64
	perShard int
	shards   [shards]shard
}

// shard holds two generations of entries. When the young one is full or old
// enough it becomes the old one, and the old one is forgotten: an entry lives
// for one to two times the ttl, and forgetting costs nothing per entry.
type shard struct {
	mu         sync.Mutex
	young, old map[Key]entry
	born       int64
	stats      Stats
	_          [64]byte // keep the locks of two shards on two cache lines
}

// NewTable returns a table that holds at most about max entries, each for ttl to twice ttl.
func NewTable(max int, ttl time.Duration) *Table {
	t := &Table{ttl: int64(ttl), perShard: max/(2*shards) + 1}
	for i := range t.shards {
		t.shards[i].young, t.shards[i].old = map[Key]entry{}, map[Key]entry{}
	}
	return t
}

// Meet leaves a side behind and returns the other one if it has been there.
// which is 0 or 1. The same span coming again meets nobody.
func (t *Table) Meet(k Key, which int, side Side, now time.Time) (Side, bool) {
	s := &t.shards[(k.Trace[15]^k.Trace[7]^k.Span[7])%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	t.age(s, now.UnixNano())

	generation := s.young
	e, ok := generation[k]
	if !ok {
		if e, ok = s.old[k]; ok {
			generation = s.old
		}
	}
	own, other := &e.sides[which], e.sides[1-which]
	if own.present && own.Span == side.Span {
		return Side{}, false
	}
	if !own.present {
		side.present = true
		*own = side
	}
	met := other.present && !other.Done && !side.Done
	if met {
		e.met = true
		s.stats.Hits++
	}
	generation[k] = e
	return other, met
}

func (t *Table) age(s *shard, now int64) {
	full := len(s.young) >= t.perShard
	if !full && now-s.born < t.ttl {
		return
	}
	for _, e := range s.old {
		if e.met {
			continue
		}
		if full {
			s.stats.Evictions++
		} else {
			s.stats.Misses++
		}
	}
	clear(s.old)
	s.young, s.old = s.old, s.young
	s.born = now
}

// Stats adds up the shards.
func (t *Table) Stats() Stats {
	var sum Stats
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		sum.Size += int64(len(s.young) + len(s.old))
		sum.Hits += s.stats.Hits
		sum.Misses += s.stats.Misses
		sum.Evictions += s.stats.Evictions
		s.mu.Unlock()
	}
	return sum
}
