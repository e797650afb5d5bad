package signals

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

var defaults = Settings{
	Enabled:             values.Signals,
	QueueBoundRatio:     1,
	HighQueueWait:       300 * time.Millisecond,
	CascadeShare:        0.5,
	RevalidatedAttempts: 2,
}

type numbers map[string]float64

// derive returns what is derived of the numbers, the keys of true bools with the value 1.
func derive(in numbers, span Span, s Settings) numbers {
	var r values.Values
	for key, f := range in {
		i := vocab.Index(key)
		r.Number[i] = f
		r.Known.Add(i)
	}
	Fill(&r, &span)
	Derive(&r, &span, &s)
	out := numbers{}
	for set := r.Derived; !set.Empty(); {
		i := set.Pop()
		out[vocab.Attributes[i].Key] = r.Number[i]
	}
	return out
}

func TestDerive(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   numbers
		span Span
		out  numbers
	}{
		{"nothing", numbers{}, Span{DurationMS: 10}, numbers{}},

		{"queue longer than compute", numbers{vocab.QueueWait: 580, vocab.ForwardPass: 315}, Span{DurationMS: 895},
			numbers{vocab.QueueComputeRatio: 580.0 / 315, vocab.SignalQueueBound: 1, vocab.SignalHighQueueWait: 1}},
		{"queue as long as compute is not bound", numbers{vocab.QueueWait: 100, vocab.ForwardPass: 100}, Span{},
			numbers{vocab.QueueComputeRatio: 1}},
		{"just under a high wait", numbers{vocab.QueueWait: 299.99, vocab.ForwardPass: 1000}, Span{},
			numbers{vocab.QueueComputeRatio: 0.29999}},
		{"a high wait to the millisecond", numbers{vocab.QueueWait: 300, vocab.ForwardPass: 1000}, Span{},
			numbers{vocab.QueueComputeRatio: 0.3, vocab.SignalHighQueueWait: 1}},
		{"no wait", numbers{vocab.QueueWait: 0, vocab.ForwardPass: 20}, Span{}, numbers{vocab.QueueComputeRatio: 0}},
		{"wait and a compute of 0", numbers{vocab.QueueWait: 5, vocab.ForwardPass: 0}, Span{}, numbers{vocab.SignalQueueBound: 1}},
		{"wait and no compute", numbers{vocab.QueueWait: 5}, Span{}, numbers{vocab.SignalQueueBound: 1}},
		{"wait whose compute is elsewhere", numbers{vocab.QueueWait: 5}, Span{WaitOnly: true}, numbers{}},
		{"neither wait nor compute", numbers{vocab.QueueWait: 0, vocab.ForwardPass: 0}, Span{}, numbers{}},
		{"compute alone", numbers{vocab.ForwardPass: 20}, Span{}, numbers{}},
		{"a ratio that no number can hold", numbers{vocab.QueueWait: 1e300, vocab.ForwardPass: 1e-300}, Span{},
			numbers{vocab.SignalQueueBound: 1, vocab.SignalHighQueueWait: 1}},

		{"fallback that takes most of the span", numbers{vocab.FeaturesDBLookup: 812, vocab.FeaturesCacheHits: 1, vocab.FeaturesCacheMisses: 9}, Span{DurationMS: 823},
			numbers{vocab.FeaturesRequested: 10, vocab.FeaturesHitRate: 0.1, vocab.FeaturesDBShare: 812.0 / 823, vocab.SignalFeatureCascade: 1}},
		{"fallback of just half", numbers{vocab.FeaturesDBLookup: 5}, Span{DurationMS: 10},
			numbers{vocab.FeaturesDBShare: 0.5, vocab.SignalFeatureCascade: 1}},
		{"fallback of less than half", numbers{vocab.FeaturesDBLookup: 4.9}, Span{DurationMS: 10}, numbers{vocab.FeaturesDBShare: 0.49}},
		{"lookup without a miss is no fallback", numbers{vocab.FeaturesDBLookup: 9, vocab.FeaturesCacheMisses: 0}, Span{DurationMS: 10}, numbers{vocab.FeaturesDBShare: 0.9}},
		{"lookup longer than its span", numbers{vocab.FeaturesDBLookup: 10.01}, Span{DurationMS: 10},
			numbers{vocab.FeaturesDBShare: 1, vocab.SignalFeatureCascade: 1}},
		{"span without a duration", numbers{vocab.FeaturesDBLookup: 10}, Span{}, numbers{}},
		{"span that ends before it starts", numbers{vocab.FeaturesDBLookup: 10}, Span{DurationMS: -5}, numbers{}},

		{"misses from requested and hits", numbers{vocab.FeaturesRequested: 10, vocab.FeaturesCacheHits: 7}, Span{},
			numbers{vocab.FeaturesCacheMisses: 3, vocab.FeaturesHitRate: 0.7}},
		{"hits from requested and misses", numbers{vocab.FeaturesRequested: 10, vocab.FeaturesCacheMisses: 10}, Span{},
			numbers{vocab.FeaturesCacheHits: 0, vocab.FeaturesHitRate: 0}},
		{"more hits than were requested", numbers{vocab.FeaturesRequested: 1, vocab.FeaturesCacheHits: 7}, Span{}, numbers{}},
		{"no features at all have no rate", numbers{vocab.FeaturesCacheHits: 0, vocab.FeaturesCacheMisses: 0}, Span{},
			numbers{vocab.FeaturesRequested: 0}},
		{"not all were retrieved", numbers{vocab.FeaturesRequested: 10, vocab.FeaturesRetrieved: 8}, Span{},
			numbers{vocab.FeaturesUnavailable: 2, vocab.SignalFeaturesUnavailable: 1}},
		{"an ID that was asked for twice, all of it in the cache",
			numbers{vocab.FeaturesRequested: 10, vocab.FeaturesCacheHits: 10, vocab.FeaturesCacheMisses: 0, vocab.FeaturesRetrieved: 9}, Span{},
			numbers{vocab.FeaturesHitRate: 1}},
		{"no more are unavailable than were missed",
			numbers{vocab.FeaturesRequested: 10, vocab.FeaturesCacheHits: 8, vocab.FeaturesCacheMisses: 2, vocab.FeaturesRetrieved: 5}, Span{},
			numbers{vocab.FeaturesHitRate: 0.8, vocab.FeaturesUnavailable: 2, vocab.SignalFeaturesUnavailable: 1}},
		{"the misses follow from requested and hits",
			numbers{vocab.FeaturesRequested: 10, vocab.FeaturesCacheHits: 10, vocab.FeaturesRetrieved: 9}, Span{},
			numbers{vocab.FeaturesCacheMisses: 0, vocab.FeaturesHitRate: 1}},
		{"all were retrieved", numbers{vocab.FeaturesRequested: 10, vocab.FeaturesRetrieved: 10}, Span{}, numbers{}},
		{"none unavailable", numbers{vocab.FeaturesUnavailable: 0}, Span{}, numbers{}},
		{"one unavailable", numbers{vocab.FeaturesUnavailable: 1}, Span{}, numbers{vocab.SignalFeaturesUnavailable: 1}},

		{"valid at once", numbers{vocab.ValidationAttempts: 1}, Span{}, numbers{}},
		{"second attempt", numbers{vocab.ValidationAttempts: 2}, Span{}, numbers{vocab.SignalRevalidated: 1}},
		{"repair flag alone", numbers{vocab.OutputRequiredRepair: 1}, Span{}, numbers{vocab.SignalRevalidated: 1}},
		{"repair flag that says no", numbers{vocab.OutputRequiredRepair: 0}, Span{}, numbers{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.InDeltaMapValues(t, tc.out, derive(tc.in, tc.span, defaults), 1e-12)
		})
	}
}

func TestEverySignalCanBeSwitchedOff(t *testing.T) {
	all := numbers{
		vocab.QueueWait: 580, vocab.ForwardPass: 315, vocab.FeaturesDBLookup: 9,
		vocab.FeaturesUnavailable: 1, vocab.ValidationAttempts: 2,
	}
	for _, off := range vocab.Signals {
		if off == vocab.SignalColdStart {
			continue // set by the processor, tested there
		}
		t.Run(off, func(t *testing.T) {
			s := defaults
			s.Enabled.Remove(vocab.Index(off))
			out := derive(all, Span{DurationMS: 10}, s)
			signals := 0
			for key := range out {
				if strings.HasPrefix(key, vocab.SignalPrefix) {
					signals++
				}
			}
			assert.NotContains(t, out, off)
			assert.Equal(t, 4, signals, "the others are still set")
		})
	}
}
