package whole

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHandOut(t *testing.T) {
	for _, test := range []struct {
		name                 string
		counts, given, after []float64
	}{
		{"nothing", nil, nil, nil},
		{"whole numbers", []float64{3, 0, 2}, []float64{0, 0, 0}, []float64{3, 0, 2}},
		{"halves", []float64{1.5, 1.5, 1.5}, []float64{0, 0, 0}, []float64{2, 2, 1}},
		{"the one that is owed most", []float64{1.25, 0.5, 2.375}, []float64{0, 0, 0}, []float64{1, 1, 2}},
		{"not enough for a whole one", []float64{0.25, 0, 0}, []float64{0, 0, 0}, []float64{0, 0, 0}},
		{"never less than before", []float64{1.5, 1.5, 0}, []float64{2, 1, 0}, []float64{2, 1, 0}},
		{"what the others were given too much", []float64{1.5, 3, 0}, []float64{2, 1, 0}, []float64{2, 3, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			HandOut(test.counts, test.given)
			require.Equal(t, test.after, test.given)
		})
	}
}

// TestHandOutOverTime has random counts grow.
func TestHandOutOverTime(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		counts, given := make([]float64, 1+r.IntN(40)), make([]float64, 40)
		given = given[:len(counts)]
		for range 300 {
			for range r.IntN(6) {
				// Eighths add up without an error.
				counts[int(float64(len(counts))*r.Float64()*r.Float64())] += 1 + float64(r.IntN(64))/8
			}
			before := slices.Clone(given)
			HandOut(counts, given)
			total, out := 0.0, 0.0
			for i := range counts {
				total, out = total+counts[i], out+given[i]
				require.Equal(t, math.Floor(given[i]), given[i])
				require.GreaterOrEqual(t, given[i], before[i])
				require.Less(t, math.Abs(given[i]-counts[i]), 2.0)
				require.True(t, given[i] == 0 || counts[i] > 0)
			}
			require.Equal(t, Round(total), out)
		}
	}
}
