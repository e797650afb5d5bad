package keytable

import (
	"fmt"
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
