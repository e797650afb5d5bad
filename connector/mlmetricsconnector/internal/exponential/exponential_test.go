package exponential

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIndexHoldsTheValueBetweenItsBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for scale := MinScale; scale <= MaxScale; scale++ {
		values := []float64{math.SmallestNonzeroFloat64, math.MaxFloat64, 1, math.Nextafter(1, 2), math.Nextafter(1, 0), math.Nextafter(4, 0)}
		for range 1000 {
			values = append(values, math.Exp(r.NormFloat64()*20))
		}
		for _, v := range values {
			i := index(v, scale)
			// In log2: i < log2(v) * 2^scale <= i+1, up to the rounding of the logarithm.
			x := math.Log2(v) * math.Ldexp(1, scale)
			slack := 1e-9 * math.Max(1, math.Abs(x))
			require.Greater(t, x+slack, float64(i), "%v at scale %d", v, scale)
			require.LessOrEqual(t, x-slack, float64(i+1), "%v at scale %d", v, scale)
		}
		for e := -1000; e <= 1000; e += 7 {
			v := math.Ldexp(1, e)
			upper := math.Ldexp(float64(index(v, scale)+1), -scale)
			if scale >= 0 {
				require.Equal(t, float64(e), upper, "a power of two is an upper bound: 2^%d at scale %d", e, scale)
			} else {
				require.GreaterOrEqual(t, upper, float64(e))
			}
			require.Greater(t, index(math.Nextafter(v, math.Inf(1)), max(scale, 0)), index(v, max(scale, 0)))
		}
	}
}

// naive counts every value again at the scale that the histogram came to.
func naive(values, weights []float64, scale int) (positive, negative map[int]float64, zero float64) {
	positive, negative = map[int]float64{}, map[int]float64{}
	for i, v := range values {
		switch {
		case v == 0:
			zero += weights[i]
		case v > 0:
			positive[index(v, MaxScale)>>(MaxScale-scale)] += weights[i]
		default:
			negative[index(-v, MaxScale)>>(MaxScale-scale)] += weights[i]
		}
	}
	return positive, negative, zero
}

func requireBuckets(t *testing.T, expected map[int]float64, b Buckets, maxSize int) {
	t.Helper()
	require.LessOrEqual(t, len(b.Counts), maxSize)
	actual := map[int]float64{}
	for i, n := range b.Counts {
		if n != 0 {
			actual[b.Offset+i] = n
		}
	}
	require.Equal(t, expected, actual)
}

// span is how many buckets lie between the outermost ones.
func span(counts map[int]float64) int {
	if len(counts) == 0 {
		return 0
	}
	indexes := slices.Sorted(maps.Keys(counts))
	return indexes[len(indexes)-1] - indexes[0] + 1
}

func TestAddAndMergeCountEveryValueOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 200 {
		maxSize := MinSize + r.IntN(100)
		spread := r.Float64() * 60
		parts := []*Histogram{New(maxSize), New(maxSize), New(maxSize)}
		whole := New(maxSize)
		var values, weights []float64
		for range 300 {
			v, w := math.Exp(r.NormFloat64()*spread), float64(1+r.IntN(3))
			v = min(v, math.MaxFloat64)
			if round%2 == 0 {
				v *= float64(r.IntN(3) - 1)
			}
			values, weights = append(values, v), append(weights, w)
			parts[r.IntN(len(parts))].Add(v, w)
			whole.Add(v, w)
		}
		merged := New(maxSize)
		for _, p := range parts {
			merged.Merge(p)
		}
		require.Equal(t, whole.Scale, merged.Scale, "the order does not matter")
		for _, h := range []*Histogram{whole, merged} {
			positive, negative, zero := naive(values, weights, h.Scale)
			require.Equal(t, zero, h.Zero)
			requireBuckets(t, positive, h.Positive, maxSize)
			requireBuckets(t, negative, h.Negative, maxSize)
			require.GreaterOrEqual(t, h.Scale, MinScale)
			if h.Scale < MaxScale {
				positive, negative, _ = naive(values, weights, h.Scale+1)
				require.True(t, span(positive) > maxSize || span(negative) > maxSize, "scale %d is coarser than it has to be", h.Scale)
			}
		}
	}
}

func TestResetKeepsNoCount(t *testing.T) {
	h := New(160)
	for _, v := range []float64{-1e9, 1e-9, 0, 5, 1e12} {
		h.Add(v, 1)
	}
	require.Less(t, h.Scale, MaxScale)
	h.Reset()
	h.Add(1000, 2)
	require.Equal(t, MaxScale, h.Scale)
	require.Equal(t, []float64{2}, h.Positive.Counts)
	require.Empty(t, h.Negative.Counts)
	require.Zero(t, h.Zero)
	require.Equal(t, 1000.0, h.Min)
	require.Equal(t, 1000.0, h.Max)
}

func TestScaleIsTheFinestThatFits(t *testing.T) {
	for maxSize, scale := range map[int]int{17<<3 + 1: 3, 17 << 3: 2} { // at scale 3, 1 and 2^17 are 17<<3 buckets apart
		for _, values := range [][]float64{{1, 1 << 17}, {1 << 17, 1}, {-1, -1 << 17}} {
			h := New(maxSize)
			for _, v := range values {
				h.Add(v, 1)
			}
			require.Equal(t, scale, h.Scale, "%v in %d buckets", values, maxSize)
		}
	}
}
