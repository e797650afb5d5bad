package rules

import (
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/pattern"
)

// maxNames bounds the names that a Scratch remembers. Services have a few
// dozen; names with an ID in them fill it up and are then looked up each time.
const maxNames = 512

// named is what the rules know of a span by its name alone.
type named struct {
	name  string
	atoms []atom
	// component is what a span of this name loads, "" for none.
	component string
	// seen are the last two kinds of spans of this name: most are alike, and the few that are slow or failed.
	seen   [2]seen
	recent uint8
	// next is the name that came after this one the last time.
	next *named
}

// seen is what a span of some name was like, and the rules that applied to it.
type seen struct {
	around uint32
	kind   uint8
	trail  []atom
	bits   []uint64 // all of its atoms
	rules  []int32
}

func (x *seen) is(around uint32, kind uint8, trail []atom) bool {
	return x.around == around && x.kind == kind && slices.Equal(x.trail, trail)
}

// emptied returns a named without a name, with the room that it has.
func (n *named) emptied() named {
	e := named{atoms: n.atoms[:0]}
	for i := range n.seen {
		x := &n.seen[i]
		e.seen[i] = seen{trail: x.trail[:0], bits: x.bits[:0], rules: x.rules[:0]}
	}
	return e
}

// named returns what is known of the span's name. Names follow each other in
// the same order, trace after trace: guess before searching.
func (s *Compiled) named(sc *Scratch) *named {
	if n := sc.named.next; n != nil && n.name == sc.name {
		sc.named = n
		return n
	}
	n, ok := sc.names[sc.name]
	if !ok {
		n = &sc.spare
		if len(sc.names) < maxNames {
			n = &named{}
		}
		*n = n.emptied()
		n.name = sc.name
		s.lookUp(n)
		if n != &sc.spare {
			n.name = strings.Clone(n.name)
			n.component = strings.Clone(n.component)
			sc.names[n.name] = n
		}
	}
	sc.named.next = n
	sc.named = n
	return n
}

func (s *Compiled) lookUp(n *named) {
	if i := s.names.Index(n.name); i >= 0 {
		n.atoms = append(n.atoms, s.nameAtoms[i]...)
	}
	if len(s.folded) > 0 {
		var room [64]byte
		if key, ok := pattern.Fold(room[:0], n.name); ok {
			n.atoms = append(n.atoms, s.folded[string(key)]...)
		}
	}
	s.globIndex.Each(n.name, func(i int) { n.atoms = append(n.atoms, s.globs[i].atom) })
	if s.component != nil {
		n.component = s.component(n.name)
	}
}

// LoadedByName is the component that the span at hand loads going by its name, "" for none.
func (sc *Scratch) LoadedByName() string { return sc.named.component }
