// Package rules finds the dialect rules that apply to a span in one pass over
// its attributes, and carries them out.
package rules

import (
	"sort"

	"github.com/otelcol-ml/otelcol-ml/internal/keytable"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/lookup"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/reading"
)

// Set is a set of compiled rules. It does not change, so any number of
// goroutines may use it, each with a Scratch of its own.
type Set struct {
	// Dialects are the names, in the order given.
	Dialects []string
	// Vocabulary is the position of the dialect ml, which recognises spans by
	// the vocabulary's own attributes; None where it is not in use.
	Vocabulary int
	// described are the dialects that say themselves which spans are loads.
	described []bool
	// Component tells which component a span of some name loads, "" for none.
	// It may be nil, and is set before the first span.
	Component func(name string) string
	// Joins is the number of joins in the rules.
	Joins int

	rules    []rule    // the most specific first
	triggers [][]int32 // atom to the rules that it triggers
	words    int       // of 64 atoms

	keys, resources, names, events *keytable.Table

	keyInfo      []key
	resourceInfo []key
	nameAtoms    [][]atom
	eventInfo    []event
	folded       map[string][]atom
	globs        []namePattern
	globIndex    *dialect.Index
	scopes       []namePattern
	scopeIndex   *dialect.Index
	kinds        [kinds][]uint64
	slots        int
}

// kinds of spans that there are, UNSPECIFIED to CONSUMER.
const kinds = 6

// rule is one side of what a dialect.Rule says: of the span that it matches,
// or of the other span of its join.
type rule struct {
	dialect int
	name    string
	need    []uint64
	forbid  []uint64 // nil for none
	trigger atom
	rank    int

	stage     string
	stageFrom *stageFrom
	sets      []setter
	signals   reading.Set
	cold      *coldStart
	waitOnly  bool
	attempts  uint8
	leave     bool
	meeting   *meeting
	lookup    lookup.Kind
	call      bool
}

type setter struct {
	target int // position in vocab.Attributes
	source
}

type coldStart struct {
	component string
	from      int // slot of the attribute, -1 for the span's name
	duration  *source
	minMS     float64
	instance  []int // slots of the attributes, the first that the span has counts

	reloadUnknown bool
}

// meeting is the part of one side in a join.
type meeting struct {
	id    uint16
	other bool // this side is the other span
	// atParent: the two meet at this side's parent; otherwise at this span itself.
	atParent bool
	after    bool
	once     bool        // without a set: a wait belongs to one compute
	resource int         // the slot of the resource attribute that is the same, -1 where the two are kin
	oneCold  bool        // the two show one cold start
	moments  [2][]moment // what each side leaves behind; 0 this span's, 1 the other span's
	sets     []setter
}

// Compile compiles dialects that have been validated. custom is the number of
// dialects at the end of the list that are the user's own: of two rules that
// are equally specific, theirs is taken first.
func Compile(dialects []*dialect.Dialect, custom int) *Set {
	b := newBuilder()
	s := &Set{Vocabulary: None}
	for di, d := range dialects {
		if d.Name == vocabularyDialect {
			s.Vocabulary = di
		}
		s.Dialects = append(s.Dialects, d.Name)
		s.described = append(s.described, d.Name != vocabularyDialect && di < len(dialects)-custom)
		rank := di
		if di >= len(dialects)-custom {
			rank = di - len(dialects)
		}
		for ri := range d.Rules {
			s.add(b, di, rank, &d.Rules[ri])
		}
	}
	s.finish(b)
	return s
}

var lookups = map[string]lookup.Kind{dialect.CacheLookup: lookup.Cache, dialect.DatabaseLookup: lookup.Database}
var attempts = map[string]uint8{dialect.FailedSiblings: FailedSiblings, dialect.ChildCalls: ChildCalls}

const vocabularyDialect = "ml"

// DescribesLoads tells whether the span's dialect says itself which spans load
// a component, so that a name such as load_features says nothing. That is so
// of the built-in dialects but ml, whose users name their spans as they like;
// so do those who bring a dialect of their own.
func (s *Set) DescribesLoads(d int) bool { return d != None && s.described[d] }

// specific rules come first; then the user's own; then in the order of the files.
type ranked struct {
	rule
	specific, order int
	atoms, without  []atom
}

