// Package builtin holds the built-in metrics and their buckets as data. Metrics
// and GenAI return copies that the caller may change; they may be called concurrently.
package builtin

import (
	"math"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Bounds of the histograms, upper and inclusive. Each set has the thresholds
// of the default signals and sampling policies among its bounds, so that the
// share of requests over a threshold is exact.
var (
	// Spans of a request take milliseconds, those of a training run hours.
	// They are closest from half a second to three, where the budgets of ML requests are.
	spanMS = []float64{1, 5, 10, 25, 50, 100, 250, 500, 800, 1000, 1250, 1500, 2000, 3000, 5000, 10_000, 30_000, 60_000, 600_000, 3_600_000}
	// Requests of over a minute share one bucket: they count as failed.
	requestMS = []float64{10, 25, 50, 100, 250, 500, 800, 1000, 1250, 1500, 2000, 3000, 5000, 10_000, 30_000, 60_000}
	// A database lookup is ten to fifty times slower than the cache. That of a fallback takes a second or two, where the bounds are close.
	lookupMS = []float64{0.5, 1, 5, 10, 25, 50, 100, 250, 500, 800, 1000, 1250, 1500, 2000, 3000, 5000, 10_000}
	queueMS  = []float64{1, 5, 10, 25, 50, 100, 200, 300, 500, 750, 1000, 1250, 1500, 2000, 3000, 5000, 10_000, 30_000}
	loadMS   = []float64{5, 10, 25, 50, 100, 250, 500, 1000, 1500, 2000, 3000, 5000, 10_000, 30_000, 60_000, 300_000}
	// Decoding takes a few ms a token on a GPU that is not full.
	tokenMS = []float64{1, 2.5, 5, 7.5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 2500}
	rates   = []float64{1, 2.5, 5, 10, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000, 2500, 5000}
	longMS  = []float64{100, 1000, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000, 10_800_000}
	// Above 1 the wait is longer than the compute.
	ratios   = []float64{0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 50}
	hitRates = []float64{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1}
	batches  = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}
	attempts = []float64{0, 1, 2, 3, 4, 5, 10}
	// Shares, then ratings of 1 to 5 or to 10.
	assessments = []float64{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1, 2, 3, 4, 5, 10}
)

// DefaultBuckets are the bounds of user-defined histograms without buckets, in ms.
var DefaultBuckets = spanMS

// Common are the labels that every metric has.
var Common = []metric.Label{
	resource(vocab.ServiceName),
	either(vocab.PipelineName),
	either(vocab.Stage),
	either(vocab.ModelName),
	either(vocab.ModelVersion),
	either(vocab.ExperimentVariant),
	{Name: vocab.DeploymentEnvironment, Field: metric.Field{Key: vocab.DeploymentEnvironment, Alternatives: []string{vocab.DeploymentEnvironmentName}}},
}

