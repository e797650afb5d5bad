package signals

import (
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/reading"
)

// featureCounts has what the feature counts are filled from.
var featureCounts = reading.Bits(reading.FeaturesRequested, reading.FeaturesCacheHits, reading.FeaturesCacheMisses)

// phases has what the phases of a generation are filled from.
var phases = reading.Bits(reading.Prefill, reading.Decode, reading.TimeToFirstToken)

// Fill adds the values that the rest of the span determines.
func Fill(r *reading.Readings, span *Span) {
	if r.Known.Meets(&featureCounts) {
		fillFeatures(r)
	}
	if r.Known.Meets(&phases) {
		fillPhases(r, span)
	}
	if r.Known.Has(reading.Stage) && r.Text[reading.Stage] == vocab.StageRequest {
		r.FillBool(reading.PipelineSuccess, !span.Failed)
		r.Fill(reading.PipelineLatency, span.DurationMS)
	}
}

// fillFeatures completes requested = hits + misses and the hit rate, and counts
// what was requested and not retrieved. A feature that was requested twice is
// retrieved once: of features that the cache had, none is unavailable.
func fillFeatures(r *reading.Readings) {
	requested, hasRequested := r.Get(reading.FeaturesRequested)
	hits, hasHits := r.Get(reading.FeaturesCacheHits)
	misses, hasMisses := r.Get(reading.FeaturesCacheMisses)
	switch {
	case hasHits && hasMisses:
		if !hasRequested {
			r.Fill(reading.FeaturesRequested, hits+misses)
			requested, hasRequested = r.Get(reading.FeaturesRequested)
		}
	case hasRequested && hasHits && requested >= hits:
		misses, hasMisses = requested-hits, true
		r.Fill(reading.FeaturesCacheMisses, misses)
	case hasRequested && hasMisses && requested >= misses:
		hits, hasHits = requested-misses, true
		r.Fill(reading.FeaturesCacheHits, hits)
	}
	if hasHits && hasMisses && hits+misses > 0 {
		r.Fill(reading.FeaturesHitRate, hits/(hits+misses))
	}
	if retrieved, ok := r.Get(reading.FeaturesRetrieved); ok && hasRequested && requested > retrieved {
		unavailable := requested - retrieved
		if hasMisses {
			unavailable = min(unavailable, misses)
		}
		if unavailable > 0 {
			r.Fill(reading.FeaturesUnavailable, unavailable)
		}
	}
}

// fillPhases completes the forward pass by its two phases, the time of each
// token after the first, and the tokens a second.
func fillPhases(r *reading.Readings, span *Span) {
	prefill, hasPrefill := r.Get(reading.Prefill)
	decode, hasDecode := r.Get(reading.Decode)
	if hasPrefill && hasDecode {
		r.Fill(reading.ForwardPass, prefill+decode)
	}
	tokens, _ := r.Get(reading.OutputTokens)
	if tokens <= 0 || span.DurationMS <= 0 {
		return
	}
	first, streamed := r.Get(reading.TimeToFirstToken)
	if rest := span.DurationMS - first; streamed && tokens > 1 && rest >= 0 {
		r.Fill(reading.TimePerOutputToken, rest/(tokens-1))
	} else if hasDecode && tokens > 1 {
		r.Fill(reading.TimePerOutputToken, decode/(tokens-1))
	}
	r.Fill(reading.TokensPerSecond, tokens/span.DurationMS*1000)
}
