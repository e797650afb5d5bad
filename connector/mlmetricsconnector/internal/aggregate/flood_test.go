package aggregate

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/catalogue"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// memoryBound is what the process may hold resident on two cores with 2,000 series allowed for each metric, whatever
// arrives: the connector, the garbage collector's share, the test's batches and the program. The README states it.
const memoryBound = 128 << 20

// TestFloodOfLabelSets sends ten million distinct label sets: every span has a span name and a model name of its own.
// Resident memory stays within the bound and no longer grows, a series that was there before stays exact, sums are
// right, and telemetry tells which labels are to blame. With the race detector or -short it sends 300,000.
func TestFloodOfLabelSets(t *testing.T) {
	const perBatch = 1000
	rounds, batches := 100, 100 // batches of each round, over all writers
	if raceDetector || testing.Short() {
		rounds, batches = 10, 30
	}
	// Stripes cost memory, and there is one for each core from two on.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	debug.FreeOSMemory() // what other tests left
	clock := newFakeClock()
	a := New(plan.Compile(catalogue.Metrics()), Options{SeriesLimit: 2000, AdjustedCounts: true, Exemplars: shipped(), Now: clock.Now})
	a.Consume(spansNamed("known"))
	flush(t, a)

	names := make(chan int, batches)
	early, late := uint64(0), uint64(0)
	for round := range rounds {
		for i := range batches {
			names <- (round*batches + i) * perBatch
		}
		var writers sync.WaitGroup
		for w, s := range a.stripes { // each writer fills a stripe of its own, the worst case
			writers.Go(func() {
				td := spansNamed(make([]string, perBatch)...)
				spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
				for range (batches + w) / len(a.stripes) {
					first := <-names
					for j, span := range spans.All() {
						n := strconv.Itoa(first + j)
						span.SetName("operation " + n)
						span.Attributes().PutStr(vocab.ModelName, "model "+n)
					}
					s.mu.Lock()
					s.consume(td, a.now())
					s.consume(spansNamed("known"), a.now())
					s.mu.Unlock()
				}
			})
		}
		writers.Wait()
		require.Empty(t, names)
		if round < rounds-1 {
			flush(t, a)
		}
		if used := memory(t); round < rounds/2 {
			early = max(early, used)
		} else {
			late = max(late, used)
		}
	}
	sets := rounds * batches * perBatch
	t.Logf("%d label sets: %d MB at most in the first half, %d MB in the second", sets, early>>20, late>>20)
	require.Less(t, max(early, late), uint64(memoryBound))
	require.Less(t, late, early+early/8, "memory grows with what arrives")

	totals, overflow, known := map[string]float64{}, map[string]float64{}, map[string]float64{}
	for key, p := range points(flush(t, a)) {
		totals[p.metric] += p.value
		switch {
		case key == p.metric+"map[otel.metric.overflow:true]":
			overflow[p.metric] = p.value
		case p.value > 1:
			known[p.metric] += p.value
		}
	}
	for _, name := range []string{"duration_ms", "ml.stage.calls"} {
		require.EqualValues(t, sets+rounds*batches+1, totals[name], name)
		require.EqualValues(t, rounds*batches+1, known[name], "%s: the series that was there before the flood", name)
		require.EqualValues(t, sets-(2000-1), overflow[name], "%s: all that came after the limit", name)
	}
	a.TakeCounts(func(c *Counts) {
		for i, m := range a.plan.Metrics {
			if m.Name != "duration_ms" {
				continue
			}
			require.Equal(t, 2000, c.Active[i])
			require.EqualValues(t, sets-(2000-1), c.Overflowed[i])
			for j, label := range m.Names {
				if label == "span.name" || label == vocab.ModelName {
					require.InEpsilon(t, sets, c.LabelValues[i][j], 0.15, "%s is to blame", label)
				} else {
					require.LessOrEqual(t, c.LabelValues[i][j], uint64(2), label)
				}
			}
		}
	})
}

// memory is what the process holds resident, as the system tells. Where it does not, or where the race detector's own
// memory would count, it is what is allocated.
func memory(t *testing.T) uint64 {
	t.Helper()
	if runtime.GOOS != "linux" || raceDetector {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, line, found := bytes.Cut(status, []byte("VmRSS:"))
	require.True(t, found)
	fields := bytes.Fields(line)
	kilobytes, err := strconv.ParseUint(string(fields[0]), 10, 64)
	require.NoError(t, err)
	require.Equal(t, "kB", string(fields[1]))
	return kilobytes << 10
}
