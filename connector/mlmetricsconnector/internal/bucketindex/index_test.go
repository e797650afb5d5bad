package bucketindex

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFindIsTheFirstBoundNotBelow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	sets := [][]float64{
		nil, {0}, {-1, 0, 1}, {1, 2, 4, 8, 16}, {0.5, 0.50001, 0.50002}, {1e-300, 1e300},
		{-1e9, -5, 1e-9, 3, 1e20}, {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1},
	}
	for range 50 {
		set := make([]float64, r.IntN(Max)+1)
		for i := range set {
			set[i] = math.Exp(r.NormFloat64()*8) * float64(r.IntN(3)-1)
		}
		sort.Float64s(set)
		sets = append(sets, slices.Compact(set))
	}
	for _, set := range sets {
		x := New(set)
		values := []float64{0, math.Copysign(0, -1), 1, -1, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64}
		for _, b := range set {
			values = append(values, b, math.Nextafter(b, math.Inf(1)), math.Nextafter(b, math.Inf(-1)))
		}
		for range 200 {
			values = append(values, math.Exp(r.NormFloat64()*10)*float64(r.IntN(3)-1))
		}
		for _, v := range values {
			require.Equal(t, sort.SearchFloat64s(set, v), x.Find(v), "%v in %v", v, set)
		}
	}
}
