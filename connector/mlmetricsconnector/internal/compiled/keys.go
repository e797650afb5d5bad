package compiled

import (
	"slices"

	"github.com/otelcol-ml/otelcol-ml/internal/keytable"
)

// KeyTable gives each attribute key that any metric reads a slot: 0, 1, 2, ...
type KeyTable struct {
	// Table finds the slots of keys, and returns -1 where there is none. It is nil before seal.
	*keytable.Table
	keys []string
}

// Len is the number of keys.
func (t *KeyTable) Len() int { return len(t.keys) }

// add returns the slot of a key, a new one where it had none.
func (t *KeyTable) add(key string) int {
	if slot := slices.Index(t.keys, key); slot >= 0 {
		return slot
	}
	t.keys = append(t.keys, key)
	return len(t.keys) - 1
}

func (t *KeyTable) seal() { t.Table = keytable.New(t.keys) }
