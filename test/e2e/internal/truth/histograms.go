// Package truth says what the collector must count for requests that were sent.
package truth

import (
	"math"
	"slices"
	"time"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
)

// Observation is a value and the service whose span carries it.
type Observation struct {
	Service string
	Value   float64
}

// Histograms are the observations of each histogram, by its name in Prometheus.
func Histograms(sent []shop.Sent) map[string][]Observation {
	observed := map[string][]Observation{}
	for _, s := range sent {
		observe(observed, s)
	}
	return observed
}

func observe(observed map[string][]Observation, s shop.Sent) {
	add := func(metric, span string, value float64) {
		observed[metric] = append(observed[metric], Observation{Service: s.ServiceOf(span), Value: value})
	}
	for _, span := range s.Spans {
		observed["duration_ms"] = append(observed["duration_ms"], Observation{span.Service, inMilliseconds(span.Duration)})
	}
	add("ml_pipeline_latency_ms", "ml.pipeline.request", inMilliseconds(s.Duration()))

	const extraction = "ml.feature_extraction"
	add("ml_feature_extraction_cache_lookup_ms", extraction, shop.Milliseconds(s.Features.CacheLookup))
	add("ml_features_cache_hit_rate", extraction, float64(s.Features.CacheHits)/float64(s.Features.Requested))
	if s.Features.CacheMisses() > 0 {
		add("ml_feature_extraction_db_lookup_ms", extraction, shop.Milliseconds(s.Features.DBLookup))
	}

	const inference = "ml.inference"
	wait, forward := shop.Milliseconds(s.Inference.QueueWait), shop.Milliseconds(s.Inference.ForwardPass)
	add("ml_inference_queue_wait_ms", inference, wait)
	add("ml_inference_forward_pass_ms", inference, forward)
	add("ml_inference_queue_compute_ratio", inference, wait/forward)
	add("ml_batch_size", inference, float64(s.Inference.BatchSize))

	if s.Inference.Error == "" {
		add("ml_post_processing_validation_attempts", "ml.post_processing", float64(s.Post.Attempts()))
	}
	if s.ColdStart() {
		add("ml_cold_start_duration_ms", "tokenizer_init", shop.Milliseconds(s.Assembly.ColdStart))
	}
}

func inMilliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Sum adds the values.
func Sum(observations []Observation) float64 {
	var sum float64
	for _, o := range observations {
		sum += o.Value
	}
	return sum
}

// ByService groups the values.
func ByService(observations []Observation) map[string][]float64 {
	by := map[string][]float64{}
	for _, o := range observations {
		by[o.Service] = append(by[o.Service], o.Value)
	}
	return by
}

// Quantile is what histogram_quantile answers for values counted into buckets with these upper bounds, ascending and
// positive: it is interpolated inside the bucket that holds the quantile, and the last finite bound beyond that.
func Quantile(q float64, values, bounds []float64) float64 {
	counts := make([]float64, len(bounds)+1)
	for _, v := range values {
		// An upper bound belongs to its bucket.
		bucket, _ := slices.BinarySearch(bounds, v)
		counts[bucket]++
	}
	rank := q * float64(len(values))
	var below, lower float64
	for i, upper := range bounds {
		if counts[i] > 0 && below+counts[i] >= rank {
			return lower + (upper-lower)*(rank-below)/counts[i]
		}
		below += counts[i]
		lower = upper
	}
	if len(bounds) == 0 {
		return math.NaN()
	}
	return bounds[len(bounds)-1]
}
