// Package mlsamplingextension is the mlsampling policy of mltailsampling and tail_sampling: it
// keeps rare signals whole and holds abundant ones to a budget of traces per
// second, and says on each kept trace how many it stands for.
package mlsamplingextension
