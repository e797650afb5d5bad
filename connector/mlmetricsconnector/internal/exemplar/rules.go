// Package exemplar chooses the spans that metrics point at. Its rules are
// those of the tail sampling that follows the connector, so that an exemplar
// leads to a trace that was stored.
package exemplar

import (
	"hash/fnv"
	"math"
	"math/big"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Rules say which traces tail sampling is sure to keep, judged by one span.
type Rules struct {
	// Signals are the keys of boolean span attributes that a policy keeps where true.
	Signals []string
	// Stages are the values of ml.stage that a policy keeps.
	Stages []string
	// Errors keeps spans with the status ERROR.
	Errors bool
	// Latency keeps spans that take longer, in whole milliseconds: 801 ms is longer than 800 ms, 800.9 ms is not.
	// 0: no such policy. The policy measures the whole trace, which takes at least as long as its longest span.
	Latency time.Duration
	// Percentage and HashSeed are those of the probabilistic policy.
	Percentage float64
	HashSeed   string
	// DecisionWait is how long tail sampling collects a trace. A span that arrives later may find its trace dropped
	// whatever it says itself.
	DecisionWait time.Duration
}

// defaultHashSeed is what the tail_sampling processor takes for an empty hash_salt.
const defaultHashSeed = "default-hash-seed"

// Hash is the probabilistic policy's: FNV-1a over the seed, then the trace ID.
type Hash struct {
	state     uint64 // after the seed
	threshold uint64
	never     bool
}

// NewHash returns the hash of the rules.
func NewHash(r *Rules) Hash {
	seed := r.HashSeed
	if seed == "" {
		seed = defaultHashSeed
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(seed)) // never fails
	// A float64 cannot hold MaxUint64; the processor computes the product in a big.Float too.
	boundary := new(big.Float).SetInt(new(big.Int).SetUint64(math.MaxUint64))
	threshold, _ := boundary.Mul(boundary, big.NewFloat(r.Percentage/100)).Uint64()
	return Hash{state: h.Sum64(), threshold: threshold, never: r.Percentage <= 0}
}

// Keeps tells whether the probabilistic policy keeps a trace.
func (h *Hash) Keeps(id pcommon.TraceID) bool {
	const prime = 1099511628211
	if h.never {
		return false
	}
	x := h.state
	for _, b := range id {
		x = (x ^ uint64(b)) * prime
	}
	return x <= h.threshold
}

// LongerThan returns the shortest duration in ns that the latency policy keeps.
func (r *Rules) LongerThan() uint64 {
	if r.Latency == 0 {
		return math.MaxUint64
	}
	return uint64((r.Latency.Truncate(time.Millisecond) + time.Millisecond).Nanoseconds())
}
