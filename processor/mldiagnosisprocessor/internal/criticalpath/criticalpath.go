// Package criticalpath computes the critical path of a request: which span the
// request was waiting for at each point in time. It follows the spans that ended
// last, from the end of the request back to its start. Each point in time belongs
// to one span, so parallel work is not counted.
//
// Walk computes the path of one tree and reuses the memory of the Path, which
// belongs to one goroutine. The results are valid until the next Walk.
package criticalpath

import (
	"cmp"
	"slices"

	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/spantree"
)

// Segment is a period that belongs to one span, in nanoseconds after the root's start.
type Segment struct {
	Span     int32
	From, To int64
}

// Path is the critical path of one trace. It reuses its memory.
type Path struct {
	// Self covers the whole request; no two segments overlap.
	Self []Segment
	// Spans are the spans on the path, in the order in which the path first enters them, each after its parent.
	Spans []Visit

	pieces  []piece
	windows []window
	of      []list
	gaps    []Segment
	left    []Segment
}

// Visit is a span on the path.
type Visit struct {
	Span int32
	// From is when the path first enters the span, Time how long the path is in the span or its descendants, in
	// nanoseconds.
	From, Time int64
}

// piece is a period of a span below one owner; it competes with the pieces of its siblings.
type piece struct {
	owner    int32 // position of the owner in the order of the tree
	turn     turn
	span     int32
	from, to int64
}

// turn is the order in which pieces fill the remaining time of the owner.
type turn uint8

const (
	first turn = iota
	// late pieces get only time that nothing else covers.
	late
	// last are late pieces of spans without facts on them or their descendants.
	last
)

// window is a period in which the path goes through a span; a span's windows are linked from the latest to the earliest.
type window struct {
	from, to int64
	next     int32
}

type list struct {
	head, tail, count int32
	position          int32
}

// maxWindows limits the number of periods of a span that ends after its parent,
// and with it the work for a hostile trace.
const maxWindows = 16

// maxClimb limits the search for the ancestor that waits for a child which outlasts its parent.
const maxClimb = 32

// Walk computes the path of a tree. ahead has, for each span, the nanoseconds of its work before its start, such as a
// wait that ended when the span started; it is usually zero.
func (p *Path) Walk(t *spantree.Tree, ahead []int64) {
	p.reset(t)
	p.collect(t, ahead)
	root := &t.Nodes[t.Root]
	p.enter(t.Root, root.Start, root.End)
	k := 0
	for position, s := range t.Order {
		p.gaps = p.gaps[:0]
		for w := p.of[s].head; w >= 0; w = p.windows[w].next {
			p.gaps = append(p.gaps, Segment{s, p.windows[w].from, p.windows[w].to})
		}
		for turn := first; turn <= last; turn++ {
			begin := k
			for k < len(p.pieces) && int(p.pieces[k].owner) == position && p.pieces[k].turn == turn {
				k++
			}
			if begin < k && len(p.gaps) > 0 {
				p.cover(p.pieces[begin:k])
			}
		}
		p.Self = append(p.Self, p.gaps...)
	}
	p.visits(t)
}

func (p *Path) reset(t *spantree.Tree) {
	p.Self, p.Spans, p.pieces, p.windows = p.Self[:0], p.Spans[:0], p.pieces[:0], p.windows[:0]
	p.of = slices.Grow(p.of[:0], len(t.Nodes))[:len(t.Nodes)]
	for position, s := range t.Order {
		p.of[s] = list{head: -1, tail: -1, position: int32(position)}
	}
}

// collect finds for every span the ancestors under which its time counts.
func (p *Path) collect(t *spantree.Tree, ahead []int64) {
	for _, c := range t.Order[1:] {
		child := &t.Nodes[c]
		parent := &t.Nodes[child.Parent]
		// A process does not wait for its own task that ends later, and a sender does not wait for a message; their
		// ancestors may. A caller that gave up on another process did wait.
		when, after := first, late
		if !t.HasML[c] {
			after = last
		}
		if child.End > parent.End+t.Tolerance {
			when = after
			above := outlasted(t, c)
			switch own := t.IsMessage(child.Parent, c) || t.SameProcess(child.Parent, c); {
			case above < 0 && own:
				continue // no ancestor waits for it: it outlasts the request
			case above < 0 || !own && gaveUp(t, c):
				when = first
			default:
				p.addAbove(t, c, above, after)
			}
		}
		p.add(child.Parent, when, c, max(child.Start, parent.Start), min(child.End, parent.End))
		if ahead[c] > 0 {
			p.add(child.Parent, late, c, max(child.Start-ahead[c], parent.Start), min(child.Start, parent.End))
		}
	}
	slices.SortFunc(p.pieces, func(a, b piece) int {
		if a.owner != b.owner {
			return cmp.Compare(a.owner, b.owner)
		}
		if a.turn != b.turn {
			return cmp.Compare(a.turn, b.turn)
		}
		if a.to != b.to {
			return cmp.Compare(b.to, a.to)
		}
		if a.from != b.from {
			return cmp.Compare(a.from, b.from)
		}
		return t.Before(a.span, b.span)
	})
}

