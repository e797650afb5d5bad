// Package integration runs the ml_sampling policy inside the tail_sampling processor.
package integration