// Metrics returns the built-in metrics, in the order of the documentation.
// Each call returns copies that the caller may change.
func Metrics() []metric.Definition {
	requests := []metric.Condition{{Field: span(vocab.Stage), In: []string{vocab.StageRequest}}}
	device := either(vocab.DeviceID)
	// GPU 0 of ten machines is ten GPUs. A span that names no device gets no host: its series would only multiply.
	host := resource(vocab.HostKeys[1])
	host.Field.Key, host.Field.Alternatives, host.With = vocab.HostKeys[0], vocab.HostKeys[1:], &device.Field
	// Without the label, replicas would overwrite each other's newest value.
	replica := metric.Label{Name: vocab.ServiceInstanceID, Field: metric.Field{Origin: metric.Resource, Key: vocab.InstanceKeys[0], Alternatives: vocab.InstanceKeys[1:]}}
	coldStart := []metric.Condition{isTrue(vocab.SignalColdStart)}
	coldLabels := []metric.Label{
		{Name: "component", Field: span(vocab.ColdStartComponent)},
		{Name: "reload", Field: span(vocab.ColdStartReload), Default: "false"},
	}

	return append([]metric.Definition{
		histogram("duration_ms", "Duration of the span in ms", spanMS,
			metric.Value{Source: metric.Duration, Max: math.Inf(1)}, intrinsic(metric.SpanName)),
		counter("ml.stage.calls", "Spans", "{span}",
			metric.Value{Source: metric.Count}, intrinsic(metric.StatusCode)),

		when(requests, histogram(vocab.PipelineLatency, "Latency of the request in ms; the duration of the request's span where the service does not say", requestMS,
			orDuration(attribute(vocab.PipelineLatency)), either(vocab.PipelineSuccess))),
		when(requests, counter("ml.pipeline.requests", "Requests", "{request}",
			metric.Value{Source: metric.Count}, either(vocab.PipelineSuccess))),

		histogram("ml.feature_extraction.db_lookup_ms", "Time of the database lookup in ms", lookupMS, attribute(vocab.FeaturesDBLookup)),
		histogram("ml.feature_extraction.cache_lookup_ms", "Time of the cache lookup in ms", lookupMS, attribute(vocab.FeaturesCacheLookup)),
		histogram(vocab.FeaturesHitRate, "Share of the features that the cache had, 0 to 1", hitRates, attribute(vocab.FeaturesHitRate)),
		counter(vocab.FeaturesCacheHits, "Features found in the cache", "{feature}", attribute(vocab.FeaturesCacheHits)),
		counter(vocab.FeaturesCacheMisses, "Features not found in the cache", "{feature}", attribute(vocab.FeaturesCacheMisses)),
		counter("ml.features.unavailable", "Features found nowhere", "{feature}", attribute(vocab.FeaturesUnavailable)),

		histogram(vocab.QueueWait, "Wait for the GPU in ms", queueMS, attribute(vocab.QueueWait), host, device),
		histogram(vocab.ForwardPass, "Compute on the GPU in ms", queueMS, attribute(vocab.ForwardPass), host, device),
		histogram(vocab.QueueComputeRatio, "Queue wait / forward pass; over 1 the request waited longer than the GPU worked for it", ratios, attribute(vocab.QueueComputeRatio), host, device),
		histogram(vocab.TimeToFirstToken, "Time to the first output token in ms", queueMS, attribute(vocab.TimeToFirstToken), host, device),
		histogram(vocab.Prefill, "Compute for the prompt in ms", queueMS, attribute(vocab.Prefill), host, device),
		histogram(vocab.Decode, "Compute for the output tokens after the first in ms", queueMS, attribute(vocab.Decode), host, device),
		histogram(vocab.TimePerOutputToken, "Time for each output token after the first in ms", tokenMS, attribute(vocab.TimePerOutputToken), host, device),
		histogram(vocab.TokensPerSecond, "Output tokens a second, over the whole call", rates, attribute(vocab.TokensPerSecond), host, device),
		histogram(vocab.KVTransfer, "Transfer of the KV cache from another server or tier in ms", queueMS, attribute(vocab.KVTransfer), host, device),
		counter(vocab.Preemptions, "Times that a request lost its place in the batch and had to be recomputed", "{preemption}", attribute(vocab.Preemptions), host, device),
		histogram(vocab.InferenceAttempts, "Attempts at a call of a model so far, 1 for the first", attempts, attribute(vocab.InferenceAttempts)),
		histogram(vocab.BatchSize, "Requests in the batch", batches, attribute(vocab.BatchSize)),
		gauge(vocab.GPUMemoryAllocated, "GPU memory in use in MB, the newest value", attribute(vocab.GPUMemoryAllocated), replica, host, device),
		gauge(vocab.GPUMemoryReserved, "GPU memory held by the allocator in MB, the newest value", attribute(vocab.GPUMemoryReserved), replica, host, device),
		gauge(vocab.GPUUtilization, "How busy the GPU was in percent, the newest value", attribute(vocab.GPUUtilization), replica, host, device),

		histogram(vocab.ValidationAttempts, "Validations of the output until it passed, 1 when it passed at once", attempts, attribute(vocab.ValidationAttempts)),
		counter("ml.post_processing.revalidations", "Outputs that failed validation at least once", "{output}",
			metric.Value{Source: metric.Count, When: []metric.Condition{isTrue(vocab.SignalRevalidated)}}),
		counter("ml.output.validation_failures", "Failed validations, by what was wrong", "{failure}",
			metric.Value{Source: metric.Count, Event: vocab.EventValidationFailed},
			metric.Label{Name: "reason", Field: metric.Field{Origin: metric.Event, Key: vocab.EventReason}},
			metric.Label{Name: "field", Field: metric.Field{Origin: metric.Event, Key: vocab.EventField}}),

		when(coldStart, counter("ml.cold_starts", "Loads of a component; `reload` marks those that were not the first", "{load}",
			metric.Value{Source: metric.Count}, coldLabels...)),
		// The duration and the mark can be on different spans of one cold start.
		histogram(vocab.ColdStartDuration, "Time that the load took in ms", loadMS, attribute(vocab.ColdStartDuration), coldLabels...),

		split("direction", counter("ml.tokens", "Tokens; `cached` and `cache_write` are part of `input`, `reasoning` of `output`", "{token}", metric.Value{}),
			is("input", attribute(vocab.InputTokens)), is("output", attribute(vocab.OutputTokens)),
			is("cached", attribute(vocab.CachedTokens)), is("cache_write", attribute(vocab.CacheWriteTokens)), is("reasoning", attribute(vocab.ReasoningTokens))),
		split("signal", counter("ml.signals", "Spans that carry the signal", "{span}", metric.Value{}), signals()...),
	}, training()...)
}