// addAbove adds the time of a child that outlasts its parent to its ancestors, from the nearest up to the one that
// lasts as long: each gets the time that the ones below it do not cover.
func (p *Path) addAbove(t *spantree.Tree, c, above int32, when turn) {
	child := &t.Nodes[c]
	reached := t.Nodes[child.Parent].End
	between := t.Nodes[child.Parent].Parent
	for range maxBetween {
		if between == above {
			break
		}
		n := &t.Nodes[between]
		p.add(between, when, c, max(child.Start, n.Start, reached), min(child.End, n.End))
		reached = max(reached, n.End)
		between = n.Parent
	}
	p.add(above, when, c, max(child.Start, reached), min(child.End, t.Nodes[above].End))
}

// maxBetween limits the number of ancestors to which the time of one child can be added.
const maxBetween = 4

// gaveUp reports whether the caller of another process failed and ended before the call ended.
func gaveUp(t *spantree.Tree, c int32) bool {
	parent := t.Nodes[c].Parent
	return t.Inputs[parent].Failed && t.Nodes[c].Start < t.Nodes[parent].End
}

// outlasted finds the nearest ancestor above the parent that lasts as long as the child and may wait for it, or -1.
func outlasted(t *spantree.Tree, c int32) int32 {
	end := t.Nodes[c].End - t.Tolerance
	above := t.Nodes[c].Parent
	for range maxClimb {
		if above = t.Nodes[above].Parent; above < 0 {
			return -1
		}
		if t.Nodes[above].End >= end {
			return above
		}
	}
	if t.Nodes[t.Root].End >= end {
		return t.Root
	}
	return -1
}

func (p *Path) add(owner int32, when turn, span int32, from, to int64) {
	if from < to {
		p.pieces = append(p.pieces, piece{p.of[owner].position, when, span, from, to})
	}
}

// cover assigns the time in p.gaps to the pieces, and leaves the time that no piece covers. Both are processed from
// the latest to the earliest: of the pieces that have started, the one that ends last gets the time back to its
// start.
func (p *Path) cover(pieces []piece) {
	p.left = p.left[:0]
	k := 0
	for _, gap := range p.gaps {
		t := gap.To
		for t > gap.From {
			for k < len(pieces) && pieces[k].from >= t {
				k++
			}
			if k == len(pieces) || pieces[k].to <= gap.From {
				break
			}
			c := &pieces[k]
			end, from := min(c.to, t), max(c.from, gap.From)
			if end < t {
				p.left = append(p.left, Segment{gap.Span, end, t})
			}
			if c.turn != first && p.of[c.span].count >= maxWindows {
				p.left = append(p.left, Segment{gap.Span, from, end})
			} else {
				p.enter(c.span, from, end)
			}
			t = from
		}
		if t > gap.From {
			p.left = append(p.left, Segment{gap.Span, gap.From, t})
		}
	}
	p.gaps, p.left = p.left, p.gaps
}

func (p *Path) enter(span int32, from, to int64) {
	l := &p.of[span]
	p.windows = append(p.windows, window{from, to, -1})
	at := int32(len(p.windows) - 1)
	if l.count == 0 {
		l.head = at
	} else {
		p.windows[l.tail].next = at
	}
	l.tail = at
	l.count++
}

func (p *Path) visits(t *spantree.Tree) {
	for _, s := range t.Order {
		l := &p.of[s]
		if l.count == 0 {
			continue
		}
		visit := Visit{Span: s, From: p.windows[l.tail].from}
		for w := l.head; w >= 0; w = p.windows[w].next {
			visit.Time += p.windows[w].to - p.windows[w].from
		}
		p.Spans = append(p.Spans, visit)
	}
	slices.SortFunc(p.Spans, func(a, b Visit) int {
		if a.From != b.From {
			return cmp.Compare(a.From, b.From)
		}
		return cmp.Compare(p.of[a.Span].position, p.of[b.Span].position)
	})
}
