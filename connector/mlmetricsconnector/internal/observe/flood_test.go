package observe

import (
	"bytes"
	"maps"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/builtin"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// floods are the series limits whose memory the README states, with how many label sets are sent against them and how
// much of the heap may be in use on two cores after a collection, whatever arrives: the connector and the test's batches.
var floods = []struct {
	limit, rounds, batches int // batches of each round, over all writers
	memory                 uint64
}{
	{2000, 12, 100, 150 << 20},
	{10_000, 8, 100, 450 << 20}, // the default
}

// TestFloodOfLabelSets sends spans that have every attribute of the vocabulary, each with a name, a model, a device and
// more of its own: a label set that was not there before for every metric. The heap in use stays within
// the bound and no longer grows, series that were there before stay exact, sums are right, and telemetry shows which
// labels are to blame. With the race detector or -short there are fewer spans and a tenth of the limit,
// too few to reports whether memory grows.
func TestFloodOfLabelSets(t *testing.T) {
	few := raceDetector || testing.Short()
	cores := 2
	if text := os.Getenv("CORES"); text != "" { // only to measure; tables for more cores need more spans to fill
		var err error
		cores, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	// Observers cost memory, and there is one for each core from two on.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	for _, f := range floods {
		switch {
		case few:
			f.limit, f.rounds, f.batches = f.limit/10, 5, 2
		case cores != 2:
			f.rounds, f.memory = 2*f.rounds, math.MaxUint64
		}
		t.Run(strconv.Itoa(f.limit), func(t *testing.T) { flood(t, f.limit, f.rounds, f.batches, f.memory, !few && cores == 2) })
	}
}

const floodBatch = 1000

func flood(t *testing.T, limit, rounds, batches int, bound uint64, flat bool) {
	debug.FreeOSMemory() // what other tests left
	clock := newFakeClock()
	metrics := builtin.Metrics()
	a := newAggregate(compile(metrics), settings{SeriesLimit: limit, AdjustedCounts: true, Now: clock.Now})
	known := fullSpans(1)
	nameSpan(known.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0), "known")
	a.Consume(known)
	flush(t, a)

	names := make(chan int, batches)
	early, late := uint64(0), uint64(0)
	for round := range rounds {
		for i := range batches {
			names <- (round*batches + i) * floodBatch
		}
		var writers sync.WaitGroup
		for w, s := range a.observers { // each writer fills an observer of its own, the worst case
			writers.Go(func() {
				td := fullSpans(floodBatch)
				spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
				for range (batches + w) / len(a.observers) {
					first := <-names
					for j, span := range spans.All() {
						nameSpan(span, strconv.Itoa(first+j))
					}
					s.shard.Lock()
					s.consume(td, a.now())
					s.consume(known, a.now())
					s.shard.Unlock()
				}
			})
		}
		writers.Wait()
		require.Empty(t, names)
		if round < rounds-1 {
			flush(t, a)
		}
		if used := inUse(); round < rounds/2 {
			early = max(early, used)
		} else {
			late = max(late, used)
		}
	}
	sets := rounds * batches * floodBatch
	all := 0
	for i := range metrics {
		all += sets * len(metrics[i].Values)
	}
	t.Logf("series_limit %d, %d label sets from %d spans: %d MB in use at most in the first half, %d MB in the second, %d MB resident at most", limit, all, sets, early>>20, late>>20, resident()>>20)
	require.Less(t, max(early, late), bound)
	if flat {
		require.Less(t, late, early+early/8, "memory grows with what arrives")
	}

	totals, overflow, before := map[string]float64{}, map[string]float64{}, map[string]float64{}
	last := map[string]point{}
	_, err := a.Flush(func(part pmetric.Metrics) error { maps.Copy(last, points(part)); return nil })
	require.NoError(t, err)
	for key, p := range last {
		totals[p.metric] += p.value
		switch {
		case key == p.metric+"map[otel.metric.overflow:true]":
			overflow[p.metric] = p.value
		case p.value > 1:
			before[p.metric] += p.value
		}
	}
	for i, c := range a.takeCounts().metrics {
		m := metrics[i]
		each := len(m.Values) // the series of one span, tokens of input and of output for example
		require.Equal(t, limit, c.Active, m.Name)
		require.EqualValues(t, each*sets-(limit-each), c.Overflowed, m.Name)
		if m.Kind != metric.Gauge {
			require.EqualValues(t, each*(sets+rounds*batches+1), totals[m.Name], m.Name)
			require.EqualValues(t, each*(rounds*batches+1), before[m.Name], "%s: the series that was there before the flood", m.Name)
			require.EqualValues(t, each*sets-(limit-each), overflow[m.Name], "%s: all that came after the limit", m.Name)
		}
		for j, label := range a.plan.Metrics[i].Names {
			if slices.Contains(flooded, label) {
				require.GreaterOrEqual(t, c.LabelValues[j], limit/each, "%s of %s is to blame", label, m.Name)
			} else {
				require.LessOrEqual(t, c.LabelValues[j], max(len(vocab.Signals), each), "%s of %s", label, m.Name)
			}
		}
	}
}

// fullSpans returns spans of a request that have every attribute of the vocabulary, numbers of 1, and an event of each kind.
func fullSpans(n int) ptrace.Traces {
	td := spansNamed(make([]string, n)...)
	attributes := td.ResourceSpans().At(0).Resource().Attributes()
	for _, key := range []string{vocab.ServiceName, vocab.ServiceInstanceID, vocab.PipelineName, vocab.DeploymentEnvironment} {
		attributes.PutStr(key, "the one "+key)
	}
	for _, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		for _, a := range vocab.Attributes {
			switch a.Type {
			case vocab.Bool:
				span.Attributes().PutBool(a.Key, true)
			case vocab.Int:
				span.Attributes().PutInt(a.Key, 1)
			case vocab.Double:
				span.Attributes().PutDouble(a.Key, 1)
			default:
				span.Attributes().PutStr(a.Key, "the one "+a.Key)
			}
		}
		span.Attributes().PutStr(vocab.Stage, vocab.StageRequest)
		span.Events().AppendEmpty().SetName(vocab.EventValidationFailed)
		span.Events().AppendEmpty().SetName(vocab.EventDataCheckFailed)
	}
	return td
}

// flooded are the labels of which every span has a value of its own.
var flooded = []string{metric.SpanName, vocab.ModelName, vocab.ModelVersion, vocab.DeviceID, "component", "reason", "field", "check", "column"}

func nameSpan(span ptrace.Span, name string) {
	span.SetName("operation " + name)
	for _, key := range []string{vocab.ModelName, vocab.ModelVersion, vocab.DeviceID, vocab.ColdStartComponent} {
		span.Attributes().PutStr(key, key+" "+name)
	}
	span.Events().At(0).Attributes().PutStr(vocab.EventReason, "reason "+name)
	span.Events().At(0).Attributes().PutStr(vocab.EventField, "field "+name)
	span.Events().At(1).Attributes().PutStr(vocab.EventCheck, "check "+name)
	span.Events().At(1).Attributes().PutStr(vocab.EventColumn, "column "+name)
}

// inUse is what of the heap is in use after a collection.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// resident is what the process holds resident at most until now, 0 where the system does not say.
func resident() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, line, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(line)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, _ := strconv.ParseUint(string(fields[0]), 10, 64)
	return kilobytes << 10
}
