package vocab

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Longest is longer than any span or wait, even of a training run. A longer value has a start near 1970, an end of
// 2^64-1, or a wrong unit.
const Longest = 10 * 365 * 24 * time.Hour

// LongestMS is Longest in milliseconds, the unit of the vocabulary's times.
const LongestMS = float64(Longest / time.Millisecond)

// Lasting reports whether a span has a duration, and why not.
type Lasting uint8

// The reasons why a span has no duration; Lasts means that it has one.
const (
	Lasts Lasting = iota
	NoStart
	EndsBeforeStart
	TooLong
)

// Duration returns the time between two timestamps in ms. It is undefined unless Lasting is Lasts.
func Duration(start, end pcommon.Timestamp) (ms float64, lasting Lasting) {
	switch {
	case end < start:
		return 0, EndsBeforeStart
	case start == 0:
		return 0, NoStart
	case end-start > pcommon.Timestamp(Longest):
		return 0, TooLong
	default:
		return float64(int64(end-start)) / float64(time.Millisecond), Lasts // converting an int64 is cheaper than an uint64
	}
}
