// Package distinct estimates how many different values there were, in a
// kilobyte (HyperLogLog).
package distinct

import (
	"math"
	"math/bits"
)

const (
	precision = 10
	registers = 1 << precision
)

// Sketch estimates within some 3 %.
type Sketch struct{ ranks [registers]uint8 }

// Add notes a value by its hash, of which every bit must count.
func (s *Sketch) Add(hash uint64) {
	// The last bit set bounds the rank where all the others are zero.
	rank := uint8(bits.LeadingZeros64(hash<<precision|1<<(precision-1)) + 1)
	if r := &s.ranks[hash>>(64-precision)]; rank > *r {
		*r = rank
	}
}

// Estimate returns the number of different hashes so far.
func (s *Sketch) Estimate() uint64 {
	sum, empty := 0.0, 0
	for _, r := range s.ranks {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			empty++
		}
	}
	const m = float64(registers)
	estimate := 0.7213 / (1 + 1.079/m) * m * m / sum
	if estimate <= 2.5*m && empty > 0 { // few values: count the empty registers
		estimate = m * math.Log(m/float64(empty))
	}
	return uint64(math.Round(estimate))
}
