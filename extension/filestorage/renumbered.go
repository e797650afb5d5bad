package filestorage

import (
	"slices"
	"strconv"
)

// renumbered are the items that an earlier process had read and not sent. The exporter's queue would delete them and store
// them again at its end, and they would be lost where nothing can be stored. So they are shown to it as not yet read, at
// the indices just before the first one that is not, and stay where they are stored.
type renumbered struct {
	// end is the first index that was not read.
	end uint64
	// stored are the items' keys as indices, in order. The last one is shown as end-1.
	stored []uint64
}

// renumber returns what the queue is shown instead of its indices.
func renumber(m indices) (renumbered, indices) {
	r := renumbered{end: m.read, stored: slices.Clone(m.dispatched)}
	slices.Sort(r.stored)
	r.stored = slices.Compact(r.stored)
	if len(r.stored) == 0 || r.stored[len(r.stored)-1] >= m.read { // which the queue never writes
		return renumbered{}, m
	}
	m.read, m.dispatched = r.first(), nil
	return r, m
}

func (r renumbered) first() uint64 { return r.end - uint64(len(r.stored)) }

// index returns the index by which an item is stored.
func (r renumbered) index(shown uint64) uint64 {
	if shown < r.first() || shown >= r.end {
		return shown
	}
	return r.stored[shown-r.first()]
}

func (r renumbered) key(shown string) string {
	index, err := strconv.ParseUint(shown, 10, 64)
	if err != nil {
		return shown
	}
	return strconv.FormatUint(r.index(index), 10)
}

// stores returns what is stored for the queue's encoded indices: what a queue without renumbering understands.
func (r renumbered) stores(indices []byte) []byte {
	if len(r.stored) == 0 {
		return indices
	}
	m, err := decode(indices)
	if err != nil { // not of the queue, as it was decoded before
		return indices
	}
	for i, index := range m.dispatched {
		m.dispatched[i] = r.index(index)
	}
	if m.read >= r.first() && m.read < r.end {
		m.dispatched = append(m.dispatched, r.stored[m.read-r.first():]...)
		m.read = r.end
	}
	return m.encode()
}
