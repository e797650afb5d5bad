package truth

import (
	"hash/fnv"
	"math"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
)

const (
	// SlowRequest is the latency policy's threshold in otelcol.yaml.
	SlowRequest = 800 * time.Millisecond
	// Baseline is the share of the rest that is kept.
	Baseline = 0.03
)

// MustKeep reports whether a request's trace must be kept: it failed, was slow, or shows a signal.
func MustKeep(s shop.Sent) bool {
	return s.Failed() || s.Slower(SlowRequest) || len(s.Signals()) > 0
}

// InBaseline is whether tail sampling's probabilistic policy keeps a trace: FNV-1a over its salt and the trace ID, at
// most that share of all hashes.
func InBaseline(id trace.TraceID) bool {
	hash := fnv.New64a()
	hash.Write([]byte("default-hash-seed"))
	hash.Write(id[:])
	return float64(hash.Sum64()) <= math.MaxUint64*Baseline
}
