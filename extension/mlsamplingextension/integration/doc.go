// Package integration runs the ml_sampling policy inside mltailsampling and tail_sampling.
package integration
