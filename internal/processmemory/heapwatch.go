package processmemory

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// HeapWatch reports whether the live part of Go's heap, which garbage is no part of, has reached a limit.
type HeapWatch struct {
	limit   uint64
	samples []metrics.Sample
	high    bool
	// cycles are the collections up to now, and at when the last of them was seen.
	cycles uint64
	at     time.Time
}

// NewHeapWatch returns a watch with a limit in bytes.
func NewHeapWatch(limit int64) *HeapWatch {
	return &HeapWatch{limit: uint64(limit), samples: []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/cycles/total:gc-cycles"},
	}}
}

// staleAfter is how long the last collection may be past while the heap is high. Where little happens it would otherwise
// be two minutes until the next.
const staleAfter = 5 * time.Second

// High reports whether the heap is at the limit; once it is, until it is a tenth below. It is to be called every second
// or more often, by one goroutine.
func (w *HeapWatch) High(now time.Time) bool {
	metrics.Read(w.samples)
	if cycles := w.samples[1].Value.Uint64(); cycles != w.cycles {
		w.cycles, w.at = cycles, now
	} else if w.high && now.Sub(w.at) > staleAfter {
		runtime.GC()
		metrics.Read(w.samples)
	}
	live := w.samples[0].Value.Uint64()
	w.high = live >= w.limit || w.high && live >= w.limit/10*9
	return w.high
}
