package lookup

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

const ms = pcommon.Timestamp(time.Millisecond)

var now = time.Unix(1_790_000_000, 0)

func trace(n int) pcommon.TraceID { return pcommon.TraceID{byte(n >> 16), byte(n >> 8), byte(n), 1} }

func read(kind Kind, n int, start, end pcommon.Timestamp) *Read {
	return &Read{Kind: kind, Trace: trace(n), Parent: pcommon.SpanID{1}, Start: start * ms, End: end * ms, Service: 7}
}

func pass(t *Table, n int, role Role, service uint64, at time.Time) (float64, bool) {
	below, reads := t.Below(trace(n), pcommon.SpanID{1})
	if !reads {
		t.Passed(below)
		return 0, false
	}
	return t.Pass(below, pcommon.SpanID{2}, role, service, at)
}

func fallback(table *Table, n int, at time.Time) {
	table.Read(read(Cache, n, 1, 2), false, at)
	table.Read(read(Database, n, 3, 13), false, at)
}

func TestReadsAreForgotten(t *testing.T) {
	for name, tc := range map[string]struct {
		after time.Duration
		found bool
	}{
		"at once":        {0, true},
		"within the ttl": {time.Minute - time.Second, true},
		"long after":     {2 * time.Minute, false},
	} {
		table := NewTable(1000, time.Minute)
		table.Read(read(Cache, 0, 1, 2), false, now) // the shard's generations begin
		fallback(table, 1, now)
		got, found := pass(table, 1, Carrier, 7, now.Add(tc.after))
		assert.Equal(t, tc.found, found, name)
		if found {
			assert.Equal(t, 10.0, got)
		}
	}
}

// TestClockOfWholeMilliseconds: JavaScript's SDK starts spans too early by up to one.
func TestClockOfWholeMilliseconds(t *testing.T) {
	for end, found := range map[pcommon.Timestamp]bool{3*ms + ms/2: true, 4 * ms: false} {
		table := NewTable(1000, time.Minute)
		cache := read(Cache, 1, 1, 2)
		cache.End = end
		table.Read(cache, false, now)
		table.Read(read(Database, 1, 3, 13), false, now)
		_, got := pass(table, 1, Carrier, 7, now)
		assert.Equal(t, found, got, end)
	}
}

func TestTheTimeIsGivenOnce(t *testing.T) {
	table := NewTable(1000, time.Minute)
	fallback(table, 1, now)
	_, found := pass(table, 1, Carrier, 7, now)
	require.True(t, found)
	_, found = pass(table, 1, Carrier, 7, now)
	assert.False(t, found)
	assert.Zero(t, table.Stats(now).Size)
	assert.True(t, table.Empty())
}

func TestAnotherServiceDoesNotCarry(t *testing.T) {
	table := NewTable(1000, time.Minute)
	fallback(table, 1, now)
	_, found := pass(table, 1, Carrier, 8, now)
	assert.False(t, found)
}

// TestManyReads: of more reads than are remembered the sum is off by no more than the smallest gaps between them.
func TestManyReads(t *testing.T) {
	table := NewTable(1000, time.Minute)
	table.Read(read(Cache, 1, 0, 1), false, now)
	for i := range pcommon.Timestamp(100) {
		table.Read(read(Database, 1, 10+100*i, 60+100*i), false, now)
	}
	got, found := pass(table, 1, Carrier, 7, now)
	require.True(t, found)
	assert.GreaterOrEqual(t, got, 5000.0)
	assert.LessOrEqual(t, got, 10_000.0)
}

func TestTheTableIsBounded(t *testing.T) {
	table := NewTable(1000, time.Minute)
	for n := range 20_000 {
		fallback(table, n, now)
	}
	s := table.Stats(now)
	assert.LessOrEqual(t, s.Size, int64(1000))
	assert.Greater(t, s.Evictions, int64(18_000))
	counted := int32(0)
	for i := range table.filter {
		counted += table.filter[i].Load()
	}
	assert.EqualValues(t, s.Size, counted, "the filter knows what is remembered")
	assert.Equal(t, s.Size, table.places.Load())
	table.Stats(now.Add(time.Hour))
	assert.True(t, table.Empty())
}

func TestActive(t *testing.T) {
	table := NewTable(1000, time.Minute)
	for range firstBatches {
		assert.True(t, table.Active(now), "the first batches of all")
	}
	assert.False(t, table.Active(now))
	fallback(table, 1, now)
	assert.True(t, table.Active(now.Add(time.Minute)))
	assert.False(t, table.Active(now.Add(time.Hour)))
}

func TestConcurrentUse(t *testing.T) {
	table := NewTable(1_000_000, time.Minute)
	var group sync.WaitGroup
	var mutex sync.Mutex
	total := 0
	for range 4 {
		group.Go(func() {
			found := 0
			for n := range 2000 {
				fallback(table, n, now)
				if _, ok := pass(table, n, Carrier, 7, now); ok {
					found++
				}
			}
			mutex.Lock()
			total += found
			mutex.Unlock()
		})
	}
	group.Wait()
	assert.GreaterOrEqual(t, total, 2000)
	assert.EqualValues(t, total, table.Stats(now).Found)
}

// TestAPlaceTakes is where the README has its figures from.
func TestAPlaceTakes(t *testing.T) {
	for _, tc := range []struct {
		reads pcommon.Timestamp
		most  uint64
	}{{1, 250}, {100, 900}} {
		const places = 10_000
		table := NewTable(4*places, time.Minute)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for n := range places {
			table.Read(read(Cache, n, 1, 2), false, now)
			for i := range tc.reads {
				table.Read(read(Database, n, 10*i+3, 10*i+5), false, now)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		each := (after.HeapAlloc - before.HeapAlloc) / places
		t.Logf("%d bytes with %d reads", each, tc.reads)
		assert.LessOrEqual(t, each, tc.most)
		runtime.KeepAlive(table)
	}
}

func BenchmarkReadAndPass(b *testing.B) {
	table := NewTable(50_000, time.Minute)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		fallback(table, n, now)
		pass(table, n, Carrier, 7, now)
	}
}
