// Package mltailsamplingprocessor is the mltailsampling processor: contrib's
// tail_sampling with its settings and policies, behind a hold in which spans
// wait encoded and from which traces that no policy can keep are dropped
// undecoded.
package mltailsamplingprocessor
