// Package lookup finds database reads that follow a cache read under the same
// parent span, which is the fallback of a feature store, and adds their time to
// one span.
//
// Instrumentations nest: an ORM, its driver and the service may each have a span
// for one read. Ancestors end, and usually arrive, after the reads, so reads are
// buffered. Their time is added to the nearest ancestor that is feature
// extraction, or to the span with which the request entered the service, unless
// an ancestor has a lookup time of its own. Times that overlap count once.
//
// For each batch call Active. If it reports true, call Read for each span that
// reads a store, and Below and then Pass for each other span. All methods may be
// called concurrently. A Table is bounded in places and time.
package lookup

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/clock"
)

// Kind says what a span reads.
type Kind uint8

// The kinds of reads.
const (
	None Kind = iota
	Cache
	Database
)

// Read is a span that reads a cache or a database.
type Read struct {
	Kind  Kind
	Trace pcommon.TraceID
	// Parent is the span below which a cache and a database belong together.
	Parent     pcommon.SpanID
	Start, End pcommon.Timestamp
	// Timed: the span already has a lookup time.
	Timed bool
	// Alone: the parent is a span of another service, so no ancestor gets the time.
	Alone bool
	// Service is a hash of the name of the service.
	Service uint64
}

// Verdict says which span gets the time of a read.
type Verdict uint8

// The verdicts on a read.
const (
	// Remembered: an ancestor gets the time when it arrives.
	Remembered Verdict = iota
	// Carries: the ancestors have already passed, so the read's own span gets the time.
	Carries
	// Undecided: the ancestors have already passed, and other reads can follow.
	Undecided
)

// Role is the role of a span for the time of the reads below it.
type Role uint8

// The roles of a span.
const (
	// Between leaves the time to its parent.
	Between Role = iota
	// Carrier gets the time.
	Carrier
	// Teller has a lookup time of its own, which includes that of the reads.
	Teller
)

// maxReads is the number of reads that are buffered below one span. Beyond it the two nearest are merged.
const maxReads = 16

// place is the span that reads are below.
type place struct {
	trace pcommon.TraceID
	span  pcommon.SpanID
}

type interval struct {
	start, end pcommon.Timestamp
	// follows: a cache read ended before, under the same parent. timed: the time is already on a span.
	follows, timed bool
}

// reads are the reads of one place.
type reads struct {
	service  uint64
	cacheEnd pcommon.Timestamp // of the first read of a cache, 0 for none
	database []interval
	passed   bool // the span of the place has passed without a lookup time
}

// Stats are counts since the start, and the size now.
type Stats struct {
	// Size is the number of buffered places.
	Size int64
	// Found is the number of spans that got a time.
	Found int64
	// Evictions is the number of places with database reads that were evicted because the table was full.
	Evictions int64
}

const (
	shards = 16
	// filterSize is the number of counters of the filter, passedSize the number of passed spans that are
	// remembered. Both are powers of two.
	filterSize = 1 << 14
	passedSize = 1 << 14
	// firstBatches is the number of batches that are processed even without a recent read.
	firstBatches = 1000
)

// Table buffers reads until their ancestors arrive. It is safe for concurrent use.
type Table struct {
	ttl           int64
	perGeneration int
	shards        [shards]shard
	last          atomic.Int64 // time of the last read
	places        atomic.Int64 // buffered
	first         atomic.Int64 // batches so far, up to firstBatches
	// filter counts the places of each hash, so that spans without reads below them need no lock.
	filter [filterSize]atomic.Int32
	// passed has the hashes of carriers that have passed, so that the spans of late reads get the time themselves.
	passed []atomic.Uint64
}

type shard struct {
	mu         sync.Mutex
	young, old map[place]*reads
	born       int64
	stats      Stats
	_          [64]byte // keep the locks of two shards on two cache lines
}

// NewTable returns a table that buffers at most the given number of places, each for ttl to twice ttl.
func NewTable(places int, ttl time.Duration) *Table {
	t := &Table{ttl: int64(ttl), perGeneration: max(1, places/(2*shards)), passed: make([]atomic.Uint64, passedSize)}
	for i := range t.shards {
		t.shards[i].young, t.shards[i].old = map[place]*reads{}, map[place]*reads{}
	}
	return t
}

