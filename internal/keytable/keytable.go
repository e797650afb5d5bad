// Package keytable looks up known strings within a few nanoseconds. It is used for the attribute keys and names of
// every span.
//
// A Table may be used concurrently. A Walker, made for a Table, belongs to one goroutine at a time.
package keytable

import "slices"

// Table maps known keys to their position in the list that it was built from. It does not change after New, so any
// number of goroutines may use it.
type Table struct {
	keys  []string
	slots []slot
	mask  uint32
	seed  uint32
}

type slot struct {
	key   string
	index int32
}

const maxSeeds = 256

// New builds a table of distinct keys. It searches for a hash seed with which every key has a slot of its own. If
// there is none, it uses the best seed, and colliding keys use the next free slot.
func New(keys []string) *Table {
	size := uint32(8)
	for size < uint32(4*len(keys)) {
		size *= 2
	}
	best, fewest := uint32(0), len(keys)+1
	taken := make([]bool, size)
	for seed := uint32(0); seed < maxSeeds && fewest > 0; seed++ {
		clear(taken)
		collisions := 0
		for _, k := range keys {
			if h := hash(k, seed) & (size - 1); taken[h] {
				collisions++
			} else {
				taken[h] = true
			}
		}
		if collisions < fewest {
			best, fewest = seed, collisions
		}
	}
	t := &Table{keys: keys, slots: make([]slot, size), mask: size - 1, seed: best}
	for i := range t.slots {
		t.slots[i].index = -1
	}
	for i, k := range keys {
		h := hash(k, best) & t.mask
		for t.slots[h].index >= 0 {
			h = (h + 1) & t.mask
		}
		t.slots[h] = slot{key: k, index: int32(i)}
	}
	return t
}

// Index returns the position of the key in the list, or -1.
func (t *Table) Index(key string) int {
	h := hash(key, t.seed) & t.mask
	for {
		s := &t.slots[h]
		if s.index < 0 {
			return -1
		}
		if s.key == key {
			return int(s.index)
		}
		h = (h + 1) & t.mask
	}
}

// Walker looks up the keys of lists. Lists of one kind have their keys in the same order, so a key is first compared
// with the one that followed the last time:
//
//	next := walker.After(previous) // -1 at first
//	if next.Key != key && !walker.Find(key, next) {
//		continue
//	}
//	previous = next.Position
//
// A Walker belongs to one goroutine at a time.
type Walker struct {
	table *Table
	after []Next
}

// Next is the known key that followed another one the last time.
type Next struct {
	Key      string
	Position int
}

// NewWalker returns a walker of a table that has keys.
func (t *Table) NewWalker() Walker {
	return Walker{t, slices.Repeat([]Next{{t.keys[0], 0}}, len(t.keys)+1)}
}

// After returns the key that followed the one at a position.
func (w *Walker) After(position int) *Next { return &w.after[position+1] }

// Find makes a key the next one. It reports false where the table does not have it.
func (w *Walker) Find(key string, next *Next) bool {
	i := w.table.Index(key)
	if i >= 0 {
		*next = Next{w.table.keys[i], i}
	}
	return i >= 0
}

// hash hashes the length and up to 16 bytes: the last eight, and eight in the middle, because keys share long
// prefixes.
func hash(s string, seed uint32) uint32 {
	n := len(s)
	var end, middle uint64
	if n >= 8 {
		end, middle = load8(s, n-8), load8(s, (n-8)/2)
	} else {
		for i := range n {
			end = end<<8 | uint64(s[i])
		}
	}
	h := (end ^ uint64(n)<<56 ^ uint64(seed)) * 0x9e3779b97f4a7c15
	h = (h ^ h>>29 ^ middle) * 0xbf58476d1ce4e5b9
	return uint32(h >> 32)
}

// load8 compiles to one load instruction.
func load8(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}
