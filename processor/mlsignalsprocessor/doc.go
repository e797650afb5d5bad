// Package mlsignalsprocessor is the mlsignals processor: it brings the spans of
// ML serving systems into one vocabulary and marks those that show a GPU queue,
// a feature store fallback, a repaired output or a cold start.
package mlsignalsprocessor
