package keytable

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

func vocabularyKeys() []string {
	keys := make([]string, 0, len(vocab.Attributes))
	for _, a := range vocab.Attributes {
		keys = append(keys, a.Key)
	}
	return keys
}

func TestIndexFindsEveryKeyAndNoOther(t *testing.T) {
	many := make([]string, 5000)
	for i := range many {
		many[i] = fmt.Sprintf("some.key.%d.of.many", i)
	}
	for name, keys := range map[string][]string{
		"none":       {},
		"empty key":  {""},
		"one":        {"a"},
		"alike":      {"abcdefgh", "abcdefgi", "abcdefg", "bbcdefgh", "abcdefgh "},
		"vocabulary": vocabularyKeys(),
		"many":       many,
	} {
		t.Run(name, func(t *testing.T) {
			table := New(keys)
			for i, k := range keys {
				assert.Equal(t, i, table.Index(k), k)
				assert.Equal(t, -1, table.Index(k+"x"))
				assert.Equal(t, -1, table.Index("x"+k))
			}
			assert.Equal(t, -1, table.Index("not in there"))
		})
	}
}

func BenchmarkIndex(b *testing.B) {
	keys := vocabularyKeys()
	table := New(keys)
	found := 0
	for i := 0; b.Loop(); i++ {
		if table.Index(keys[i%len(keys)]) >= 0 {
			found++
		}
	}
	if found == 0 {
		b.Fatal("found nothing")
	}
}

// TestWalkerEqualsIndex walks lists in many orders: what followed the last time may not follow now.
func TestWalkerEqualsIndex(t *testing.T) {
	for _, keys := range [][]string{{""}, {"a"}, {"b", "", "a"}, vocabularyKeys()} {
		table := New(keys)
		walker := table.NewWalker()
		random := rand.New(rand.NewPCG(1, 2))
		for range 300 {
			previous := -1
			for range random.IntN(8) {
				key := [...]string{"", "a", "unknown", vocab.Stage, keys[random.IntN(len(keys))]}[random.IntN(5)]
				next := walker.After(previous)
				found := next.Key == key || walker.Find(key, next)
				assert.Equal(t, table.Index(key) >= 0, found, key)
				if found {
					assert.Equal(t, table.Index(key), next.Position, key)
					previous = next.Position
				}
			}
		}
	}
}
