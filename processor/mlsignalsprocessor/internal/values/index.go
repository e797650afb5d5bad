package values

import "github.com/otelcol-ml/otelcol-ml/internal/vocab"

// Positions in vocab.Attributes of attributes that derivations read or write.
var (
	Stage                 = vocab.Index(vocab.Stage)
	ModelName             = vocab.Index(vocab.ModelName)
	ModelVersion          = vocab.Index(vocab.ModelVersion)
	PipelineSuccess       = vocab.Index(vocab.PipelineSuccess)
	PipelineLatency       = vocab.Index(vocab.PipelineLatency)
	FeaturesRequested     = vocab.Index(vocab.FeaturesRequested)
	FeaturesCacheHits     = vocab.Index(vocab.FeaturesCacheHits)
	FeaturesCacheMisses   = vocab.Index(vocab.FeaturesCacheMisses)
	FeaturesRetrieved     = vocab.Index(vocab.FeaturesRetrieved)
	FeaturesUnavailable   = vocab.Index(vocab.FeaturesUnavailable)
	FeaturesHitRate       = vocab.Index(vocab.FeaturesHitRate)
	FeaturesCacheLookup   = vocab.Index(vocab.FeaturesCacheLookup)
	FeaturesDBLookup      = vocab.Index(vocab.FeaturesDBLookup)
	FeaturesDBShare       = vocab.Index(vocab.FeaturesDBShare)
	InputTokens           = vocab.Index(vocab.InputTokens)
	OutputTokens          = vocab.Index(vocab.OutputTokens)
	TimeToFirstToken      = vocab.Index(vocab.TimeToFirstToken)
	Prefill               = vocab.Index(vocab.Prefill)
	Decode                = vocab.Index(vocab.Decode)
	TimePerOutputToken    = vocab.Index(vocab.TimePerOutputToken)
	TokensPerSecond       = vocab.Index(vocab.TokensPerSecond)
	InferenceAttempts     = vocab.Index(vocab.InferenceAttempts)
	QueueWait             = vocab.Index(vocab.QueueWait)
	ForwardPass           = vocab.Index(vocab.ForwardPass)
	QueueComputeRatio     = vocab.Index(vocab.QueueComputeRatio)
	ValidationAttempts    = vocab.Index(vocab.ValidationAttempts)
	OutputRequiredRepair  = vocab.Index(vocab.OutputRequiredRepair)
	QueueBound            = vocab.Index(vocab.SignalQueueBound)
	HighQueueWait         = vocab.Index(vocab.SignalHighQueueWait)
	FeatureCascade        = vocab.Index(vocab.SignalFeatureCascade)
	FeaturesUnavailSignal = vocab.Index(vocab.SignalFeaturesUnavailable)
	Revalidated           = vocab.Index(vocab.SignalRevalidated)
	ColdStart             = vocab.Index(vocab.SignalColdStart)
	ColdStartComponent    = vocab.Index(vocab.ColdStartComponent)
	ColdStartDuration     = vocab.Index(vocab.ColdStartDuration)
	ColdStartRepeated     = vocab.Index(vocab.ColdStartRepeated)
	ColdStartReload       = vocab.Index(vocab.ColdStartReload)
)

// OfColdStart has the attributes of a cold start without its signal.
var OfColdStart = Bits(ColdStartComponent, ColdStartDuration, ColdStartReload)

// Signals has every signal.
var Signals = func() Set {
	var s Set
	for _, key := range vocab.Signals {
		s.Add(vocab.Index(key))
	}
	return s
}()
