// Package bucketindex finds the bucket of a value among explicit bounds. An Index
// does not change and may be used concurrently.
package bucketindex

import (
	"math"
	"math/bits"
	"slices"
)

// Max is the largest number of bounds of an Index.
const Max = math.MaxUint8

// Index finds buckets. A table, indexed by the exponent and the first bits of the
// mantissa, leaves one bound to compare in most cases. That comparison has no
// branch, because the CPU would mispredict it half of the time.
type Index struct {
	starts [size]uint8
	// keys are the bounds in an order that integers can compare, and a last one above all.
	keys []uint64
}

// The table spans 2^-16 to 2^48 in eighths of a power of two; values outside go to its ends.
const (
	mantissa = 3
	lowest   = (1023 - 16) << mantissa
	size     = 64 << mantissa
)

// New returns the index of bounds that are sorted, finite and at most Max.
func New(bounds []float64) *Index {
	x := &Index{keys: make([]uint64, 0, len(bounds)+1)}
	for _, b := range bounds {
		x.keys = append(x.keys, key(b))
	}
	x.keys = append(x.keys, math.MaxUint64)
	for i := 1; i < size; i++ { // 0 takes everything from minus infinity up
		least := math.Float64frombits(uint64(i+lowest) << (52 - mantissa))
		n, _ := slices.BinarySearch(bounds, least)
		x.starts[i] = uint8(n)
	}
	return x
}

// Find returns the position of the first bound that is not below v, which is
// the bucket; the number of bounds if all are below. v must not be NaN.
func (x *Index) Find(v float64) int {
	place := int64(math.Float64bits(v))>>(52-mantissa) - lowest
	place = min(max(place, 0), size-1) // negative values have the sign bit, and with it place 0
	i, k := int(x.starts[place]), key(v)
	_, below := bits.Sub64(x.keys[i], k, 0)
	i += int(below)
	for x.keys[i] < k {
		i++
	}
	return i
}

// key maps numbers to integers of the same order; -0 and 0 to the same.
func key(v float64) uint64 {
	b := math.Float64bits(v + 0) // -0 + 0 is 0
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}
