// Package mlsamplingextension is the mlsampling policy of mltailsampling and tail_sampling: it
// keeps all traces of rare signals, limits frequent ones to a budget of traces per
// second, and writes the adjusted count to each kept trace.
//
// The policies that name one extension share its budget. They may be called
// concurrently; package budget has the lock.
package mlsamplingextension
