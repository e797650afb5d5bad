package signals

import (
	"time"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// inputs has the attributes that signals are derived from.
var inputs = values.Bits(values.QueueWait, values.FeaturesDBLookup, values.FeaturesUnavailable,
	values.ValidationAttempts, values.OutputRequiredRepair)

// Derive sets the ratios and the signals. Call Fill before.
func Derive(r *values.Values, span *Span, s *Settings) {
	if !r.Known.Meets(&inputs) && !r.Borrowed.Meets(&inputs) {
		return // most spans have none of them
	}
	if wait, ok := r.Get(values.QueueWait); ok {
		deriveQueue(r, span, s, wait)
	}
	if lookup, ok := r.Get(values.FeaturesDBLookup); ok && r.Known.Has(values.FeaturesDBLookup) {
		deriveCascade(r, span, s, lookup)
	}
	if n, ok := r.Get(values.FeaturesUnavailable); ok && n > 0 {
		s.set(r, values.FeaturesUnavailSignal)
	}
	attempts, _ := r.Get(values.ValidationAttempts)
	if attempts >= float64(s.RevalidatedAttempts) || r.IsTrue(values.OutputRequiredRepair) {
		s.set(r, values.Revalidated)
	}
}

func deriveQueue(r *values.Values, span *Span, s *Settings, waitMS float64) {
	compute, hasCompute := r.Get(values.ForwardPass)
	ratio, hasRatio := r.Get(values.QueueComputeRatio)
	if hasCompute && compute > 0 {
		ratio, hasRatio = waitMS/compute, true
		r.Fill(values.QueueComputeRatio, ratio)
	}
	if hasRatio {
		// The ratio can be of a join, with the forward pass of another span.
		if ratio > s.QueueBoundRatio {
			s.set(r, values.QueueBound)
		}
	} else if waitMS > 0 && (hasCompute || !span.WaitOnly) {
		s.set(r, values.QueueBound)
	}
	// A wait of another span sets the signal there.
	if r.Known.Has(values.QueueWait) && waitMS >= float64(s.HighQueueWait)/float64(time.Millisecond) {
		s.set(r, values.HighQueueWait)
	}
}

func deriveCascade(r *values.Values, span *Span, s *Settings, lookupMS float64) {
	if span.DurationMS <= 0 {
		return
	}
	// A lookup that was measured with another clock can be longer than its span.
	share := min(lookupMS/span.DurationMS, 1)
	r.Fill(values.FeaturesDBShare, share)
	misses, counted := r.Get(values.FeaturesCacheMisses)
	fellBack := lookupMS > 0 && (!counted || misses > 0)
	if fellBack && share >= s.CascadeShare {
		s.set(r, values.FeatureCascade)
	}
}

// set sets a signal, unless it is disabled or the span already has the attribute.
func (s *Settings) set(r *values.Values, signal int) {
	if s.Enabled.Has(signal) {
		r.FillBool(signal, true)
	}
}
