// Package mltailsamplingprocessor is the mltailsampling processor: contrib's
// tail_sampling with its settings and policies, behind a buffer that keeps
// spans encoded and drops traces that no policy can keep without decoding them.
//
// ConsumeTraces may be called concurrently. It encodes the batch and does not
// change or retain it. One goroutine, between Start and Shutdown, takes from the
// buffer what is due and sends it to the policies or to the next component,
// which owns what it gets.
package mltailsamplingprocessor
