// Package cause divides the time of a request among causes, from the attributes
// that mlsignals sets.
//
// Read reads the Facts of a span. A Ledger is used for one trace at a time, by one
// goroutine: set Facts, call Prepare with the tree, compute the critical path with
// Ahead, then call Divide with its segments and read Time.
package cause

// Cause is a cause of time.
type Cause uint8

// The causes. If two have the same time, the one that comes first here counts as larger.
const (
	GPUQueue Cause = iota
	GPUCompute
	// GPUPrefill and GPUDecode are the compute for the prompt and for the tokens after the first, if the server reports both.
	GPUPrefill
	GPUDecode
	FeatureStore
	ColdStart
	Revalidation
	Other
	// Size is the number of causes.
	Size
)

// Names are the names of the causes in attributes and labels.
var Names = [Size]string{"gpu_queue", "gpu_compute", "gpu_prefill", "gpu_decode", "feature_store", "cold_start", "revalidation", "other"}

func (c Cause) String() string { return Names[c] }
