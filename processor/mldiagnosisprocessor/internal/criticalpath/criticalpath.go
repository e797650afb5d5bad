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

// Path is computed for one trace at a time, reusing its memory.
type Path struct {
	// Self covers the whole request; no two segments overlap.
	Self []Segment
	// Spans are those on the path, in the order in which the path enters them, a parent ahead of its children.
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
	// From is when the path enters the span first, Time how long it is in the span or below it, in nanoseconds.
	From, Time int64
}

// piece is a period of a span below one owner, which competes with those of its siblings.
type piece struct {
	owner    int32 // position of the owner in the order of the tree
	turn     turn
	span     int32
	from, to int64
}

// turn is the order in which pieces fill what is left of the owner's time.
type turn uint8

const (
	first turn = iota
	// late pieces fill only what nothing else covers.
	late
	// last are late pieces of spans without facts on them and on their descendants.
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

// maxClimb bounds the search for the span that a child which outlasts its parent runs under.
const maxClimb = 32

// Walk computes the path of a tree. ahead has for each span the nanoseconds
// of its work before its start, such as a wait that ended with it; zero for most.
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

// collect finds for every span under which others its time counts.
func (p *Path) collect(t *spantree.Tree, ahead []int64) {
	for _, c := range t.Order[1:] {
		child := &t.Nodes[c]
		parent := &t.Nodes[child.Parent]
		// A process does not wait for a task of its own that ends later, and a sender not for a
		// message or what it hands over: the spans above may. A caller that gave up on another process did wait.
		when, after := first, late
		if !t.Telling[c] {
			after = last
		}
		if child.End > parent.End+t.Tolerance {
			when = after
			above := outlasted(t, c)
			switch own := t.IsMessage(child.Parent, c) || t.SameProcess(child.Parent, c); {
			case above < 0 && own:
				continue // nobody did: it goes on behind the request's back
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

// addAbove adds what of a child that outlasts its parent falls to the spans
// above: to each of the nearest, up to the one that lasts as long, what the ones before it do not reach.
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

// maxBetween bounds how many spans above, each of which it outlasts, a child may have time of.
const maxBetween = 4

// gaveUp reports whether the span above a call to another process ended, and failed, while that went on.
func gaveUp(t *spantree.Tree, c int32) bool {
	parent := t.Nodes[c].Parent
	return t.Inputs[parent].Failed && t.Nodes[c].Start < t.Nodes[parent].End
}

// outlasted finds the nearest span above its parent that lasts as long as the
// child, and may wait for it; -1 where none does.
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

// cover gives the time in p.gaps to the pieces and leaves there what none of
// them covers. Both run from the latest to the earliest: of the pieces that
// have begun, the one that ends last has the time back to its start.
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
