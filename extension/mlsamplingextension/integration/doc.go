// Package integration runs the mlsampling policy inside mltailsampling and tail_sampling.
package integration
