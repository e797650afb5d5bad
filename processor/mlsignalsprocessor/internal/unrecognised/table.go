// Package unrecognised counts the names of spans that no dialect recognised, the
// most frequent ones, in memory of a fixed size: the space-saving algorithm of
// Metwally, Agrawal and El Abbadi.
package unrecognised

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// Span says what a span is called and where it is from.
type Span struct {
	Service, Scope, Name string
	// ML: its resource carries ml.pipeline.name, so it is counted without a stage.
	ML bool
}

// Seen is a span and how many it stands for.
type Seen struct {
	Span
	Times int64
}

const (
	size    = 100 // names that are counted
	shown   = 50  // of them at most
	longest = 120 // bytes of each text
	// rare is the part of all unrecognised spans, one in so many, below which a name is not shown once there were more names
	// than are counted: those with an ID in them are each new, and would be new series in Prometheus at every scrape.
	rare = 200
)

// Table counts names. A name that is not among those counted takes the place of the rarest one and its count, which
// becomes the error of the new one. The zero Table is empty.
type Table struct {
	mutex  sync.Mutex
	counts map[Span]*count
	total  int64
	full   bool // a name has taken the place of another
}

type count struct{ times, mistaken int64 }

// Add counts spans. It does not keep their texts.
func (t *Table) Add(seen []Seen) {
	if len(seen) == 0 {
		return
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.counts == nil {
		t.counts = make(map[Span]*count, size)
	}
	for _, s := range seen {
		t.total += s.Times
		key := Span{cut(s.Service), cut(s.Scope), cut(s.Name), s.ML}
		c := t.counts[key]
		if c == nil {
			c = t.make(Span{strings.Clone(key.Service), strings.Clone(key.Scope), strings.Clone(key.Name), s.ML})
		}
		c.times += s.Times
	}
}

func (t *Table) make(key Span) *count {
	c := &count{}
	if len(t.counts) == size {
		var rarest Span
		least := int64(-1)
		for k, c := range t.counts {
			if least < 0 || c.times < least {
				rarest, least = k, c.times
			}
		}
		delete(t.counts, rarest)
		t.full = true
		c.times, c.mistaken = least, least
	}
	t.counts[key] = c
	return c
}

// Frequent returns the most frequent names and how often each was seen, at least.
func (t *Table) Frequent() []Seen {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	var all []Seen
	for key, c := range t.counts {
		if times := c.times - c.mistaken; !t.full || times*rare >= t.total {
			key.Service, key.Scope, key.Name = valid(key.Service), valid(key.Scope), valid(key.Name)
			all = append(all, Seen{key, times})
		}
	}
	slices.SortFunc(all, func(a, b Seen) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Scope, b.Scope))
	})
	return all[:min(len(all), shown)]
}

func cut(s string) string { return s[:min(len(s), longest)] }

// valid replaces what is not UTF-8, such as a character that was cut.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
