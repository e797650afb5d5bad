package mltrainingconnector

import (
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// memory holds the trace IDs of training runs: the newest half of its limit, and what the other half has seen lately.
type memory struct {
	mutex sync.RWMutex
	// A trace that is looked up in older moves to newer. A full newer becomes older, and what was older is forgotten.
	newer, older map[pcommon.TraceID]struct{}
	half         int
}

func newMemory(limit int) *memory {
	return &memory{newer: map[pcommon.TraceID]struct{}{}, half: max(limit/2, 1)}
}

// has tells whether a trace is known, and keeps it known.
func (m *memory) has(id pcommon.TraceID) bool {
	m.mutex.RLock()
	_, newer := m.newer[id]
	_, older := m.older[id]
	m.mutex.RUnlock()
	if older && !newer {
		m.add(id)
	}
	return newer || older
}

// add makes a trace known, and tells whether it was not.
func (m *memory) add(id pcommon.TraceID) bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if _, known := m.newer[id]; known {
		return false
	}
	_, known := m.older[id]
	if len(m.newer) >= m.half {
		m.older, m.newer = m.newer, make(map[pcommon.TraceID]struct{}, m.half)
	}
	m.newer[id] = struct{}{}
	return !known
}

// empty tells whether no trace is known, which is all that a collector of services ever asks.
func (m *memory) empty() bool {
	m.mutex.RLock()
	defer m.mutex.RUnlock()
	return len(m.newer) == 0
}
