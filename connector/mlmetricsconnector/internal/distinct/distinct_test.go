package distinct

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEstimate(t *testing.T) {
	for _, n := range []int{0, 1, 2, 10, 100, 1000, 2560, 10_000, 1_000_000} {
		r := rand.New(rand.NewPCG(uint64(n), 7))
		var s Sketch
		for range n {
			h := r.Uint64()
			s.Add(h)
			s.Add(h) // the same value again changes nothing
		}
		require.InDelta(t, n, s.Estimate(), 0.5+0.1*float64(n), "three standard errors of %d values", n)
	}
}
