package exemplar

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// TestHashIsThatOfTheProbabilisticPolicy compares with FNV-1a over the salt and the ID, as the processor computes it.
func TestHashIsThatOfTheProbabilisticPolicy(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, seed := range []string{"", "default-hash-seed", "another"} {
		for _, percentage := range []float64{0, 0.1, 3, 50, 99.9, 100} {
			h := NewHash(&Rules{HashSeed: seed, Percentage: percentage})
			salt := seed
			if salt == "" {
				salt = "default-hash-seed"
			}
			kept := 0
			const traces = 20_000
			for range traces {
				var id pcommon.TraceID
				binary.LittleEndian.PutUint64(id[:], r.Uint64())
				binary.LittleEndian.PutUint64(id[8:], r.Uint64())
				f := fnv.New64a()
				_, _ = f.Write([]byte(salt))
				_, _ = f.Write(id[:])
				expected := percentage > 0 && float64(f.Sum64()) <= math.MaxUint64*(percentage/100)
				require.Equal(t, expected, h.Keeps(id))
				if expected {
					kept++
				}
			}
			require.InDelta(t, percentage, 100*float64(kept)/traces, 1.5)
		}
	}
}

func TestLongerThanIsInWholeMilliseconds(t *testing.T) {
	require.EqualValues(t, 801*time.Millisecond, (&Rules{Latency: 800 * time.Millisecond}).LongerThan())
	require.EqualValues(t, 801*time.Millisecond, (&Rules{Latency: 800*time.Millisecond + 900*time.Microsecond}).LongerThan())
	require.EqualValues(t, uint64(math.MaxUint64), (&Rules{}).LongerThan(), "no such policy")
}

// TestReservoirKeepsTheBest offers random exemplars and compares with the best of each bucket.
func TestReservoirKeepsTheBest(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		var one, left, right Reservoir
		best := map[int]float64{} // score by bucket
		for i := range 60 {
			e := Exemplar{Bucket: r.IntN(PerSeries), Score: Score(float64(r.IntN(20)), r.IntN(5) == 0)}
			before, floor := one, one.Floor(e.Bucket)
			one.Offer(&e)
			require.Equal(t, e.Score > floor, before != one, "the floor says what the reservoir takes")
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
	require.Greater(t, Score(0, true), Score(1e9, false), "an anomalous span before a slow one")
	require.Greater(t, Score(1.001, true), Score(1, true), "slow before fast among those too")
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
	require.Equal(t, float64(2*PerSeries), r.Floor(100))
	r.Reset()
	require.Zero(t, r.n)
	require.Equal(t, math.Inf(-1), r.Floor(0))
}
