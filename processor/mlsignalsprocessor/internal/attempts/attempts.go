// Package attempts remembers the calls of models that lie right below a span, so
// that a call which is tried again knows how often. It is bounded and forgets
// after a while.
package attempts

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/clock"
)

// Key says below which span calls lie.
type Key struct {
	Trace  pcommon.TraceID
	Parent pcommon.SpanID
}

// Call is one call of a model.
type Call struct {
	// Of stands for the operation and its model. Only calls of the same are attempts at the same.
	Of         uint64
	Start, End pcommon.Timestamp
	Failed     bool
}

// below are the calls below one span, as far as they have arrived.
type below struct {
	calls int
	// last is the call that ended last, and failed how many up to it failed in a row.
	last   Call
	failed int
}

const shards = 16

// Table is safe for concurrent use. It holds two generations: when the young
// one is full or old enough it becomes the old one, and the old one is forgotten.
type Table struct {
	ttl           int64
	perGeneration int
	shards        [shards]shard
}

type shard struct {
	mu         sync.Mutex
	young, old map[Key]below
	born       int64
}

// NewTable returns a table that remembers at most so many parents, 2 for each of its locks at least, each for ttl to twice ttl.
func NewTable(parents int, ttl time.Duration) *Table {
	t := &Table{ttl: int64(ttl), perGeneration: max(1, parents/(2*shards))}
	for i := range t.shards {
		t.shards[i].young, t.shards[i].old = map[Key]below{}, map[Key]below{}
	}
	return t
}

// Add remembers a call and returns which attempt it is: 1, and one more for
// each call of the same that failed right before it under the same parent.
func (t *Table) Add(k Key, c Call, now time.Time) int {
	s := t.lock(k, now)
	defer s.mu.Unlock()
	b, ok := s.young[k]
	if !ok {
		b = s.old[k] // which stays there: the young generation is looked at first
		if len(s.young) >= t.perGeneration {
			s.turn(now.UnixNano())
		}
	}
	attempt := 1
	if b.calls > 0 && b.last.Failed && b.last.Of == c.Of && clock.Follows(c.Start, b.last.End) {
		attempt += b.failed
	}
	if c.End >= b.last.End {
		b.last, b.failed = c, 0
		if c.Failed {
			b.failed = attempt
		}
	}
	b.calls++
	s.young[k] = b
	return attempt
}

// Below is the number of calls below a span that have arrived so far.
func (t *Table) Below(k Key, now time.Time) int {
	s := t.lock(k, now)
	defer s.mu.Unlock()
	if b, ok := s.young[k]; ok {
		return b.calls
	}
	return s.old[k].calls
}

// Len is the number of parents that are remembered.
func (t *Table) Len() (n int) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		n += len(s.young) + len(s.old)
		s.mu.Unlock()
	}
	return n
}

func (t *Table) lock(k Key, now time.Time) *shard {
	s := &t.shards[(k.Trace[15]^k.Trace[7]^k.Parent[7])%shards]
	s.mu.Lock()
	at := now.UnixNano()
	switch late := at - s.born; {
	case late < 0: // the clock was set back
		s.born = at
	case late >= 2*t.ttl:
		clear(s.young)
		clear(s.old)
		s.born = at
	case late >= t.ttl:
		s.turn(s.born + t.ttl)
	}
	return s
}

// turn forgets the old generation.
func (s *shard) turn(born int64) {
	clear(s.old)
	s.young, s.old = s.old, s.young
	s.born = born
}
