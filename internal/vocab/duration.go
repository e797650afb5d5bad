package vocab

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Longest is longer than any span or wait lasts, a training run included. What is longer has a start near 1970, an end
// of 2^64-1, or another unit than it says.
const Longest = 10 * 365 * 24 * time.Hour

// LongestMS is Longest in the unit of the vocabulary's times.
const LongestMS = float64(Longest / time.Millisecond)

// Lasting says whether a span has a duration, and why not.
type Lasting uint8

// The reasons why a span has no duration, and Lasts for a span that has one.
const (
	Lasts Lasting = iota
	NoStart
	EndsBeforeStart
	TooLong
)

// Duration returns the time from one moment to another in ms. It has no meaning where Lasting is not Lasts.
func Duration(start, end pcommon.Timestamp) (ms float64, lasting Lasting) {
	switch {
	case end < start:
		return 0, EndsBeforeStart
	case start == 0:
		return 0, NoStart
	case end-start > pcommon.Timestamp(Longest):
		return 0, TooLong
	default:
		return float64(int64(end-start)) / float64(time.Millisecond), Lasts // an int64 is cheaper to convert than an uint64
	}
}
