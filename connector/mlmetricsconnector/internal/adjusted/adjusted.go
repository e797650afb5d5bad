// Package adjusted reads how many spans a span of a sampled trace stands for,
// from the threshold that the sampler left in its W3C trace state:
// https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
package adjusted

import (
	"math"
	"strconv"
	"strings"
)

// Count returns the adjusted count of a trace state: 1 / sampling probability
// of its `ot=th:` threshold; 1 where there is no threshold or none that can be read.
func Count(traceState string) float64 {
	if !strings.Contains(traceState, "ot=") {
		return 1
	}
	for member := range strings.SplitSeq(traceState, ",") {
		key, value, _ := strings.Cut(strings.Trim(member, " \t"), "=")
		if key != "ot" {
			continue
		}
		for field := range strings.SplitSeq(value, ";") {
			if threshold, ok := strings.CutPrefix(field, "th:"); ok {
				return count(threshold)
			}
		}
	}
	return 1
}

// digits is how many hexadecimal digits a threshold has, trailing zeros included: 56 bits.
const digits = 14

// count takes the rejection threshold: of 2^56 random numbers, those below it were dropped.
func count(threshold string) float64 {
	if len(threshold) == 0 || len(threshold) > digits {
		return 1
	}
	t, err := strconv.ParseUint(threshold, 16, 64)
	if err != nil {
		return 1
	}
	t <<= 4 * (digits - len(threshold))
	return math.Ldexp(1, 56) / float64(1<<56-t)
}
