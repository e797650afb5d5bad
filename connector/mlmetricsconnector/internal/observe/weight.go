package observe

import (
	"strings"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

// maxWeight is the largest adjusted count: of a sampler that keeps one span in
// 16 million. A header that any client can send must not end a counter.
const maxWeight = 1 << 24

// weights reads how many spans a span of a sampled trace stands for, from the
// threshold that the sampler left in its W3C trace state:
// https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
type weights struct {
	// enabled: every span stands for itself where it is false.
	enabled bool
	// last is the last trace state, weight and ok what weigh returned for it: whole batches have the same.
	last   []byte
	weight float64
	ok     bool
}

// weigh returns the adjusted count of a trace state: 1 where it has no
// threshold. A threshold that cannot be read, or a count above maxWeight, is
// not ok and counts for 1.
func (w *weights) weigh(traceState string) (weight float64, ok bool) {
	if !w.enabled || traceState == "" {
		return 1, true
	}
	return w.read(traceState)
}

func (w *weights) read(traceState string) (weight float64, ok bool) {
	if string(w.last) != traceState {
		w.last = append(w.last[:0], traceState...)
		w.weight, w.ok = adjustedCount(traceState)
	}
	return w.weight, w.ok
}

func adjustedCount(traceState string) (weight float64, ok bool) {
	if !strings.Contains(traceState, "ot=") {
		return 1, true
	}
	state, err := sampling.NewW3CTraceState(traceState)
	threshold, ok := state.OTelValue().TValueThreshold()
	if !ok {
		return 1, err == nil
	}
	// The threshold can be right where another part of the trace state is wrong.
	weight = threshold.AdjustedCount()
	if weight == 0 || weight > maxWeight {
		return 1, false
	}
	return weight, true
}
