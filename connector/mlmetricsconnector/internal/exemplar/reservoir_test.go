package exemplar

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReservoirKeepsTheBest offers random exemplars and compares with the best of each bucket.
func TestReservoirKeepsTheBest(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		var one, left, right Reservoir
		best := map[int]float64{} // score by bucket
		for i := range 60 {
			e := Exemplar{Bucket: r.IntN(PerSeries), Score: float64(r.IntN(20))}
			one.Offer(&e)
			[]*Reservoir{&left, &right}[i%2].Offer(&e)
			if b, ok := best[e.Bucket]; !ok || e.Score > b {
				best[e.Bucket] = e.Score
			}
		}
		left.Merge(&right)
		for _, r := range []*Reservoir{&one, &left} {
			require.Equal(t, len(best), r.n)
			for i := range r.n {
				require.Equal(t, best[r.kept[i].Bucket], r.kept[i].Score)
			}
		}
	}
}

func TestReservoirIsBounded(t *testing.T) {
	var r Reservoir
	for bucket := range 3 * PerSeries {
		r.Offer(&Exemplar{Bucket: bucket, Score: float64(bucket)})
	}
	require.Equal(t, PerSeries, r.n)
	for i := range r.n {
		require.GreaterOrEqual(t, r.kept[i].Bucket, 2*PerSeries, "the slowest are left")
	}
	r.Reset()
	require.Zero(t, r.n)
}