func (s *Set) add(b *builder, di, order int, d *dialect.Rule) {
	r := ranked{rule: rule{dialect: di, name: d.Name, stage: d.Stage, waitOnly: d.WaitOnly, lookup: lookups[d.Lookup], call: d.Call, attempts: attempts[d.Attempts], leave: d.LeaveAlone}, order: order}
	r.atoms, r.specific = b.match(&d.Match)
	r.without = b.without(&d.Match)
	if d.StageFrom != nil {
		r.stageFrom = newStageFrom(b, d.StageFrom)
	}
	for i := range d.Set {
		r.sets = append(r.sets, b.setter(&d.Set[i]))
	}
	for _, name := range d.Signals {
		r.signals.Add(vocab.Index(vocab.SignalPrefix + name))
	}
	if d.ColdStart != nil {
		r.cold = b.coldStart(d.ColdStart)
	}
	var other *ranked
	if d.Join != nil {
		this, that := b.join(uint16(s.Joins), d.Join)
		s.Joins++
		r.meeting = this
		other = &ranked{rule: rule{dialect: di, name: d.Name + " (other span)", meeting: that}, order: order}
		other.atoms, other.specific = b.match(&d.Join.Match)
		other.without = b.without(&d.Join.Match)
	}
	b.ranked = append(b.ranked, r)
	if other != nil {
		b.ranked = append(b.ranked, *other)
	}
}

func (b *builder) setter(d *dialect.Set) setter {
	return setter{target: vocab.Index(d.To), source: b.source(&d.Source)}
}

func (b *builder) coldStart(d *dialect.ColdStart) *coldStart {
	c := &coldStart{component: d.Component, from: -1, minMS: d.MinMS, reloadUnknown: d.Reload == dialect.Unknown}
	if d.ComponentFrom != "" {
		c.from = b.slot(d.ComponentFrom)
	}
	if d.Duration != nil {
		duration := b.source(d.Duration)
		c.duration = &duration
	}
	for _, key := range d.InstanceFrom {
		c.instance = append(c.instance, b.slot(key))
	}
	return c
}

func (b *builder) join(id uint16, d *dialect.Join) (this, that *meeting) {
	m := meeting{id: id, after: d.After, once: d.Once || len(d.Set) == 0, resource: -1, oneCold: d.OneColdStart}
	if d.SameResourceAttribute != "" {
		m.resource = b.resourceKey(d.SameResourceAttribute).slot
	}
	for i := range d.Set {
		set := b.setter(&d.Set[i])
		if set.from == fromGap {
			m.leave(&set.from1)
			m.leave(&set.to)
		}
		m.sets = append(m.sets, set)
	}
	here, there := m, m
	here.atParent = true
	there.other = true
	there.atParent = d.Relation == dialect.Sibling
	return &here, &there
}

// leave gives the moment a place among those of its side.
func (m *meeting) leave(one *moment) {
	side := pick(one.Other, 1, 0)
	for i, known := range m.moments[side] {
		if known.Moment == one.Moment {
			one.index = i
			return
		}
	}
	one.index = len(m.moments[side])
	m.moments[side] = append(m.moments[side], *one)
}

func (s *Set) finish(b *builder) {
	sort.SliceStable(b.ranked, func(i, j int) bool {
		x, y := &b.ranked[i], &b.ranked[j]
		if x.specific != y.specific {
			return x.specific > y.specific
		}
		return x.order < y.order
	})
	s.words = (len(b.kinds) + 63) / 64
	s.triggers = make([][]int32, len(b.kinds))
	for i := range b.ranked {
		r := b.ranked[i]
		r.rank = i
		r.need = s.mask(r.atoms...)
		if len(r.without) > 0 {
			r.forbid = s.mask(r.without...)
		}
		r.trigger = r.atoms[0]
		for _, a := range r.atoms {
			if b.kinds[a] > b.kinds[r.trigger] {
				r.trigger = a
			}
		}
		s.triggers[r.trigger] = append(s.triggers[r.trigger], int32(i))
		s.rules = append(s.rules, r.rule)
	}
	s.keys, s.resources, s.names, s.events = tables(b)
	s.keyInfo, s.resourceInfo, s.nameAtoms, s.eventInfo = b.keyInfo, b.resource, b.nameAtoms, b.eventInfo
	s.globs, s.scopes, s.slots, s.folded = b.globs, b.scopes, b.slots, b.folded
	s.globIndex, s.scopeIndex = index(b.globs), index(b.scopes)
	for _, keys := range [][]key{s.keyInfo, s.resourceInfo} {
		for i := range keys {
			keys[i].checks = newChecks(keys[i].conditions)
			keys[i].asked = !keys[i].checks.none()
		}
	}
	for kind, atoms := range b.kindAtoms {
		s.kinds[kind] = s.mask(atoms...)
	}
}

func index(named []namePattern) *dialect.Index {
	patterns := make([]dialect.Pattern, len(named))
	for i := range named {
		patterns[i] = named[i].Pattern
	}
	return dialect.NewIndex(patterns)
}

func (s *Set) mask(atoms ...atom) []uint64 {
	m := make([]uint64, s.words)
	for _, a := range atoms {
		m[a/64] |= 1 << (a % 64)
	}
	return m
}
