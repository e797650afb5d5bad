package compiled

import (
	"slices"

	"github.com/otelcol-ml/otelcol-ml/internal/keytable"
)

// KeyTable gives each attribute key that any metric reads a slot: 0, 1, 2, ...
type KeyTable struct {
	keys  []string
	table *keytable.Table
}

// Len is the number of keys.
func (t *KeyTable) Len() int { return len(t.keys) }

// Key returns the key of a slot.
func (t *KeyTable) Key(slot int) string { return t.keys[slot] }

// Find returns the slot of a key, -1 where the table does not have it.
func (t *KeyTable) Find(key string) int { return t.table.Index(key) }

// Walker returns a walker of the keys; it finds slots as Find does.
func (t *KeyTable) Walker() keytable.Walker { return t.table.NewWalker() }

// add returns the slot of a key, a new one where it had none. Find does not know it before seal.
func (t *KeyTable) add(key string) int {
	if slot := slices.Index(t.keys, key); slot >= 0 {
		return slot
	}
	t.keys = append(t.keys, key)
	return len(t.keys) - 1
}

func (t *KeyTable) seal() { t.table = keytable.New(t.keys) }
