package spantree

import (
	"cmp"
	"slices"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// period is a half-open period of time, without its end.
type period struct{ from, to int64 }

// align moves spans of other machines whose clocks are off back into their parents. A shift applies to the whole
// clock: descendants with the same clock move too.
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

// SameProcess reports whether two spans belong to the same process.
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
	// lateEnd is how late a server span may end after its call without counting as off: servers end their span after
	// the client has read the response. ASGI servers were measured to end 0.6 to 12 ms late, and 20 ms on a busy
	// machine. Clocks without synchronisation are off by more.
	lateEnd = 50_000_000
	// earlyStart is how much earlier than its call a span may start if most of it is inside: clocks have a
	// resolution, and synchronised clocks of two machines still differ a little.
	earlyStart = 15_000_000
)

// fits reports whether a child lies inside its parent, or outside by so little that the clocks can be right.
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

// isOff reports whether a child with another clock lies outside its parent because a clock is off. Work that may
// outlast its parent is not off: messages, and a call that lasted longer than its caller waited.
func (t *Tree) isOff(p, c int32) bool {
	child, parent := &t.Nodes[c], &t.Nodes[p]
	if t.fits(child, parent) {
		return false
	}
	early := parent.Start - child.Start // nothing starts before its call
	if early > max(t.Tolerance, earlyStart) {
		return true
	}
	if t.IsMessage(p, c) {
		return early > t.Tolerance
	}
	return child.End-child.Start <= parent.End-parent.Start
}

// IsMessage reports whether the child was started by a message, for which no span has to wait.
func (t *Tree) IsMessage(p, c int32) bool {
	return t.Inputs[c].Kind == ptrace.SpanKindConsumer || t.Inputs[p].Kind == ptrace.SpanKindProducer
}

// moveInto moves children into idle time of their parent. If one shift moves all children with other clocks into the
// parent, including those that seemed right, the parent's clock is off. Otherwise each child outside the parent gets
// a shift of its own.
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
	slices.SortFunc(t.off, func(a, b int32) int { // longest first: they have the fewest places
		na, nb := &t.Nodes[a], &t.Nodes[b]
		if c := cmp.Compare(nb.End-nb.Start, na.End-na.Start); c != 0 {
			return c
		}
		return t.Before(a, b)
	})
	t.occupyBut(p, t.off)
	for k, c := range t.off {
		n := &t.Nodes[c]
		if k == maxPlaced { // a place is searched for services, not for a flood of spans
			t.occupied = append(t.occupied[:0], period{parent.Start, parent.End})
		}
		n.move(t.shiftInto(parent, period{n.Start, n.End}))
		if k < maxPlaced {
			t.occupy(parent, n)
		}
	}
}

// moveTogether shifts some children by the same amount, if all of them then lie in the parent.
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

// occupyBut records when the other children ran.
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

// maxPlaced limits the work for a parent whose children have many wrong clocks.
const maxPlaced = 64

func (t *Tree) occupy(parent, child *Node) {
	if from, to := max(child.Start, parent.Start), min(child.End, parent.End); from < to {
		t.occupied = append(t.occupied, period{from, to})
	}
}

// shiftInto returns by how much to shift s: to the middle of the parent's longest free period if it fits there, else
// to the nearest position inside the parent, and to its start if s is longer than the parent.
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
