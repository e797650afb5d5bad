package attempts

import (
	"runtime"
	"testing"
	"time"
)

// BenchmarkAdd reports what a full table takes for each parent.
func BenchmarkAdd(b *testing.B) {
	const parents = 50_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	t := NewTable(parents, time.Hour)
	for i := range 2 * parents {
		t.Add(key(i), Call{}, now)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		t.Add(key(i), Call{}, now)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/parents, "B/parent")
	runtime.KeepAlive(t)
}
