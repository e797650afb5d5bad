// Package processmemory reads how much memory the process may use.
package processmemory

import "github.com/KimMachineGun/automemlimit/memlimit"

// Total returns the limit of the control group or, where there is none, the
// machine's memory, in bytes: what memory_limiter takes its percentages of.
func Total() (int64, error) {
	total, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
	return int64(min(total, 1<<62)), err
}
