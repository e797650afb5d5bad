package coldstart

import (
	"container/list"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Memory remembers the first load of each component by each instance. It holds
// a bounded number of them and forgets the one that was loaded least recently.
// It is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	max     int
	loads   map[key]*list.Element
	recent  *list.List // of *load, the most recent at the front
	evicted int64
}

type key struct{ instance, component string }

type load struct {
	key
	// first is the start of the earliest load seen.
	first pcommon.Timestamp
	span  pcommon.SpanID
}

// NewMemory returns a memory of at most max loads.
func NewMemory(max int) *Memory {
	return &Memory{max: max, loads: map[key]*list.Element{}, recent: list.New()}
}

// Reload remembers a load and tells whether the instance had loaded the
// component before. Spans may come in any order: a load that started before
// every other one seen is the first, however late it arrives. The same span sent twice is one load.
func (m *Memory) Reload(instance, component string, start pcommon.Timestamp, span pcommon.SpanID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.loads[key{instance, component}]; ok {
		m.recent.MoveToFront(e)
		l := e.Value.(*load)
		if start < l.first {
			l.first, l.span = start, span
			return false
		}
		return span != l.span
	}
	// The strings may be parts of a batch, and the memory outlives it.
	k := key{strings.Clone(instance), strings.Clone(component)}
	m.loads[k] = m.recent.PushFront(&load{key: k, first: start, span: span})
	if len(m.loads) > m.max {
		oldest := m.recent.Back()
		m.recent.Remove(oldest)
		delete(m.loads, oldest.Value.(*load).key)
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
