package truth

import (
	"strconv"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
)

// Counter is a counter's values for each combination of the labels that are compared, the labels' values joined by "/".
type Counter struct {
	Labels []string
	Values map[string]float64
}

// Total adds up the values.
func (c Counter) Total() float64 {
	var total float64
	for _, value := range c.Values {
		total += value
	}
	return total
}

// Counters are the counters by their name in Prometheus.
func Counters(sent []shop.Sent) map[string]Counter {
	counters := map[string]Counter{}
	count := func(metric string, by float64, labels []string, key string) {
		if by == 0 {
			return
		}
		if counters[metric].Values == nil {
			counters[metric] = Counter{Labels: labels, Values: map[string]float64{}}
		}
		counters[metric].Values[key] += by
	}
	for _, s := range sent {
		for _, span := range s.Spans {
			count("ml_stage_calls_total", 1, []string{"service_name", "status_code"}, span.Service+"/"+status(span))
		}
		count("ml_pipeline_requests_total", 1, []string{"ml_pipeline_success"}, strconv.FormatBool(!s.Failed()))
		count("ml_features_cache_hits_total", float64(s.Features.CacheHits), nil, "")
		count("ml_features_cache_misses_total", float64(s.Features.CacheMisses()), nil, "")
		count("ml_features_unavailable_total", float64(s.Features.Unavailable), nil, "")
		if s.Inference.Error == "" {
			for _, failure := range s.Post.Failures {
				count("ml_output_validation_failures_total", 1, []string{"reason", "field"}, failure.Reason+"/"+failure.Field)
			}
		}
		if s.Revalidated() {
			count("ml_post_processing_revalidations_total", 1, nil, "")
		}
		if s.ColdStart() {
			count("ml_cold_starts_total", 1, []string{"component", "reload"}, "tokenizer/"+strconv.FormatBool(s.Reload))
		}
		if !s.Failed() {
			count("ml_tokens_total", float64(s.OutputTokens), []string{"direction"}, "output")
		}
		for signal, n := range s.Signals() {
			count("ml_signals_total", float64(n), []string{"signal"}, signal)
		}
	}
	return counters
}

// status is the status.code label: the SDK leaves the status of a span that did not fail unset.
func status(span shop.Span) string {
	if span.Error {
		return "ERROR"
	}
	return "UNSET"
}
