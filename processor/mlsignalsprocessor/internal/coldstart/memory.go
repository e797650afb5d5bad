package coldstart

import (
	"container/list"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Memory remembers when each load happened first. It holds a bounded number of
// loads and forgets the one that happened least recently.
// It is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	max     int
	loads   map[Load]*list.Element
	recent  *list.List // of *first, the most recent at the front
	evicted int64
}

// first is the earliest time seen of a load, and the span that told it.
type first struct {
	load  Load
	start pcommon.Timestamp
	span  pcommon.SpanID
}

// NewMemory returns a memory of at most max loads.
func NewMemory(max int) *Memory {
	return &Memory{max: max, loads: map[Load]*list.Element{}, recent: list.New()}
}

// Reload remembers a load and tells whether it had happened before. Spans may
// come in any order: one that started before every other one seen is the first,
// however late it arrives. The same span sent twice is one load.
func (m *Memory) Reload(load Load, start pcommon.Timestamp, span pcommon.SpanID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.loads[load]; ok {
		m.recent.MoveToFront(e)
		f := e.Value.(*first)
		if start < f.start {
			f.start, f.span = start, span
			return false
		}
		return span != f.span
	}
	m.loads[load] = m.recent.PushFront(&first{load: load, start: start, span: span})
	if len(m.loads) > m.max {
		oldest := m.recent.Back()
		m.recent.Remove(oldest)
		delete(m.loads, oldest.Value.(*first).load)
		m.evicted++
	}
	return false
}

// Len is the number of loads remembered.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.loads)
}

// Evicted is the number of loads forgotten for want of room.
func (m *Memory) Evicted() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.evicted
}
