package aggregate

import (
	"fmt"
	"math/bits"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSameText(t *testing.T) {
	for n := range 80 {
		text := strings.Repeat("abcdefghijklm", 10)[:n]
		require.True(t, sameText(text, strings.Clone(text)))
		require.False(t, sameText(text, text+"x"))
		for i := range n {
			other := []byte(text)
			other[i] ^= 1
			require.False(t, sameText(text, string(other)), "byte %d of %d", i, n)
		}
	}
}

func TestHashStringDependsOnEveryByteAndTheSeed(t *testing.T) {
	seen := map[uint64]string{}
	note := func(h uint64, what string) {
		require.NotContains(t, seen, h, "%s and %s", what, seen[h])
		seen[h] = what
	}
	for n := range 60 {
		text := strings.Repeat("\x00", n)
		note(hashString(sketchSeed, text), fmt.Sprint(n))
		note(hashString(1, text), fmt.Sprint(n, " seed 1"))
		for i := range n {
			if n < 4 && i != 0 && i != n/2 && i != n-1 {
				continue
			}
			other := []byte(text)
			other[i] = 7
			note(hashString(sketchSeed, string(other)), fmt.Sprint(i, " of ", n))
		}
	}
	// The bits are even enough for tables, which take the lowest, and sketches, which take the highest.
	var ones [64]int
	const values = 4096
	for i := range values {
		h := hashString(sketchSeed, fmt.Sprint("request-", i))
		for ; h != 0; h &= h - 1 {
			ones[bits.TrailingZeros64(h)]++
		}
	}
	for i, n := range ones {
		require.InDelta(t, values/2, n, values/16, "bit %d", i)
	}
}
