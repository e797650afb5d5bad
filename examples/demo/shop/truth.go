package shop

import (
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Sent is a request that was played: what happened, and the spans that say so.
type Sent struct {
	Request
	TraceID trace.TraceID
	Spans   []Span
	// Reload is whether the cold start, if there is one, was not the first of its tokenizer.
	Reload bool
}

// Span is one span as it was sent.
type Span struct {
	Service, Instance, Name string
	ID                      trace.SpanID
	Start                   time.Time
	Duration                time.Duration
	Error                   bool
}

// The thresholds of the signals in their default configuration.
const (
	HighQueueWait = 300 * time.Millisecond
	CascadeShare  = 0.5
)

// QueueBound is whether the request waited longer for the GPU than the GPU worked for it.
func (r Request) QueueBound() bool { return r.Inference.QueueWait > r.Inference.ForwardPass }

// HighQueueWait is whether the request waited long for the GPU.
func (r Request) HighQueueWait() bool { return r.Inference.QueueWait >= HighQueueWait }

// FeatureCascade is whether the feature store fell back to its database and that took most of the extraction.
func (r Request) FeatureCascade() bool {
	f := r.Features
	return f.DBLookup > 0 && float64(f.DBLookup) >= CascadeShare*float64(f.Duration())
}

// FeaturesUnavailable is whether a feature was found nowhere.
func (r Request) FeaturesUnavailable() bool { return r.Features.Unavailable > 0 }

// Revalidated is whether the output failed a validation. Where the model server failed there was no output.
func (r Request) Revalidated() bool { return r.Inference.Error == "" && len(r.Post.Failures) > 0 }

// ColdStart is whether a component was loaded while the request waited.
func (r Request) ColdStart() bool { return r.Assembly.ColdStart > 0 }

// Slower is whether the request took longer than a threshold, in whole milliseconds, as tail sampling compares.
func (r Request) Slower(threshold time.Duration) bool {
	return r.Duration().Milliseconds() > threshold.Milliseconds()
}

// Signals counts the ml.signal.* that the request's spans show.
func (r Request) Signals() map[string]int {
	signals := map[string]int{}
	for name, set := range map[string]bool{
		"queue_bound":          r.QueueBound(),
		"high_queue_wait":      r.HighQueueWait(),
		"feature_cascade":      r.FeatureCascade(),
		"features_unavailable": r.FeaturesUnavailable(),
		"revalidated":          r.Revalidated(),
		"cold_start":           r.ColdStart(),
	} {
		if set {
			signals[name]++
		}
	}
	return signals
}

// ServiceOf is the service that sent the request's first span of a name, "" where it has none.
func (s Sent) ServiceOf(span string) string {
	for _, sent := range s.Spans {
		if sent.Name == span {
			return sent.Service
		}
	}
	return ""
}