func signals() []metric.Value {
	values := make([]metric.Value, 0, len(vocab.Signals))
	for _, key := range vocab.Signals {
		values = append(values, is(vocab.SignalName(key),
			metric.Value{Source: metric.Count, When: []metric.Condition{isTrue(key)}}))
	}
	return values
}

func histogram(name, description string, buckets []float64, value metric.Value, labels ...metric.Label) metric.Definition {
	m := newMetric(metric.Histogram, name, description, value, labels)
	m.Buckets = append([]float64(nil), buckets...)
	return m
}

func counter(name, description, unit string, value metric.Value, labels ...metric.Label) metric.Definition {
	m := newMetric(metric.Counter, name, description, value, labels)
	m.Unit = unit
	return m
}

func gauge(name, description string, value metric.Value, labels ...metric.Label) metric.Definition {
	return newMetric(metric.Gauge, name, description, value, labels)
}

func newMetric(kind metric.Kind, name, description string, value metric.Value, labels []metric.Label) metric.Definition {
	return metric.Definition{
		Name: name, Description: description, Kind: kind, Values: []metric.Value{value},
		Labels: append(append([]metric.Label(nil), Common...), labels...),
	}
}

func when(conditions []metric.Condition, m metric.Definition) metric.Definition {
	m.When = conditions
	return m
}

func split(label string, m metric.Definition, values ...metric.Value) metric.Definition {
	m.SplitLabel, m.Values = label, values
	return m
}

// attribute observes the number in a span attribute of the vocabulary, with its range.
func attribute(key string) metric.Value {
	a := vocab.Lookup(key)
	return metric.Value{Field: span(key), Min: a.Min, Max: a.Max, Whole: a.Type == vocab.Int}
}

func is(label string, v metric.Value) metric.Value {
	v.Split = label
	return v
}

func orDuration(v metric.Value) metric.Value {
	v.OrDuration = true
	return v
}

func isTrue(key string) metric.Condition {
	return metric.Condition{Field: span(key), In: []string{"true"}}
}

func span(key string) metric.Field {
	return metric.Field{Origin: metric.Span, Key: key}
}

func either(key string) metric.Label {
	return metric.Label{Name: key, Field: metric.Field{Key: key}}
}

func resource(key string) metric.Label {
	return metric.Label{Name: key, Field: metric.Field{Origin: metric.Resource, Key: key}}
}

func intrinsic(key string) metric.Label {
	return metric.Label{Name: key, Field: metric.Field{Origin: metric.Intrinsic, Key: key}}
}
