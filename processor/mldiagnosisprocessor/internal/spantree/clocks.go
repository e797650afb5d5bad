package spantree

import (
	"cmp"
	"slices"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// period is a half-open period of time, without To.
type period struct{ from, to int64 }

// align puts spans of other machines, whose clocks are off, back into their
// parents. A shift holds for the whole clock: the spans below that share it move along.
func (t *Tree) align() {
	for _, p := range t.Order {
		t.off = t.off[:0]
		shift := t.Nodes[p].shift
		for _, c := range t.Children(p) {
			n := &t.Nodes[c]
			if shift == 0 && t.fits(n, &t.Nodes[p]) {
				continue
			}
			if t.sameClock(p, c) {
				n.move(shift)
			} else if t.isOff(p, c) {
				n.off = true
				t.off = append(t.off, c)
			}
		}
		if len(t.off) > 0 {
			t.Skewed = true
			t.moveInto(p)
		}
	}
}

// SameProcess reports whether two spans are of one process.
func (t *Tree) SameProcess(a, b int32) bool {
	ra, rb := t.Inputs[a].Resource, t.Inputs[b].Resource
	return ra == rb || t.clocks.SameProcess(ra, rb)
}

func (t *Tree) sameClock(a, b int32) bool {
	ra, rb := t.Inputs[a].Resource, t.Inputs[b].Resource
	return ra == rb || t.clocks.SameClock(ra, rb)
}

func (n *Node) move(by int64) {
	n.shift = by
	n.Start += by
	n.End += by
}

const (
	// lateEnd is how long a server's span may go on after the call and be in its
	// place: servers end their span after the answer has been sent, when the client
	// has read it and gone on. ASGI servers were seen to be 0.6 to 12 ms late, and
	// 20 ms on a busy machine. Clocks that nobody sets are off by more.
	lateEnd = 50_000_000
	// earlyStart is how much earlier than the call it may begin if most of it is
	// within: clocks have a grain, and those of two machines that are set differ by a little.
	earlyStart = 15_000_000
)

// fits reports whether a child lies within its parent, or so little outside of
// it that no clock need be off.
func (t *Tree) fits(child, parent *Node) bool {
	early, late := parent.Start-child.Start, child.End-parent.End
	if max(early, late) <= t.Tolerance {
		return true
	}
	if early > earlyStart || late > lateEnd || child.Start >= parent.End {
		return false
	}
	within := min(child.End, parent.End) - max(child.Start, parent.Start)
	return early <= 0 || within*2 >= child.End-child.Start
}

// isOff reports whether a child with another clock is outside of its parent
// for want of a good clock. Work that may outlast the parent is not: messages,
// and a call that lasted longer than its caller waited.
func (t *Tree) isOff(p, c int32) bool {
	child, parent := &t.Nodes[c], &t.Nodes[p]
	if t.fits(child, parent) {
		return false
	}
	early := parent.Start - child.Start // nothing starts before it is called
	if early > max(t.Tolerance, earlyStart) {
		return true
	}
	if t.IsMessage(p, c) {
		return early > t.Tolerance
	}
	return child.End-child.Start <= parent.End-parent.Start
}

// IsMessage reports whether the child was started by a message that nobody need wait for.
func (t *Tree) IsMessage(p, c int32) bool {
	return t.Inputs[c].Kind == ptrace.SpanKindConsumer || t.Inputs[p].Kind == ptrace.SpanKindProducer
}

// moveInto moves children into their parent, where the parent has nothing else
// to show for the time. If one shift is right for all that have other clocks,
// those that seemed in place too, it is the parent's clock that is off. Else
// each of those that are out of place has its own.
func (t *Tree) moveInto(p int32) {
	parent := &t.Nodes[p]
	t.others = t.others[:0]
	for _, c := range t.Children(p) {
		if n := &t.Nodes[c]; n.off || !t.sameClock(p, c) && !t.IsMessage(p, c) && t.fits(n, parent) {
			t.others = append(t.others, c)
		}
	}
	if t.moveTogether(p, t.others) || t.moveTogether(p, t.off) {
		return
	}
	slices.SortFunc(t.off, func(a, b int32) int { // the long ones first: they have the fewest places
		na, nb := &t.Nodes[a], &t.Nodes[b]
		if c := cmp.Compare(nb.End-nb.Start, na.End-na.Start); c != 0 {
			return c
		}
		return t.Before(a, b)
	})
	t.occupyBut(p, t.off)
	for k, c := range t.off {
		n := &t.Nodes[c]
		if k == maxPlaced { // looking for a place is worth it for services, not for a flood of spans
			t.occupied = append(t.occupied[:0], period{parent.Start, parent.End})
		}
		n.move(t.shiftInto(parent, period{n.Start, n.End}))
		if k < maxPlaced {
			t.occupy(parent, n)
		}
	}
}

// moveTogether moves some children by one shift, if that brings them all into the parent.
func (t *Tree) moveTogether(p int32, some []int32) bool {
	parent := &t.Nodes[p]
	hull := period{t.Nodes[some[0]].Start, t.Nodes[some[0]].End}
	for _, c := range some[1:] {
		hull.from, hull.to = min(hull.from, t.Nodes[c].Start), max(hull.to, t.Nodes[c].End)
	}
	if hull.to-hull.from > parent.End-parent.Start {
		return false
	}
	t.occupyBut(p, some)
	by := t.shiftInto(parent, hull)
	for _, c := range some {
		t.Nodes[c].move(by)
	}
	return true
}

// occupyBut notes when the children other than some ran.
func (t *Tree) occupyBut(p int32, some []int32) {
	parent := &t.Nodes[p]
	t.occupied = t.occupied[:0]
	for _, c := range some {
		t.Nodes[c].moving = true
	}
	for _, c := range t.Children(p) {
		if n := &t.Nodes[c]; !n.moving {
			t.occupy(parent, n)
		}
	}
	for _, c := range some {
		t.Nodes[c].moving = false
	}
}

// maxPlaced bounds the work for a parent whose children come from many bad clocks.
const maxPlaced = 64

func (t *Tree) occupy(parent, child *Node) {
	if from, to := max(child.Start, parent.Start), min(child.End, parent.End); from < to {
		t.occupied = append(t.occupied, period{from, to})
	}
}

// shiftInto returns by how much to move s: into the middle of the longest free
// period of the parent if it has room there, else just into the parent, and
// to its start if even that is too short.
func (t *Tree) shiftInto(parent *Node, s period) int64 {
	slices.SortFunc(t.occupied, func(a, b period) int { return cmp.Compare(a.from, b.from) })
	free := period{}
	at := parent.Start
	for _, o := range t.occupied {
		if o.from-at > free.to-free.from {
			free = period{at, o.from}
		}
		at = max(at, o.to)
	}
	if parent.End-at > free.to-free.from {
		free = period{at, parent.End}
	}
	length := s.to - s.from
	switch {
	case length <= free.to-free.from:
		return free.from + (free.to-free.from-length)/2 - s.from
	case s.from < parent.Start || length > parent.End-parent.Start:
		return parent.Start - s.from
	default:
		return parent.End - s.to
	}
}
