package join

import (
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// BenchmarkMatch is per span of a pair. B/span is the memory of a full table for each span that it remembers.
func BenchmarkMatch(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table := NewTable(50_000, time.Minute)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		pair := uint64(i / 2)
		k := Key{Span: pcommon.SpanID{byte(pair)}}
		binary.BigEndian.PutUint64(k.Trace[8:], pair*0x9e3779b97f4a7c15)
		table.Match(k, i%2, Mode{}, Side{Span: pcommon.SpanID{byte(i % 2)}}, now)
	}
	stats := table.Stats(now)
	if b.N > 1 && stats.Hits == 0 {
		b.Fatal("nobody met")
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(stats.Size), "B/span")
	runtime.KeepAlive(table)
}
