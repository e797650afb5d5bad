package spans

import "github.com/otelcol-ml/otelcol-ml/internal/vocab"

// Bottleneck is one of the four bottlenecks of the page.
type Bottleneck struct {
	// Cause is its name in ml.diagnosis.*.
	Cause string
	// Title is a sentence without its full stop.
	Title string
	// Signal is the attribute that marks a span.
	Signal string
	part   Part
}

// Bottlenecks are the four bottlenecks, in the order of the article.
var Bottlenecks = [...]Bottleneck{
	{"feature_store", "Feature store fell back to its database", vocab.SignalFeatureCascade, Database},
	{"gpu_queue", "Waited longer for the GPU than it computed", vocab.SignalQueueBound, Queue},
	{"revalidation", "Output repaired without an error", vocab.SignalRevalidated, Repair},
	{"cold_start", "Component loaded while a request waited", vocab.SignalColdStart, Load},
}

// Lost returns the time in ms that the span lost to each bottleneck for which it has a signal.
func (s Span) Lost() (lost [len(Bottlenecks)]float64) {
	var segments []Segment
	for i, b := range Bottlenecks {
		if !s.Is(b.Signal) {
			continue
		}
		if segments == nil {
			segments = s.Segments()
		}
		for _, segment := range segments {
			if segment.Part == b.part {
				lost[i] = float64(segment.To-segment.From) / millisecond
			}
		}
	}
	return lost
}
