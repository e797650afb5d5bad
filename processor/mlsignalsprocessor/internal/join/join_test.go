package join

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

var now = time.Unix(1_700_000_000, 0)

func key(n byte) Key { return Key{Trace: pcommon.TraceID{1, 15: n}, Span: pcommon.SpanID{n}} }

func side(span byte) Side { return Side{Span: pcommon.SpanID{span}, QueueWait: float64(span)} }

func TestSpansMeetInEitherOrder(t *testing.T) {
	for _, first := range []int{0, 1} {
		table := NewTable(100, time.Minute)
		_, met := table.Meet(key(1), first, side(1), now)
		assert.False(t, met, "the first finds nobody")
		other, met := table.Meet(key(1), 1-first, side(2), now)
		assert.True(t, met)
		assert.Equal(t, 1.0, other.QueueWait)
		assert.EqualValues(t, 1, table.Stats().Hits)
	}
}

func TestOneParentMeetsSeveralChildren(t *testing.T) {
	table := NewTable(100, time.Minute)
	table.Meet(key(1), 1, side(1), now)
	for child := byte(2); child < 5; child++ {
		other, met := table.Meet(key(1), 0, side(child), now)
		assert.True(t, met)
		assert.Equal(t, pcommon.SpanID{1}, other.Span)
	}
}

func TestTheSameSpanSentTwiceMeetsNobody(t *testing.T) {
	table := NewTable(100, time.Minute)
	table.Meet(key(1), 0, side(1), now)
	_, met := table.Meet(key(1), 1, side(2), now)
	assert.True(t, met)
	_, met = table.Meet(key(1), 0, side(1), now)
	assert.False(t, met, "its other side was marked already")
}

func TestKeysAreApart(t *testing.T) {
	table := NewTable(100, time.Minute)
	table.Meet(key(1), 0, side(1), now)
	for name, k := range map[string]Key{
		"another span":  {Trace: key(1).Trace, Span: pcommon.SpanID{9}},
		"another trace": {Trace: pcommon.TraceID{9}, Span: key(1).Span},
		"another join":  {Trace: key(1).Trace, Span: key(1).Span, Join: 1},
	} {
		_, met := table.Meet(k, 1, side(2), now)
		assert.False(t, met, name)
	}
}

func TestDoneSpansAreNotMarkedAgain(t *testing.T) {
	table := NewTable(100, time.Minute)
	done := side(1)
	done.Done = true
	table.Meet(key(1), 0, done, now)
	_, met := table.Meet(key(1), 1, side(2), now)
	assert.False(t, met)
}

func TestSpansLiveAsLongAsTheTTLAndNoLongerThanTwice(t *testing.T) {
	table := NewTable(100, time.Minute)
	table.Meet(key(1), 0, side(1), now)
	_, met := table.Meet(key(1), 1, side(2), now.Add(time.Minute))
	assert.True(t, met, "after the ttl")

	table = NewTable(100, time.Minute)
	table.Meet(key(1), 0, side(1), now)
	table.Meet(key(1), 0, side(3), now.Add(time.Minute)) // the shard ages when it is used
	_, met = table.Meet(key(1), 1, side(2), now.Add(2*time.Minute))
	assert.False(t, met, "after twice the ttl")
	assert.EqualValues(t, 1, table.Stats().Misses)
	assert.Zero(t, table.Stats().Evictions)
}

func TestTableIsBounded(t *testing.T) {
	const most = 320
	table := NewTable(most, time.Hour)
	for i := range 100_000 {
		k := Key{Trace: pcommon.TraceID{byte(i), byte(i >> 8), byte(i >> 16), 15: byte(i)}, Span: pcommon.SpanID{byte(i)}}
		table.Meet(k, 0, side(1), now)
	}
	s := table.Stats()
	assert.LessOrEqual(t, s.Size, int64(most+2*shards))
	assert.Positive(t, s.Size)
	assert.EqualValues(t, 100_000, s.Size+s.Evictions, "every span is there or was evicted")
	assert.Zero(t, s.Misses)
}

func TestManyGoroutines(t *testing.T) {
	table := NewTable(10_000, time.Minute)
	var wg sync.WaitGroup
	meetings := make([]int, 2)
	for which := range meetings {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 1000 {
				k := Key{Trace: pcommon.TraceID{byte(i), byte(i >> 8), 15: byte(i)}, Span: pcommon.SpanID{1}}
				if _, met := table.Meet(k, which, side(byte(which+1)), now); met {
					meetings[which]++
				}
			}
		}()
	}
	wg.Wait()
	assert.Equal(t, 1000, meetings[0]+meetings[1], "each pair meets once")
}
