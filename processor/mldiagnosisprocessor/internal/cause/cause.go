// Package cause tells what the time of a span was spent on, from the canonical
// attributes that mlsignals sets.
package cause

// Cause is what time is spent on.
type Cause uint8

// The causes. Of two that took equally long the one that is named first here counts as the larger.
const (
	GPUQueue Cause = iota
	GPUCompute
	// GPUPrefill and GPUDecode are the compute for the prompt and that for the tokens after the first, where the server tells them apart.
	GPUPrefill
	GPUDecode
	FeatureStore
	ColdStart
	Revalidation
	Other
	// Size is how many there are.
	Size
)

// Names are the causes as they stand in attributes and labels.
var Names = [Size]string{"gpu_queue", "gpu_compute", "gpu_prefill", "gpu_decode", "feature_store", "cold_start", "revalidation", "other"}

func (c Cause) String() string { return Names[c] }
