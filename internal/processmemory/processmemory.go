// Package processmemory reads how much memory the process may use, and limits Go's heap to a part of it.
//
// Call LimitHeap once, before the collector starts: the limit is the whole process's. Total may be called concurrently.
// A HeapWatch belongs to one goroutine.
package processmemory

import (
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// heapShare is the share of the memory, in percent, at which Go's garbage collector starts to run more often. It is
// the soft limit of memory_limiter in otelcol.yaml, so that garbage alone never causes refusals. The spans that
// mltailsampling buffers outside the heap are in addition.
const heapShare = 45

// LimitHeap sets the limit of GOMEMLIMIT, unless the variable is set.
func LimitHeap() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if total, err := Total(); err == nil {
		debug.SetMemoryLimit(total / 100 * heapShare)
	}
}

// Total returns the memory limit of the control group or, if there is none, the machine's memory, in bytes.
// memory_limiter computes its percentages from the same value.
func Total() (int64, error) {
	total, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
	return int64(min(total, 1<<62)), err
}
