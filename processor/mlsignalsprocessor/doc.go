// Package mlsignalsprocessor is the mlsignals processor: it translates the spans
// of ML serving systems into one vocabulary and marks those that show a GPU
// queue, a feature store fallback, a repaired output or a cold start.
//
// Batches are processed concurrently, each by a pooled worker, which changes the
// spans in place. For each span it calls rules (match, read, join), lookup,
// nested and attempts (values from several spans), signals (derive), and writes
// the result. The tables that keep state between batches are safe for concurrent
// use and bounded.
package mlsignalsprocessor
