package rules

import (
	"fmt"
	"slices"
	"sort"

	"github.com/otelcol-ml/otelcol-ml/internal/keytable"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/pattern"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// An atom is the number of a condition. Equal conditions of several rules share
// one atom. Each atom has a bit; a rule applies to a span that has all bits of
// the rule.
type atom = uint16

// namePattern sets an atom for span names or scopes that match a pattern.
type namePattern struct {
	pattern.Pattern
	atom atom
}

// keyCondition sets an atom for attributes whose value meets a condition.
type keyCondition struct {
	dialect.Condition
	atom atom
}

// key is what the rules read from an attribute.
type key struct {
	// canonical is the position in vocab.Attributes, -1 for a key outside the vocabulary.
	canonical int
	// slot is where the value is kept, for sources that read it and to detect a second value under the key; -1 if neither
	// sources nor conditions need it.
	slot       int
	conditions []keyCondition
	// checks are the compiled conditions; asked reports whether there are any.
	checks checks
	asked  bool
}

// event is what the rules read from span events of one name.
type event struct {
	atoms      []atom
	conditions []eventConditions
}

// eventConditions set an atom for an event whose attributes meet all of them.
type eventConditions struct {
	keys       []string
	conditions []dialect.Condition
	atom       atom
}

// builder collects keys, conditions and patterns of all rules, without duplicates.
type builder struct {
	excluded values.Set // attributes that no rule sets

	known map[string]atom // by what the condition says
	kinds []uint8         // of each atom: how it is found

	keys      []string
	keyInfo   []key
	slots     int
	resources []string
	resource  []key
	names     []string
	nameAtoms [][]atom
	folded    map[string][]atom // by the name as pattern.Fold has it
	globs     []namePattern
	scopes    []namePattern
	events    []string
	eventInfo []event
	kindAtoms [kinds][]atom
	ranked    []ranked
}

// The kinds of conditions. A rule is triggered by its condition of the highest
// kind: those on the span are the most selective, and cost nothing if they do
// not hold.
const (
	ofKind = iota
	ofResource
	ofScope
	ofEvent
	ofAttribute
	ofName
)

func newBuilder(excluded values.Set) *builder {
	b := &builder{excluded: excluded, known: map[string]atom{}, folded: map[string][]atom{}}
	for _, a := range vocab.Attributes {
		b.key(a.Key)
	}
	return b
}

// atom returns the atom of a condition, and whether it is new.
func (b *builder) atom(found uint8, says ...any) (atom, bool) {
	id := fmt.Sprintf("%d %#v", found, says) // in Go's syntax [a b] and [a, b] differ
	if a, ok := b.known[id]; ok {
		return a, false
	}
	a := atom(len(b.kinds))
	b.known[id] = a
	b.kinds = append(b.kinds, found)
	return a, true
}

func (b *builder) key(name string) *key {
	i := slices.Index(b.keys, name)
	if i < 0 {
		i = len(b.keys)
		b.keys = append(b.keys, name)
		b.keyInfo = append(b.keyInfo, key{canonical: vocab.Index(name), slot: -1})
	}
	return &b.keyInfo[i]
}

// slot returns the slot of a span attribute, and adds one if it has none.
func (b *builder) slot(name string) int {
	k := b.key(name)
	if k.slot < 0 {
		k.slot = b.slots
		b.slots++
	}
	return k.slot
}

func (b *builder) condition(name string, c keyCondition) {
	b.slot(name)
	k := b.key(name)
	k.conditions = append(k.conditions, c)
}

func (b *builder) resourceKey(name string) *key {
	i := slices.Index(b.resources, name)
	if i < 0 {
		i = len(b.resources)
		b.resources = append(b.resources, name)
		b.resource = append(b.resource, key{canonical: -1, slot: i})
	}
	return &b.resource[i]
}

func (b *builder) event(name string) int {
	i := slices.Index(b.events, name)
	if i < 0 {
		i = len(b.events)
		b.events = append(b.events, name)
		b.eventInfo = append(b.eventInfo, event{})
	}
	return i
}

// match compiles conditions to atoms and returns their specificity, the sum of their weights.
func (b *builder) match(m *dialect.Match) (atoms []atom, specific int) {
	add := func(a atom, weight int) {
		atoms = append(atoms, a)
		specific += weight
	}
	if len(m.SpanNames) > 0 {
		a, fresh := b.atom(ofName, m.SpanNames)
		exact := true
		for _, text := range m.SpanNames {
			p, _ := pattern.Parse(text)
			exact = exact && p.Exact()
			if fresh {
				b.name(p, a)
			}
		}
		add(a, pick(exact, 8, 4))
	}
	if len(m.AnySpelling) > 0 {
		a, fresh := b.atom(ofName, "any spelling", m.AnySpelling)
		for _, name := range m.AnySpelling {
			if key, ok := pattern.Fold(nil, name); ok && fresh {
				b.folded[string(key)] = append(b.folded[string(key)], a)
			}
		}
		add(a, 7)
	}
	if len(m.Scopes) > 0 {
		a, fresh := b.atom(ofScope, m.Scopes)
		exact := true
		for _, text := range m.Scopes {
			p, _ := pattern.Parse(text)
			exact = exact && p.Exact()
			if fresh {
				b.scopes = append(b.scopes, namePattern{p, a})
			}
		}
		add(a, pick(exact, 6, 3))
	}
	for _, name := range sortedKeys(m.Attributes) {
		c, _ := dialect.ParseCondition(m.Attributes[name])
		a, fresh := b.atom(ofAttribute, name, m.Attributes[name])
		if fresh {
			b.condition(name, keyCondition{c, a})
		}
		add(a, pick(c.Any, 3, 5))
	}
	for _, name := range sortedKeys(m.AttributePatterns) {
		a, fresh := b.atom(ofAttribute, "pattern ", name, m.AttributePatterns[name])
		if fresh {
			c := dialect.Condition{}
			for _, text := range m.AttributePatterns[name] {
				p, _ := pattern.Parse(text)
				c.Patterns = append(c.Patterns, p)
			}
			k := b.key(name)
			k.conditions = append(k.conditions, keyCondition{c, a})
		}
		add(a, 4)
	}
	for _, alternatives := range []map[string]any{anyValue(m.AnyAttribute), m.AnyOf} {
		if len(alternatives) == 0 {
			continue
		}
		a, fresh := b.atom(ofAttribute, "any of ", alternatives)
		loose := false
		for _, name := range sortedKeys(alternatives) {
			c, _ := dialect.ParseCondition(alternatives[name])
			loose = loose || c.Any
			if fresh {
				b.condition(name, keyCondition{c, a})
			}
		}
		add(a, pick(loose, 2, 4))
	}
	for _, name := range sortedKeys(m.ResourceAttributes) {
		c, _ := dialect.ParseCondition(m.ResourceAttributes[name])
		a, fresh := b.atom(ofResource, name, m.ResourceAttributes[name])
		if fresh {
			k := b.resourceKey(name)
			k.conditions = append(k.conditions, keyCondition{c, a})
		}
		add(a, pick(c.Any, 2, 3))
	}
	if len(m.Events) > 0 {
		a, fresh := b.atom(ofEvent, m.Events, m.EventAttributes)
		with := eventConditions{atom: a}
		weight := 3
		for _, key := range sortedKeys(m.EventAttributes) {
			c, _ := dialect.ParseCondition(m.EventAttributes[key])
			with.keys, with.conditions = append(with.keys, key), append(with.conditions, c)
			weight += pick(c.Any, 3, 5)
		}
		for _, name := range m.Events {
			i := b.event(name)
			switch e := &b.eventInfo[i]; {
			case !fresh:
			case len(with.keys) > 0:
				e.conditions = append(e.conditions, with)
			default:
				e.atoms = append(e.atoms, a)
			}
		}
		add(a, weight)
	}
	if len(m.Kinds) > 0 {
		a, fresh := b.atom(ofKind, m.Kinds)
		for _, kind := range m.Kinds {
			if i := slices.Index(dialect.Kinds, kind); fresh && i >= 0 {
				b.kindAtoms[i] = append(b.kindAtoms[i], a)
			}
		}
		add(a, 1)
	}
	return atoms, specific
}

// without returns an atom for each key that the span must not have.
func (b *builder) without(m *dialect.Match) (atoms []atom) {
	for _, name := range m.Without {
		a, fresh := b.atom(ofAttribute, name, "*")
		if fresh {
			b.condition(name, keyCondition{dialect.Condition{Any: true}, a})
		}
		atoms = append(atoms, a)
	}
	return atoms
}

func (b *builder) name(p pattern.Pattern, a atom) {
	if !p.Exact() {
		b.globs = append(b.globs, namePattern{p, a})
		return
	}
	i := slices.Index(b.names, p.Text)
	if i < 0 {
		i = len(b.names)
		b.names = append(b.names, p.Text)
		b.nameAtoms = append(b.nameAtoms, nil)
	}
	b.nameAtoms[i] = append(b.nameAtoms[i], a)
}

func tables(b *builder) (keys, resources, names, events *keytable.Table) {
	return keytable.New(b.keys), keytable.New(b.resources), keytable.New(b.names), keytable.New(b.events)
}

// anyValue returns a condition for each key that accepts any value.
func anyValue(keys []string) map[string]any {
	conditions := map[string]any{}
	for _, key := range keys {
		conditions[key] = "*"
	}
	return conditions
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func pick(condition bool, yes, no int) int {
	if condition {
		return yes
	}
	return no
}
