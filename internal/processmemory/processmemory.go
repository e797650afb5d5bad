// Package processmemory reads how much memory the process may use, and keeps
// Go's heap within a part of it.
package processmemory

import (
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// heapShare is the part of the memory, in percent, that Go's heap may use before
// it is collected more often: the soft limit of memory_limiter in otelcol.yaml,
// so that garbage alone never has that refuse requests. The spans that wait in
// mltailsampling, which are not on the heap, are beside it.
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

// Total returns the limit of the control group or, where there is none, the
// machine's memory, in bytes: what memory_limiter takes its percentages of.
func Total() (int64, error) {
	total, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
	return int64(min(total, 1<<62)), err
}
