// Package signals derives from the readings of one span what a dashboard does
// not show: a GPU queue, a feature store fallback, a repaired output.
package signals

import (
	"time"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// Settings are the thresholds of the signals.
type Settings struct {
	// Enabled has the signals that may be set.
	Enabled values.Set
	// QueueBoundRatio: a span whose queue wait / forward pass is above it is queue bound.
	QueueBoundRatio float64
	// HighQueueWait: a queue wait of at least this is high.
	HighQueueWait time.Duration
	// CascadeShare: a database lookup of at least this share of the span is a cascade.
	CascadeShare float64
	// RevalidatedAttempts: an output with at least so many validations was revalidated.
	RevalidatedAttempts int
}

// Span is what the derivations need to know of a span beside its attributes.
type Span struct {
	// DurationMS is the duration in ms; negative where the span ends before it starts.
	DurationMS float64
	// Failed is true for the status ERROR.
	Failed bool
	// WaitOnly is true where the compute that belongs to the wait is on another span.
	WaitOnly bool
}
