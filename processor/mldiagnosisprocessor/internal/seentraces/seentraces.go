// Package seentraces remembers which traces have been processed, so that spans
// that arrive after their trace are not diagnosed as a trace of their own. It is
// bounded, and may be used concurrently.
package seentraces

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/recent"
)

// Trace is what is remembered about a trace.
type Trace struct {
	// Spans is the number of spans in its largest batch.
	Spans int32
	// Root reports whether its first batch had the root.
	Root bool
}

// Memory remembers recently processed traces. It is safe for concurrent use.
type Memory struct {
	mu     sync.Mutex
	traces *recent.Map[pcommon.TraceID, Trace]
}

// NewMemory returns a memory of at most maxTraces traces that remembers at least the latest half of them.
func NewMemory(maxTraces int) *Memory {
	return &Memory{traces: recent.New[pcommon.TraceID, Trace](maxTraces/2, 0)}
}

// Pass remembers a batch of a trace. It returns what was known about the trace, and whether the trace was known.
func (m *Memory) Pass(id pcommon.TraceID, spans int, root bool) (before Trace, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, known = m.traces.Get(id, time.Time{})
	now := Trace{int32(spans), root}
	if known {
		now = Trace{max(before.Spans, now.Spans), before.Root}
	}
	m.traces.Put(id, now, time.Time{})
	return before, known
}
