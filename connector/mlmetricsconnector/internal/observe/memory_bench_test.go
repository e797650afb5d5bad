package observe

import (
	"runtime"
	"testing"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/testspans"
)

// BenchmarkMemory is what series keep in memory: bytes, and objects for the garbage collector to look at. An iteration
// makes some 90,000 series, gives them out once, and fills them again.
func BenchmarkMemory(b *testing.B) {
	for range b.N {
		before := heap()
		options := shippedOptions()
		options.SeriesLimit = 0
		a := newAggregate(shippedPlan(), options)
		series := 0
		for range 2 {
			for i := range uint64(400) {
				a.observers[0].consume(testspans.Batch(64, 6000, i), a.now())
			}
			_, err := a.Flush(func(m pmetric.Metrics) error { series += m.DataPointCount(); return nil })
			if err != nil {
				b.Fatal(err)
			}
		}
		for i := range uint64(400) {
			a.observers[0].consume(testspans.Batch(64, 6000, i), a.now())
		}
		after := heap()
		series = 0
		for _, c := range a.takeCounts().metrics {
			series += c.Active
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(series), "B/series")
		b.ReportMetric(float64(after.HeapObjects-before.HeapObjects)/float64(series), "objects/series")
		b.ReportMetric(float64(series), "series")
		runtime.KeepAlive(a)
	}
}

func heap() (m runtime.MemStats) {
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}
