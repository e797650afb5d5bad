package spantree

import (
	"cmp"
	"slices"
)

// adopt puts a span below its sibling where the sibling was idle all the while
// that the span ran, and waited for it, as the thread of a request does that
// hands it to a scheduler: in a tree of threads both are children of the
// request, and the one that ends last would hide what it waited for. A span
// with work of its own at the time, or without any span below it, is not idle.
func (t *Tree) adopt() {
	adopted := false
	for _, p := range t.Order {
		siblings := t.Children(p)
		if len(siblings) < 2 {
			continue
		}
		idler := t.idler(siblings)
		if idler < 0 {
			continue
		}
		for _, c := range siblings {
			if c != idler && t.ranWhileIdle(&t.Nodes[c]) {
				t.Nodes[c].Parent = idler
				adopted = true
			}
		}
	}
	if adopted {
		t.children()
		t.order()
	}
}

// idler finds the longest of some siblings that has spans below it and does
// not say itself what its time was for; -1 where there is none. It leaves the
// times in which nothing below it ran in t.idle, in order.
func (t *Tree) idler(siblings []int32) int32 {
	longest := int32(-1)
	for _, c := range siblings {
		if t.Inputs[c].Says || len(t.Children(c)) == 0 {
			continue
		}
		if longest < 0 || t.isLonger(c, longest) {
			longest = c
		}
	}
	if longest < 0 {
		return -1
	}
	n := &t.Nodes[longest]
	t.occupied, t.idle = t.occupied[:0], t.idle[:0]
	for _, below := range t.Children(longest) {
		t.occupy(n, &t.Nodes[below])
	}
	if len(t.occupied) == 0 {
		return -1
	}
	slices.SortFunc(t.occupied, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	at := n.Start
	for _, o := range t.occupied {
		if o.from > at {
			t.idle = append(t.idle, stretch{at, o.from})
		}
		at = max(at, o.to)
	}
	if at < n.End {
		t.idle = append(t.idle, stretch{at, n.End})
	}
	return longest
}

func (t *Tree) isLonger(a, b int32) bool {
	na, nb := &t.Nodes[a], &t.Nodes[b]
	if la, lb := na.End-na.Start, nb.End-nb.Start; la != lb {
		return la > lb
	}
	return t.Before(a, b) < 0
}

func (t *Tree) ranWhileIdle(n *Node) bool {
	k, _ := slices.BinarySearchFunc(t.idle, n.Start, func(s stretch, start int64) int { return cmp.Compare(s.to, start) })
	return k < len(t.idle) && t.idle[k].from <= n.Start && n.End <= t.idle[k].to
}
