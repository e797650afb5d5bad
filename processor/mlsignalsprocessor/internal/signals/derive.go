package signals

import (
	"time"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/reading"
)

// judged has what the signals are derived from.
var judged = reading.Bits(reading.QueueWait, reading.FeaturesDBLookup, reading.FeaturesUnavailable,
	reading.ValidationAttempts, reading.OutputRequiredRepair)

// Derive sets the ratios and every signal that is true. Call Fill before.
func Derive(r *reading.Readings, span *Span, s *Settings) {
	if !r.Known.Meets(&judged) && !r.Borrowed.Meets(&judged) {
		return // most spans have nothing of the kind
	}
	if wait, ok := r.Get(reading.QueueWait); ok {
		deriveQueue(r, span, s, wait)
	}
	if lookup, ok := r.Get(reading.FeaturesDBLookup); ok && r.Known.Has(reading.FeaturesDBLookup) {
		deriveCascade(r, span, s, lookup)
	}
	if n, ok := r.Get(reading.FeaturesUnavailable); ok && n > 0 {
		s.set(r, reading.FeaturesUnavailSignal)
	}
	attempts, _ := r.Get(reading.ValidationAttempts)
	if attempts >= float64(s.RevalidatedAttempts) || r.IsTrue(reading.OutputRequiredRepair) {
		s.set(r, reading.Revalidated)
	}
}

func deriveQueue(r *reading.Readings, span *Span, s *Settings, waitMS float64) {
	compute, hasCompute := r.Get(reading.ForwardPass)
	ratio, hasRatio := r.Get(reading.QueueComputeRatio)
	if hasCompute && compute > 0 {
		ratio, hasRatio = waitMS/compute, true
		r.Fill(reading.QueueComputeRatio, ratio)
	}
	if hasRatio {
		// Perhaps derived earlier, with a compute that lies on another span.
		if ratio > s.QueueBoundRatio {
			s.set(r, reading.QueueBound)
		}
	} else if waitMS > 0 && (hasCompute || !span.WaitOnly) {
		s.set(r, reading.QueueBound)
	}
	// A wait that lies on another span was judged there.
	if r.Known.Has(reading.QueueWait) && waitMS >= float64(s.HighQueueWait)/float64(time.Millisecond) {
		s.set(r, reading.HighQueueWait)
	}
}

func deriveCascade(r *reading.Readings, span *Span, s *Settings, lookupMS float64) {
	if span.DurationMS <= 0 {
		return
	}
	// A lookup that was measured by another clock may come out longer than its span.
	share := min(lookupMS/span.DurationMS, 1)
	r.Fill(reading.FeaturesDBShare, share)
	misses, counted := r.Get(reading.FeaturesCacheMisses)
	fellBack := lookupMS > 0 && (!counted || misses > 0)
	if fellBack && share >= s.CascadeShare {
		s.set(r, reading.FeatureCascade)
	}
}

// set marks a signal as true, unless it is switched off or the span says otherwise itself.
func (s *Settings) set(r *reading.Readings, signal int) {
	if s.Enabled.Has(signal) {
		r.FillBool(signal, true)
	}
}
