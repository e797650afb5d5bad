// Package adjusted reads how many spans a span of a sampled trace stands for,
// from the threshold that the sampler left in its W3C trace state:
// https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
package adjusted

import (
	"math"
	"strconv"
	"strings"
)

// Most is the largest adjusted count: of a sampler that keeps one in 16 million. A header that any client can send must
// not end a counter.
const Most = 1 << 24

// Count returns the adjusted count of a trace state: 1 / sampling probability of its `ot=th:` threshold; 1 where there is
// no threshold. A threshold that cannot be read, or a count above Most, is not ok, and counts for 1.
func Count(traceState string) (count float64, ok bool) {
	if !strings.Contains(traceState, "ot=") {
		return 1, true
	}
	for member := range strings.SplitSeq(traceState, ",") {
		key, value, _ := strings.Cut(strings.Trim(member, " \t"), "=")
		if key != "ot" {
			continue
		}
		for field := range strings.SplitSeq(value, ";") {
			if threshold, ok := strings.CutPrefix(field, "th:"); ok {
				return fromThreshold(threshold)
			}
		}
	}
	return 1, true
}

// digits is how many hexadecimal digits a threshold has, trailing zeros included: 56 bits.
const digits = 14

// fromThreshold takes the rejection threshold: of 2^56 random numbers, those below it were dropped.
func fromThreshold(threshold string) (count float64, ok bool) {
	if len(threshold) == 0 || len(threshold) > digits {
		return 1, false
	}
	t, err := strconv.ParseUint(threshold, 16, 64)
	if err != nil {
		return 1, false
	}
	t <<= 4 * (digits - len(threshold))
	count = math.Ldexp(1, 56) / float64(1<<56-t)
	if count > Most {
		return 1, false
	}
	return count, true
}
