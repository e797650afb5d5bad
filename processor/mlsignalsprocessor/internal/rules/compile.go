// Package rules finds the dialect rules that apply to a span in one pass over
// its attributes, and applies them.
//
// Compile is called once and returns a Compiled, which does not change. Each
// goroutine has a Scratch of its own, from NewScratch, and calls in this order:
//
//	Resource                   for each resource
//	  Scope                    for each scope of the resource
//	    Apply                  for each span of the scope: fills Scratch.Values and an Outcome
//	    Join                   if the Outcome has joins
//	    Scratch.Values.Write   after the signals have been derived
//	Scratch.Forget             at the end of the batch
//
// The contents of the Scratch and the Outcome are valid until the next Apply.
// They point into the batch, which the caller owns.
package rules

import (
	"sort"

	"github.com/otelcol-ml/otelcol-ml/internal/keytable"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/lookup"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/pattern"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// Compiled is a set of compiled rules. It may be used concurrently, by each
// goroutine with a Scratch of its own.
type Compiled struct {
	// Dialects has the names of the dialects, in the order given.
	Dialects []string
	// Vocabulary is the position of the dialect ml, which recognises spans by
	// the vocabulary's own attributes; None where it is not in use.
	Vocabulary int
	// describesLoads has the dialects whose rules mark the loads of components.
	describesLoads []bool
	component      func(name string) string
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
	globIndex    *pattern.Index
	scopes       []namePattern
	scopeIndex   *pattern.Index
	kinds        [kinds][]uint64
	slots        int
}

// kinds of spans that there are, UNSPECIFIED to CONSUMER.
const kinds = 6

// rule is a compiled dialect.Rule. A rule with a join is compiled into two: one
// for the span that it matches, one for the other span of the join.
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
	signals   values.Set
	cold      *coldStart
	waitOnly  bool
	attempts  uint8
	leave     bool
	join      *joinSide
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
	instance  []int // slots of the attributes; the first that the span has counts

	reloadUnknown bool
}

// joinSide is a join as one of its two spans sees it.
type joinSide struct {
	id    uint16
	other bool // the span is the other span of the join
	// atParent: the key of the join is the span's parent; otherwise it is the span itself.
	atParent   bool
	after      bool
	once       bool           // always true without sets: one wait belongs to one forward pass
	resource   int            // slot of the resource attribute that both have in common, -1 where they have the parent in common
	oneCold    bool           // both spans show the same cold start
	timePoints [2][]timePoint // what is buffered of each side: 0 this span, 1 the other span
	sets       []setter
}

// Options are the arguments of Compile beside the dialects.
type Options struct {
	// Custom is the number of dialects at the end of the list that are the
	// user's own. Of two rules that are equally specific, theirs comes first.
	Custom int
	// Component returns the component that a span of some name loads, "" for none. It may be nil.
	Component func(name string) string
	// Without has the attributes that no rule is to set.
	Without values.Set
}

// Compile compiles dialects that have been validated.
func Compile(dialects []*dialect.Dialect, o Options) *Compiled {
	b := newBuilder(o.Without)
	s := &Compiled{Vocabulary: None, component: o.Component}
	custom := o.Custom
	for di, d := range dialects {
		if d.Name == vocabularyDialect {
			s.Vocabulary = di
		}
		s.Dialects = append(s.Dialects, d.Name)
		s.describesLoads = append(s.describesLoads, d.Name != vocabularyDialect && di < len(dialects)-custom)
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

// DescribesLoads reports whether the rules of a dialect mark the loads of
// components, so that names such as load_features are not taken for loads. This
// holds for every built-in dialect but ml. Users of ml and of custom dialects
// choose the names of their spans themselves.
func (s *Compiled) DescribesLoads(d int) bool { return d != None && s.describesLoads[d] }

// ranked is a rule before sorting: the most specific first, then the user's own, then in the order of the files.
type ranked struct {
	rule
	specific, order int
	atoms, without  []atom
}

func (s *Compiled) add(b *builder, di, order int, d *dialect.Rule) {
	r := ranked{rule: rule{dialect: di, name: d.Name, stage: d.Stage, waitOnly: d.WaitOnly, lookup: lookups[d.Lookup], call: d.Call, attempts: attempts[d.Attempts], leave: d.LeaveAlone}, order: order}
	r.atoms, r.specific = b.match(&d.Match)
	r.without = b.without(&d.Match)
	if d.StageFrom != nil {
		r.stageFrom = newStageFrom(b, d.StageFrom)
	}
	r.sets = b.setters(d.Set)
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
		r.join = this
		other = &ranked{rule: rule{dialect: di, name: d.Name + " (other span)", join: that}, order: order}
		other.atoms, other.specific = b.match(&d.Join.Match)
		other.without = b.without(&d.Join.Match)
	}
	b.ranked = append(b.ranked, r)
	if other != nil {
		b.ranked = append(b.ranked, *other)
	}
}

// setters compiles what a rule or a join sets, but for the attributes that are not to be set.
func (b *builder) setters(all []dialect.Assignment) (setters []setter) {
	for i := range all {
		if target := vocab.Index(all[i].To); !b.excluded.Has(target) {
			setters = append(setters, setter{target: target, source: b.source(&all[i].Source)})
		}
	}
	return setters
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

func (b *builder) join(id uint16, d *dialect.Join) (this, that *joinSide) {
	m := joinSide{id: id, after: d.After, once: d.Once || len(d.Set) == 0, resource: -1, oneCold: d.OneColdStart}
	if d.SameResourceAttribute != "" {
		m.resource = b.resourceKey(d.SameResourceAttribute).slot
	}
	m.sets = b.setters(d.Set)
	for i := range m.sets {
		if set := &m.sets[i]; set.from == fromGap {
			m.buffer(&set.from1)
			m.buffer(&set.to)
		}
	}
	here, there := m, m
	here.atParent = true
	there.other = true
	there.atParent = d.Relation == dialect.Sibling
	return &here, &there
}

// buffer gives a point in time an index among those that are buffered of its side.
func (m *joinSide) buffer(one *timePoint) {
	side := pick(one.Other, 1, 0)
	for i, known := range m.timePoints[side] {
		if known.TimePoint == one.TimePoint {
			one.index = i
			return
		}
	}
	one.index = len(m.timePoints[side])
	m.timePoints[side] = append(m.timePoints[side], *one)
}

func (s *Compiled) finish(b *builder) {
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

func index(named []namePattern) *pattern.Index {
	patterns := make([]pattern.Pattern, len(named))
	for i := range named {
		patterns[i] = named[i].Pattern
	}
	return pattern.NewIndex(patterns)
}

func (s *Compiled) mask(atoms ...atom) []uint64 {
	m := make([]uint64, s.words)
	for _, a := range atoms {
		m[a/64] |= 1 << (a % 64)
	}
	return m
}
