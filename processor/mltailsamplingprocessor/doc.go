// Package mltailsamplingprocessor is the mltailsampling processor: contrib's
// tail_sampling with its settings and policies, behind a buffer that keeps
// spans encoded and drops traces that no policy can keep without decoding them.
package mltailsamplingprocessor
