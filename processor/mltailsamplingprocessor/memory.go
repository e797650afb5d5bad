package mltailsamplingprocessor

import (
	"fmt"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryShare is the part of the process's memory that may hold spans where max_bytes is not set.
const memoryShare = 4

// maxBytes returns the bound of what is held.
func (c *Config) maxBytes() (int64, error) {
	if c.MaxBytes > 0 {
		return c.MaxBytes, nil
	}
	// As memory_limiter does: the limit of the control group, or else the machine's memory.
	total, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
	if err != nil {
		return 0, fmt.Errorf("max_bytes: found 0, and the memory of the machine cannot be read; set it: %w", err)
	}
	return max(int64(min(total/memoryShare, 1<<62)), minMaxBytes), nil
}
