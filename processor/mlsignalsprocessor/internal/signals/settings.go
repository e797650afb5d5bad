// Package signals derives values and signals from the values of one span: a GPU
// queue, a feature store fallback, a repaired output.
//
// Call Fill, which adds values that follow from others, then Derive, which sets
// ratios and signals. Both change only the values that they are given, so they
// may be called concurrently for different spans, with the same Settings.
package signals

import (
	"time"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// Settings are the thresholds of the signals.
type Settings struct {
	// Enabled has the signals that may be set.
	Enabled values.Set
	// QueueBoundRatio: a span is queue bound if queue wait / forward pass is above it.
	QueueBoundRatio float64
	// HighQueueWait is the shortest queue wait that is high.
	HighQueueWait time.Duration
	// CascadeShare is the smallest share of its span that makes a database lookup a cascade, 0 to 1.
	CascadeShare float64
	// RevalidatedAttempts is the smallest number of validations of a revalidated output.
	RevalidatedAttempts int
}

// Span has what the derivations need of a span beside its attributes.
type Span struct {
	// DurationMS is the duration in ms, negative if the span has none.
	DurationMS float64
	// Failed reports whether the status is ERROR.
	Failed bool
	// WaitOnly reports whether the forward pass that belongs to the wait is on another span.
	WaitOnly bool
}
