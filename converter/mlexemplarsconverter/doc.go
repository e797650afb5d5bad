// Package mlexemplarsconverter sets the exemplar rules of the mlmetrics
// connector from the policies of the tail_sampling processor behind it, and
// refuses rules by which exemplars would point at traces that are not kept.
package mlexemplarsconverter
