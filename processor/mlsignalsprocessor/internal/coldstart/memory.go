package coldstart

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/recent"
)

// Memory remembers when each load happened first. It is bounded: it evicts the
// loads that did not happen again for the longest time. It is safe for concurrent use.
type Memory struct {
	mu    sync.Mutex
	loads *recent.Map[Load, first]
}

// first is the earliest start seen of a load, and the span that has it.
type first struct {
	start pcommon.Timestamp
	span  pcommon.SpanID
}

// NewMemory returns a memory of at least the last loads loads, at most twice as
// many.
func NewMemory(loads int) *Memory {
	return &Memory{loads: recent.New[Load, first](loads, 0)}
}

// Reload remembers a load and reports whether it happened before. Spans may
// arrive in any order: the one with the earliest start is the first load, even
// if it arrives late. A span that was sent twice is one load.
func (m *Memory) Reload(load Load, start pcommon.Timestamp, span pcommon.SpanID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, known := m.loads.Get(load, time.Time{})
	if known && before.start <= start {
		return span != before.span
	}
	m.loads.Put(load, first{start, span}, time.Time{})
	return false
}

// Len returns the number of loads remembered.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loads.Len()
}

// Evicted returns the number of evicted loads.
func (m *Memory) Evicted() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loads.Forgotten()
}
