package traffic

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// traceID is random but for its last four bytes, the trace's index. The decision caches of tail sampling distinguish
// traces by the second half of their IDs, so that half has to differ.
func traceID(random *rand.Rand, index uint32) pcommon.TraceID {
	var id pcommon.TraceID
	binary.BigEndian.PutUint64(id[:8], random.Uint64()|1)
	binary.BigEndian.PutUint32(id[8:12], random.Uint32())
	binary.BigEndian.PutUint32(id[12:], index)
	return id
}

func spanID(index uint32, slot int) pcommon.SpanID {
	var id pcommon.SpanID
	binary.BigEndian.PutUint32(id[:4], index)
	binary.BigEndian.PutUint32(id[4:], uint32(slot)+1)
	return id
}

// Index is the index of a trace.
func Index(id pcommon.TraceID) int { return int(binary.BigEndian.Uint32(id[12:])) }

// Stored are the spans that a store has of each trace, as in [Sent.Spans].
type Stored []uint16

// NewStored is for so many traces.
func NewStored(traces int) Stored { return make(Stored, traces) }

// Add notes a span. It fails where the span is none of those that were sent.
func (s Stored) Add(trace pcommon.TraceID, span pcommon.SpanID) error {
	index, of, slot := uint32(Index(trace)), binary.BigEndian.Uint32(span[:4]), binary.BigEndian.Uint32(span[4:])-1
	if index != of || int(index) >= len(s) || int(slot) >= len(slots) {
		return fmt.Errorf("span %s of trace %s was never sent", span, trace)
	}
	s[index] |= 1 << slot
	return nil
}
