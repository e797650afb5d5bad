// Package cause tells what the time of a span was spent on, from the canonical
// attributes that mlsignals sets.
package cause

// Cause is what time is spent on.
type Cause uint8

// The causes. Of two that took equally long the one that is named first here counts as the larger.
const (
	GPUQueue Cause = iota
	GPUCompute
	FeatureStore
	ColdStart
	Revalidation
	Other
	// Size is how many there are.
	Size
)

// Names are the causes as they stand in attributes and labels.
var Names = [Size]string{"gpu_queue", "gpu_compute", "feature_store", "cold_start", "revalidation", "other"}

func (c Cause) String() string { return Names[c] }