// Active reports whether the spans of a batch are to be passed to the table: there was a recent read, or it is one of
// the first batches.
func (t *Table) Active(now time.Time) bool {
	if now.UnixNano()-t.last.Load() < 2*t.ttl {
		return true
	}
	return t.first.Load() < firstBatches && t.first.Add(1) <= firstBatches
}

// Read buffers a read. final is set the second time, for a read that was undecided.
func (t *Table) Read(r *Read, final bool, now time.Time) Verdict {
	p := place{r.Trace, r.Parent}
	h := p.hash()
	at := now.UnixNano()
	if at-t.last.Load() > t.ttl/8 {
		t.last.Store(at)
	}
	s := &t.shards[h%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	t.age(s, at)
	known := t.at(s, p, h)
	known.service = r.Service
	known.passed = known.passed || r.Alone || t.passed[h%passedSize].Load() == h
	if r.Kind == Cache {
		if known.cacheEnd == 0 || r.End < known.cacheEnd {
			known.cacheEnd = r.End
		}
		return Remembered
	}
	one := interval{start: r.Start, end: r.End, timed: r.Timed}
	verdict := Remembered
	if known.passed && !r.Timed {
		switch {
		case !final:
			return Undecided
		case known.cacheEnd != 0 && clock.Follows(r.Start, known.cacheEnd) && !known.overlaps(one):
			verdict, one.timed = Carries, true
			s.stats.Found++
		}
	}
	known.add(one)
	return verdict
}

// Empty reports whether no reads are buffered.
func (t *Table) Empty() bool { return t.places.Load() == 0 }

// Place identifies the reads below one span.
type Place struct {
	place
	hash uint64
}

// Below returns the place below a span and reports whether it can have reads.
func (t *Table) Below(trace pcommon.TraceID, span pcommon.SpanID) (Place, bool) {
	p := place{trace, span}
	h := p.hash()
	return Place{p, h}, t.filter[h%filterSize].Load() != 0
}

// Passed records that a carrier without reads below it has passed.
func (t *Table) Passed(below Place) { t.passed[below.hash%passedSize].Store(below.hash) }

// Pass processes a span that is not a read. It returns the lookup time in ms that the span gets, if any.
func (t *Table) Pass(below Place, parent pcommon.SpanID, role Role, service uint64, now time.Time) (ms float64, found bool) {
	p, h := below.place, below.hash
	all := t.leave(p, h, role, service, now)
	if len(all) > 0 && (role == Carrier || role == Between && !t.hand(place{p.trace, parent}, all, service, now)) {
		ms = together(all)
	}
	return ms, ms > 0
}

// leave removes the database reads below a span that follow a cache read from the table, and returns them.
func (t *Table) leave(p place, h uint64, role Role, service uint64, now time.Time) []interval {
	s := &t.shards[h%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	t.age(s, now.UnixNano())
	known := s.young[p]
	if known == nil {
		known = s.old[p]
	}
	if known == nil || known.service != service { // the parent is remote: the reads are of another service
		if role == Carrier {
			t.passed[h%passedSize].Store(h)
		}
		return nil
	}
	following := known.following()
	if role == Carrier && together(following) == 0 {
		known.passed = true // a later read can still follow one of a cache
		return nil
	}
	if role == Carrier {
		s.stats.Found++
	}
	t.forget(s, p, h)
	return following
}

// hand moves the reads below a span to its parent. It reports false if the parent has passed.
func (t *Table) hand(p place, all []interval, service uint64, now time.Time) bool {
	h := p.hash()
	s := &t.shards[h%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	t.age(s, now.UnixNano())
	known := t.at(s, p, h)
	known.service = service
	if known.passed = known.passed || t.passed[h%passedSize].Load() == h; known.passed {
		return false
	}
	for _, one := range all {
		known.add(one)
	}
	return true
}

// at returns the reads of a place, new ones if it has none, and moves them to the young generation.
func (t *Table) at(s *shard, p place, h uint64) *reads {
	if known, ok := s.young[p]; ok {
		return known
	}
	known, ok := s.old[p]
	if ok {
		delete(s.old, p)
	} else {
		known = &reads{}
		t.filter[h%filterSize].Add(1)
		t.places.Add(1)
	}
	if len(s.young) >= t.perGeneration {
		t.rotate(s, true)
	}
	s.young[p] = known
	return known
}

func (t *Table) forget(s *shard, p place, h uint64) {
	delete(s.young, p)
	delete(s.old, p)
	t.filter[h%filterSize].Add(-1)
	t.places.Add(-1)
}

// age drops the old generation when the young one is as old as the TTL, and both when it is twice as old.
func (t *Table) age(s *shard, now int64) {
	switch late := now - s.born; {
	case late < 0: // the clock was set back
		s.born = now
	case late >= 2*t.ttl:
		t.rotate(s, false)
		t.rotate(s, false)
		s.born = now
	case late >= t.ttl:
		t.rotate(s, false)
		s.born += t.ttl
	}
}

func (t *Table) rotate(s *shard, full bool) {
	for p, known := range s.old {
		t.filter[p.hash()%filterSize].Add(-1)
		if full && len(known.database) > 0 {
			s.stats.Evictions++
		}
	}
	t.places.Add(-int64(len(s.old)))
	clear(s.old)
	s.young, s.old = s.old, s.young
}

// Stats adds up the shards, without what is out of date.
func (t *Table) Stats(now time.Time) (sum Stats) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		t.age(s, now.UnixNano())
		sum.Size += int64(len(s.young) + len(s.old))
		sum.Found += s.stats.Found
		sum.Evictions += s.stats.Evictions
		s.mu.Unlock()
	}
	return sum
}

// hash is never 0, which means none.
func (p place) hash() uint64 {
	h := binary.LittleEndian.Uint64(p.span[:]) ^ binary.LittleEndian.Uint64(p.trace[:8]) ^ binary.LittleEndian.Uint64(p.trace[8:])
	h *= 0x9e3779b97f4a7c15
	return (h ^ h>>29) | 1<<63
}

func (r *reads) add(one interval) {
	if r.database = append(r.database, one); len(r.database) <= maxReads {
		return
	}
	slices.SortFunc(r.database, byStart)
	nearest := 1
	gap := func(i int) pcommon.Timestamp {
		return max(r.database[i].start, r.database[i-1].end) - r.database[i-1].end
	}
	for i := 2; i < len(r.database); i++ {
		if gap(i) < gap(nearest) {
			nearest = i
		}
	}
	a, b := &r.database[nearest-1], r.database[nearest]
	a.end, a.timed = max(a.end, b.end), a.timed || b.timed
	r.database = slices.Delete(r.database, nearest, nearest+1)
}

func byStart(a, b interval) int { return cmp.Compare(a.start, b.start) }

// overlaps reports whether a part of the time of a read is already on a span.
func (r *reads) overlaps(one interval) bool {
	return slices.ContainsFunc(r.database, func(o interval) bool { return o.timed && o.start <= one.end && one.start <= o.end })
}

// following returns the database reads that started after a cache read had ended.
func (r *reads) following() (all []interval) {
	for _, one := range r.database {
		if one.follows = one.follows || r.cacheEnd != 0 && clock.Follows(one.start, r.cacheEnd); one.follows {
			all = append(all, one)
		}
	}
	return all
}

// together returns the time of the reads in ms, overlaps counted once, without groups that overlap with a time that is already on a span.
func together(all []interval) float64 {
	slices.SortFunc(all, byStart)
	var sum pcommon.Timestamp
	for i := 0; i < len(all); {
		one := all[i]
		for i++; i < len(all) && all[i].start <= one.end; i++ {
			one.end = max(one.end, all[i].end)
			one.timed = one.timed || all[i].timed
		}
		if !one.timed && one.end > one.start {
			sum += one.end - one.start
		}
	}
	return float64(sum) / float64(time.Millisecond)
}
