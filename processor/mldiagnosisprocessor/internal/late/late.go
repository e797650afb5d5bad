// Package late remembers which traces have passed, so that spans that come
// after their trace's release are not taken for a trace of their own.
package late

import (
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Trace is what is remembered of a trace.
type Trace struct {
	// Spans are those of its largest batch.
	Spans int32
	// Root: its first batch had the root.
	Root bool
}

// Memory remembers traces in two generations: when the newer one is full it
// becomes the older one, and what was in that is forgotten. It is safe for concurrent use.
type Memory struct {
	mu         sync.Mutex
	newer      map[pcommon.TraceID]Trace
	older      map[pcommon.TraceID]Trace
	generation int
}

// NewMemory makes a memory of at most maxTraces, and of at least the last half as many.
func NewMemory(maxTraces int) *Memory {
	return &Memory{newer: map[pcommon.TraceID]Trace{}, older: map[pcommon.TraceID]Trace{}, generation: max(maxTraces/2, 1)}
}

// Pass notes a batch of a trace. It returns what was known of the trace, and whether anything was.
func (m *Memory) Pass(id pcommon.TraceID, spans int, root bool) (before Trace, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, known = m.newer[id]
	if !known {
		before, known = m.older[id]
	}
	now := Trace{int32(spans), root}
	if known {
		now = Trace{max(before.Spans, now.Spans), before.Root}
	}
	if _, here := m.newer[id]; !here && len(m.newer) >= m.generation {
		m.older, m.newer = m.newer, m.older
		clear(m.newer)
	}
	m.newer[id] = now
	return before, known
}
