// Package integration runs mlmetrics, with the rules that the converter made, beside the tail_sampling that it made
// them from.
package integration
