package aggregate

// table is a hash table of pointers with open addressing. It leaves the
// comparison to its users, who compare the full value on each candidate:
//
//	for p, i := t.first(h); p != nil; p, i = t.next(h, i) {
//		if equal(p) { ... }
//	}
type table[T any] struct {
	entries []entry[T]
	n       int
}

type entry[T any] struct {
	hash uint64
	p    *T
}

// first returns the first value with the hash, nil where there is none, and its place.
func (t *table[T]) first(h uint64) (*T, uint64) {
	if t.n == 0 {
		return nil, 0
	}
	return t.from(h, h)
}

// next returns the value with the hash that follows place i.
func (t *table[T]) next(h, i uint64) (*T, uint64) { return t.from(h, i+1) }

func (t *table[T]) from(h, i uint64) (*T, uint64) {
	mask := uint64(len(t.entries) - 1)
	for i &= mask; ; i = (i + 1) & mask {
		e := &t.entries[i]
		if e.hash == h || e.p == nil {
			return e.p, i
		}
	}
}

func (t *table[T]) add(h uint64, p *T) {
	if 4*(t.n+1) > 3*len(t.entries) {
		old := t.entries
		t.entries = make([]entry[T], max(16, 2*len(old)))
		for _, e := range old {
			if e.p != nil {
				t.put(e)
			}
		}
	}
	t.put(entry[T]{h, p})
	t.n++
}

func (t *table[T]) put(e entry[T]) {
	mask := uint64(len(t.entries) - 1)
	i := e.hash & mask
	for t.entries[i].p != nil {
		i = (i + 1) & mask
	}
	t.entries[i] = e
}

// keep drops the values for which f is false, and the room that they took.
func (t *table[T]) keep(f func(*T) bool) {
	old := t.entries
	n := 0
	for i := range old {
		if old[i].p == nil {
			continue
		}
		if f(old[i].p) {
			n++
		} else {
			old[i].p = nil
		}
	}
	if n == t.n {
		return
	}
	size := 16
	for 4*(n+1) > 3*size {
		size *= 2
	}
	t.entries, t.n = make([]entry[T], size), n
	for _, e := range old {
		if e.p != nil {
			t.put(e)
		}
	}
}
