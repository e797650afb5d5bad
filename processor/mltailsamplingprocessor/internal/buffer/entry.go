package buffer

import "github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/prefilter"

// entry is a trace with buffered spans. It has no pointers, so that the
// garbage collector need not look at it.
type entry struct {
	prefilter.Facts
	first, last ref
	size        int64  // of its spans and, once for each group, their resource
	arrived     int64  // of the first span, Unix time in nanoseconds
	rootArrived int64  // of the first root span; 0: none yet
	group       uint32 // of the last record
	state       state
	asked       bool // in the queue of traces for the policies
	// queue and roots are the places in the queues below.
	queue, roots link
}

// state is what becomes of an entry.
type state uint8

const (
	waiting  state = iota // until its time has come
	deciding              // until the policies have decided
	late                  // kept already: its spans are forwarded
	passing               // passed on without a decision
	gone                  // dropped already: no entry is made
)

// link is the place of an entry in a queue: numbers of entries plus 1, 0 for none.
type link struct{ previous, next uint32 }

// queue is a list of entries in the order in which they were added.
type queue struct{ head, tail uint32 }

// entryLink selects the link of a queue.
type entryLink func(*entry) *link

func queueLink(e *entry) *link { return &e.queue }
func rootsLink(e *entry) *link { return &e.roots }

func (q *queue) push(entries []entry, n uint32, of entryLink) {
	l := of(&entries[n])
	*l = link{previous: q.tail}
	if q.tail != 0 {
		of(&entries[q.tail-1]).next = n + 1
	} else {
		q.head = n + 1
	}
	q.tail = n + 1
}

// remove takes an entry out of a queue that it is in.
func (q *queue) remove(entries []entry, n uint32, of entryLink) {
	l := of(&entries[n])
	if l.previous != 0 {
		of(&entries[l.previous-1]).next = l.next
	} else {
		q.head = l.next
	}
	if l.next != 0 {
		of(&entries[l.next-1]).previous = l.previous
	} else {
		q.tail = l.previous
	}
	*l = link{}
}

// first returns the entry at the head of a queue.
func (q *queue) first() (n uint32, ok bool) { return q.head - 1, q.head != 0 }
