package signals

import (
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// featureCounts has the attributes that fillFeatures reads.
var featureCounts = values.Bits(values.FeaturesRequested, values.FeaturesCacheHits, values.FeaturesCacheMisses)

// phases has the attributes that fillPhases reads.
var phases = values.Bits(values.Prefill, values.Decode, values.TimeToFirstToken)

// Fill adds values that follow from others.
func Fill(r *values.Values, span *Span) {
	if r.Known.Meets(&featureCounts) {
		fillFeatures(r)
	}
	if r.Known.Meets(&phases) {
		fillPhases(r, span)
	}
	if r.Known.Has(values.Stage) && r.Text[values.Stage] == vocab.StageRequest {
		r.FillBool(values.PipelineSuccess, !span.Failed)
		r.Fill(values.PipelineLatency, span.DurationMS)
	}
}

// fillFeatures completes requested = hits + misses and the hit rate, and derives
// the number of unavailable features: requested and not retrieved, but at most
// the misses, because a feature that is requested twice is retrieved once.
func fillFeatures(r *values.Values) {
	requested, hasRequested := r.Get(values.FeaturesRequested)
	hits, hasHits := r.Get(values.FeaturesCacheHits)
	misses, hasMisses := r.Get(values.FeaturesCacheMisses)
	switch {
	case hasHits && hasMisses:
		if !hasRequested {
			r.Fill(values.FeaturesRequested, hits+misses)
			requested, hasRequested = r.Get(values.FeaturesRequested)
		}
	case hasRequested && hasHits && requested >= hits:
		misses, hasMisses = requested-hits, true
		r.Fill(values.FeaturesCacheMisses, misses)
	case hasRequested && hasMisses && requested >= misses:
		hits, hasHits = requested-misses, true
		r.Fill(values.FeaturesCacheHits, hits)
	}
	if hasHits && hasMisses && hits+misses > 0 {
		r.Fill(values.FeaturesHitRate, hits/(hits+misses))
	}
	if retrieved, ok := r.Get(values.FeaturesRetrieved); ok && hasRequested && requested > retrieved {
		unavailable := requested - retrieved
		if hasMisses {
			unavailable = min(unavailable, misses)
		}
		if unavailable > 0 {
			r.Fill(values.FeaturesUnavailable, unavailable)
		}
	}
}

// fillPhases derives the forward pass from its two phases, the time per output
// token after the first one, and the tokens per second.
func fillPhases(r *values.Values, span *Span) {
	prefill, hasPrefill := r.Get(values.Prefill)
	decode, hasDecode := r.Get(values.Decode)
	if hasPrefill && hasDecode {
		r.Fill(values.ForwardPass, prefill+decode)
	}
	tokens, _ := r.Get(values.OutputTokens)
	if tokens <= 0 || span.DurationMS <= 0 {
		return
	}
	first, streamed := r.Get(values.TimeToFirstToken)
	if rest := span.DurationMS - first; streamed && tokens > 1 && rest >= 0 {
		r.Fill(values.TimePerOutputToken, rest/(tokens-1))
	} else if hasDecode && tokens > 1 {
		r.Fill(values.TimePerOutputToken, decode/(tokens-1))
	}
	r.Fill(values.TokensPerSecond, tokens/span.DurationMS*1000)
}
