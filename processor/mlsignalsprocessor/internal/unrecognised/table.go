// Package unrecognised counts the most frequent names of spans that no dialect
// recognised, in memory of a fixed size, with the space-saving algorithm of
// Metwally, Agrawal and El Abbadi. Table.Add counts, Table.Frequent returns the
// result; both may be called concurrently.
package unrecognised

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// Span is the name of a span and where it comes from.
type Span struct {
	Service, Scope, Name string
	// ML: its resource has ml.pipeline.name, so the span is counted without a stage.
	ML bool
}

// Seen is a span with the number of spans that it represents.
type Seen struct {
	Span
	Times int64
}

const (
	size    = 100 // names that are counted
	shown   = 50  // of them at most
	longest = 120 // bytes of each text
	// rare: once the table is full, names with less than 1/rare of all unrecognised spans are not shown. Names with an ID
	// in them are always new and would add series to Prometheus at every scrape.
	rare = 200
)

// Table counts names. In a full table a new name replaces the rarest one and takes over its count, which is also its
// error. The zero Table is empty.
type Table struct {
	mutex  sync.Mutex
	counts map[Span]*count
	total  int64
	full   bool // a name has replaced another one
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

// Frequent returns the most frequent names, each with a lower bound of its count.
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

// valid replaces bytes that are not UTF-8, such as those of a character that was cut.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
