package series

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/lightstep/go-expohisto/structure"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/builtin"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

// labelBytes is the length of all label values of a series in the table.
const labelBytes = 120

// A Go map of a string and a pointer takes about this much for an entry: 24 bytes, a byte of metadata, and the free
// places of a table that is 7/8 full at most and half of that after it has grown.
const mapEntry = 40

// cost is what a series takes in bytes: in the store, and for each observer that has met it.
func cost(kind metric.Kind, form metric.Form, bounds int) (store, observer int) {
	word := int(unsafe.Sizeof(uintptr(0)))
	store = int(unsafe.Sizeof(series{})) + labelBytes + 12 + mapEntry + word // the key has the lengths too; the metric has a list of series
	observer = int(unsafe.Sizeof(Accumulator{})) + word                      // the series has a list of accumulators
	if kind == metric.Histogram {
		store += 8 * (bounds + 1)
		observer += 8 * (bounds + 1)
		if form == metric.Exponential {
			// The largest: 160 buckets of 2 bytes, in powers of two; while counts stay below 256 half of that.
			exponential := int(unsafe.Sizeof(structure.Float64{})) + 24 + 160*2
			store += exponential
			observer += exponential
		}
	}
	return store, observer
}

// costTable describes what series cost.
func costTable() string {
	var b strings.Builder
	b.WriteString("| Series of a | in the store | for each core that observes it |\n|---|--:|--:|\n")
	for _, row := range []struct {
		name   string
		kind   metric.Kind
		form   metric.Form
		bounds int
	}{
		{"gauge or counter", metric.Counter, "", 0},
		{fmt.Sprintf("histogram of %d bounds, as `duration_ms`", len(builtin.DefaultBuckets)), metric.Histogram, metric.Explicit, len(builtin.DefaultBuckets)},
		{"exponential histogram, at most", metric.Histogram, metric.Exponential, len(builtin.DefaultBuckets)},
	} {
		store, observer := cost(row.kind, row.form, row.bounds)
		fmt.Fprintf(&b, "| %s | %d B | %d B |\n", row.name, store, observer)
	}
	return b.String()
}

// TestCostTable fails where the table of the README differs from the sizes of the code. `go test -update` writes it.
func TestCostTable(t *testing.T) {
	golden.EqualSections(t, "../../README.md", map[string]string{"cost": costTable()})
}

// TestSeriesCostWhatTheTableSays makes series that two shards have met and compares the heap with the table.
func TestSeriesCostWhatTheTableSays(t *testing.T) {
	const n = 20_000
	for _, c := range []struct {
		kind metric.Kind
		form metric.Form
	}{{metric.Counter, ""}, {metric.Histogram, metric.Explicit}} {
		plan := compile([]metric.Definition{{
			Name: "m", Kind: c.kind, Form: c.form, Values: []metric.Value{{Source: metric.Count}},
			Labels: []metric.Label{{Name: "l", Field: metric.Field{Key: "l"}}}, Buckets: builtin.DefaultBuckets,
		}})
		s := New(plan.Metrics, Options{Now: time.Now})
		s.shards = append(s.shards[:2:2], s.Exemplars()) // as on two cores
		before := heap()
		for _, shard := range s.Shards()[:2] {
			for i := range n {
				label := fmt.Sprintf("%0*d", labelBytes, i)
				shard.Lock()
				a := shard.Find(0, key(0, label))
				if c.kind == metric.Counter {
					shard.Add(a, 1, 1)
				} else {
					shard.AddToBucket(a, 0, 1, 1)
				}
				shard.Unlock()
			}
		}
		_, err := s.Flush(func(pmetric.Metrics) error { return nil })
		require.NoError(t, err)
		for _, shard := range s.shards {
			shard.dirty = nil
		}
		store, observer := cost(c.kind, c.form, len(builtin.DefaultBuckets))
		require.InEpsilon(t, store+2*observer, int(heap()-before)/n, 0.15, "%v", c.kind)
		runtime.KeepAlive(s)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
