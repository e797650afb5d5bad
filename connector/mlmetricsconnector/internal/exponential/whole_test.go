package exponential

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFollow hands out random fractions whole: the total is the rounded one at every step, no bucket has less than
// before or anything without having counted something, and none is far off.
func TestFollow(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		h := New(MinSize)
		var given *Histogram
		for range 200 {
			before := given
			if before == nil {
				given = h.Clone()
			} else {
				before = given.Clone()
			}
			for range r.IntN(5) {
				v := math.Exp(r.NormFloat64() * float64(1+r.IntN(4)))
				switch r.IntN(8) {
				case 0:
					v = 0
				case 1:
					v = -v
				}
				h.Add(v, 1+float64(r.IntN(8))/8)
			}
			given.Follow(h)
			require.Equal(t, math.Floor(h.Total()+0.5), given.Total())
			require.Equal(t, h.Scale, given.Scale)
			if before != nil {
				before.coarsen(before.Scale - h.Scale)
				require.GreaterOrEqual(t, given.Zero, before.Zero)
			}
			for _, side := range []struct{ counts, given, before *Buckets }{
				{&h.Positive, &given.Positive, side(before, false)}, {&h.Negative, &given.Negative, side(before, true)},
			} {
				for i, n := range side.given.Counts {
					at := side.given.Offset + i
					require.Equal(t, math.Floor(n), n)
					require.GreaterOrEqual(t, n, side.before.at(at))
					require.InDelta(t, side.counts.at(at), n, 1.99)
					require.True(t, n == 0 || side.counts.at(at) > 0)
				}
			}
		}
	}
}

func side(h *Histogram, negative bool) *Buckets {
	switch {
	case h == nil:
		return &Buckets{}
	case negative:
		return &h.Negative
	default:
		return &h.Positive
	}
}

// TestTake begins anew with what is left.
func TestTake(t *testing.T) {
	h, given := New(160), New(160)
	h.Add(0, 1.25)
	h.Add(8, 2)
	h.Add(-3, 1.5)
	given.Follow(h)
	require.Equal(t, 5.0, given.Total())
	require.True(t, h.Take(given))
	require.Equal(t, -0.25, h.Total())
	require.Greater(t, h.Min, h.Max, "there was no value since")
	given.Reset()
	h.Add(-3, 0.5)
	h.Add(0, 0.75)
	require.Equal(t, -3.0, h.Min)
	require.Equal(t, 0.0, h.Max)
	given.Follow(h)
	require.Equal(t, 1.0, given.Total())
	require.False(t, h.Take(given), "nothing is left")
}
