// Package whole hands out counts that may be fractions in whole numbers.
package whole

import (
	"cmp"
	"math"
	"slices"
)

// HandOut raises given, what was handed out of each count so far, to whole numbers near the counts. In all it is then
// the rounded total. No count has less than before, which it may not in a series of points; none is off by more than
// about one, and one that is zero gets nothing.
func HandOut(counts, given []float64) {
	left := 0.0
	for i, c := range counts {
		left += c - given[i]
	}
	left = Round(left)
	for i, c := range counts {
		if n := min(math.Floor(c-given[i]), left); n > 0 {
			given[i] += n
			left -= n
		}
	}
	if left <= 0 {
		return
	}
	// Less than one is owed to each: those that are owed most come first.
	order := make([]int, len(counts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(counts[j]-given[j], counts[i]-given[i]) })
	for _, i := range order {
		if left <= 0 || counts[i] <= given[i] {
			return
		}
		given[i]++
		left--
	}
}

// Round rounds half up, so that adding a whole number before or after makes no difference.
func Round(f float64) float64 { return math.Floor(f + 0.5) }
