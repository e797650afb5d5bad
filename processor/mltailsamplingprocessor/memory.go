package mltailsamplingprocessor

import (
	"fmt"

	"github.com/otelcol-ml/otelcol-ml/internal/processmemory"
)

// memoryShare is the part of the process's memory that may hold spans where max_bytes is not set.
const memoryShare = 4

// pressureShare is the part of the process's memory at which its live heap is too large where pressure_heap_bytes is not
// set: below the soft limit of memory_limiter in otelcol.yaml.
const pressureShare = 3

// maxBytes returns the bound of what is held.
func (c *Config) maxBytes() (int64, error) {
	if c.MaxBytes > 0 {
		return c.MaxBytes, nil
	}
	total, err := processmemory.Total()
	if err != nil {
		return 0, fmt.Errorf("max_bytes: found 0, must be set, because the memory of the machine cannot be read; write a number of bytes: %w", err)
	}
	return max(total/memoryShare, minMaxBytes), nil
}

// pressureHeapBytes returns the live heap at which the process is short of memory.
func (c *Config) pressureHeapBytes() (int64, error) {
	if c.PressureHeapBytes > 0 {
		return c.PressureHeapBytes, nil
	}
	total, err := processmemory.Total()
	if err != nil {
		return 0, fmt.Errorf("pressure_heap_bytes: found 0, must be set, because the memory of the machine cannot be read; write a number of bytes: %w", err)
	}
	return total / pressureShare, nil
}
