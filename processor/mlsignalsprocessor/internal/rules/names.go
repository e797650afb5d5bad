package rules

import (
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/pattern"
)

// maxNames limits the names that a Scratch caches. Services have a few dozen.
// Names with an ID in them fill the cache; further ones are looked up each time.
const maxNames = 512

// maxNameBytes is the size of the longest name that a Scratch caches, so that the cache is limited in bytes too.
const maxNameBytes = 1 << 10

// caches reports whether a cache of names with this many entries may take another one.
func caches(entries int, name string) bool { return entries < maxNames && len(name) <= maxNameBytes }

// named is the cached result of looking up a span name.
type named struct {
	name  string
	atoms []atom
	// component is the component that spans of this name load, "" for none.
	component string
	// seen has the last two combinations of conditions: the usual one, and that of slow or failed spans.
	seen   [2]seen
	recent uint8
	// next is the name that followed this one last time.
	next *named
}

// seen is a combination of conditions, and the rules that apply with it.
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

// emptied returns an empty named that reuses the memory of n.
func (n *named) emptied() named {
	e := named{atoms: n.atoms[:0]}
	for i := range n.seen {
		x := &n.seen[i]
		e.seen[i] = seen{trail: x.trail[:0], bits: x.bits[:0], rules: x.rules[:0]}
	}
	return e
}

// named looks up the span's name. It tries the name that followed the last one
// before, because traces have their names in the same order.
func (s *Compiled) named(sc *Scratch) *named {
	if n := sc.named.next; n != nil && n.name == sc.name {
		sc.named = n
		return n
	}
	n, ok := sc.names[sc.name]
	if !ok {
		n = &sc.spare
		if caches(len(sc.names), sc.name) {
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

// LoadedByName returns the component that the current span loads according to its name, "" for none.
func (sc *Scratch) LoadedByName() string { return sc.named.component }
