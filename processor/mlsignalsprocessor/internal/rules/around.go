package rules

import (
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// maxAround limits the combinations of resource and scope that a Scratch caches.
const maxAround = 64

// around has the conditions that a resource and a scope meet.
type around struct {
	// id is unique for these atoms, to compare two quickly.
	id    uint32
	atoms []atom
}

// Resource reads the resource of the following spans. Call Scope for each of its scopes.
func (s *Compiled) Resource(attrs pcommon.Map, sc *Scratch) {
	sc.resource = sc.resource[:0]
	clear(sc.resourceHas)
	for name, v := range attrs.All() {
		i := s.resources.Index(name)
		if i < 0 {
			continue
		}
		k := &s.resourceInfo[i]
		if !sc.resourceHas[k.slot] {
			sc.resourceHas[k.slot], sc.resourceValues[k.slot] = true, v
			sc.resource = k.checks.hold(v, sc.resource)
		}
	}
}

// Scope reads the instrumentation scope of the following spans. Call Resource before.
func (s *Compiled) Scope(name string, sc *Scratch) {
	sc.trail = append(append(sc.trail[:0], sc.resource...), s.scope(name, sc)...)
	for i := range sc.arounds {
		if slices.Equal(sc.arounds[i].atoms, sc.trail) {
			sc.around = &sc.arounds[i]
			return
		}
	}
	if len(sc.arounds) < maxAround {
		sc.arounds = append(sc.arounds, around{})
	}
	sc.lastAround++
	sc.around = &sc.arounds[int(sc.lastAround)%len(sc.arounds)]
	sc.around.id = sc.lastAround
	sc.around.atoms = append(sc.around.atoms[:0], sc.trail...)
}

// scope returns the atoms of a scope's name.
func (s *Compiled) scope(name string, sc *Scratch) []atom {
	if atoms, ok := sc.scopes[name]; ok {
		return atoms
	}
	var atoms []atom
	s.scopeIndex.Each(name, func(i int) { atoms = append(atoms, s.scopes[i].atom) })
	if caches(len(sc.scopes), name) {
		sc.scopes[strings.Clone(name)] = atoms
	}
	return atoms
}
