package integration

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/cache"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// BenchmarkDecisionCache tells what the decision caches of otelcol.yaml take when they are full, on the heap:
//
//	go test -C extension/mlsamplingextension/integration -run none -bench DecisionCache -benchtime 1x .
func BenchmarkDecisionCache(b *testing.B) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		before := heap()
		var caches []cache.Cache
		for _, size := range []int{100_000, 500_000} {
			c, err := cache.NewLRUDecisionCache(size)
			require.NoError(b, err)
			for range size + size/10 {
				var id pcommon.TraceID
				for i := range id {
					id[i] = byte(rand.Uint32())
				}
				c.Put(id, cache.DecisionMetadata{PolicyName: "errors"})
			}
			caches = append(caches, c)
		}
		b.ReportMetric(float64(heap()-before)/1e6, "MB")
		runtime.KeepAlive(caches)
	}
}
