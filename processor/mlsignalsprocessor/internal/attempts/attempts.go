// Package attempts remembers the calls of models directly below a span and counts
// retries.
//
// Table.Add records a call and returns which attempt it is; Table.Below returns
// the number of calls below a span. All methods may be called concurrently. A
// Table is bounded in parents and time.
package attempts

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/clock"
)

// Key is the parent of calls.
type Key struct {
	Trace  pcommon.TraceID
	Parent pcommon.SpanID
}

// Call is one call of a model.
type Call struct {
	// Of is a hash of the operation and the model. Only calls with the same hash are attempts of each other.
	Of         uint64
	Start, End pcommon.Timestamp
	Failed     bool
}

// below are the calls below one span that have arrived.
type below struct {
	calls int
	// last is the call that ended last. failed is the number of consecutive failures up to it.
	last   Call
	failed int
}

const shards = 16

// Table is safe for concurrent use. It has two generations: when the young one
// is full or as old as the TTL, it becomes the old one, and the old one is dropped.
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

// NewTable returns a table of at most the given number of parents (at least 2 for each lock), each for ttl to twice ttl.
func NewTable(parents int, ttl time.Duration) *Table {
	t := &Table{ttl: int64(ttl), perGeneration: max(1, parents/(2*shards))}
	for i := range t.shards {
		t.shards[i].young, t.shards[i].old = map[Key]below{}, map[Key]below{}
	}
	return t
}

// Add records a call and returns which attempt it is: 1, plus the number of calls
// of the same operation that failed directly before it under the same parent.
func (t *Table) Add(k Key, c Call, now time.Time) int {
	s := t.lock(k, now)
	defer s.mu.Unlock()
	b, ok := s.young[k]
	if !ok {
		b = s.old[k] // not removed there: the young generation is read first
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

// Below returns the number of calls below a span that have arrived.
func (t *Table) Below(k Key, now time.Time) int {
	s := t.lock(k, now)
	defer s.mu.Unlock()
	if b, ok := s.young[k]; ok {
		return b.calls
	}
	return s.old[k].calls
}

// Len returns the number of remembered parents.
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

// turn drops the old generation and starts a new young one.
func (s *shard) turn(born int64) {
	clear(s.old)
	s.young, s.old = s.old, s.young
	s.born = born
}
