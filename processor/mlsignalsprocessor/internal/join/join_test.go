package join

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

var now = time.Unix(1_700_000_000, 0)

func key(n byte) Key { return Key{Trace: pcommon.TraceID{1, 15: n}, Span: pcommon.SpanID{n}} }

func side(span byte) Side { return Side{Span: pcommon.SpanID{span}, QueueWait: float64(span)} }

func TestSpansMeetInEitherOrder(t *testing.T) {
	for _, first := range []int{0, 1} {
		table := NewTable(100, time.Minute)
		_, met := table.Match(key(1), first, Mode{}, side(1), now)
		assert.False(t, met, "the first finds nobody")
		other, met := table.Match(key(1), 1-first, Mode{}, side(2), now)
		assert.True(t, met)
		assert.Equal(t, 1.0, other.QueueWait)
		assert.EqualValues(t, 1, table.Stats(now).Hits)
	}
}

func TestOneParentMeetsSeveralChildren(t *testing.T) {
	table := NewTable(100, time.Minute)
	table.Match(key(1), 1, Mode{}, side(1), now)
	for child := byte(2); child < 5; child++ {
		other, met := table.Match(key(1), 0, Mode{}, side(child), now)
		assert.True(t, met)
		assert.Equal(t, pcommon.SpanID{1}, other.Span)
	}
}

func TestTheSameSpanSentTwiceMeetsNobody(t *testing.T) {
	table := NewTable(100, time.Minute)
	table.Match(key(1), 0, Mode{}, side(1), now)
	_, met := table.Match(key(1), 1, Mode{}, side(2), now)
	assert.True(t, met)
	_, met = table.Match(key(1), 0, Mode{}, side(1), now)
	assert.False(t, met, "its other side was marked already")
}

func TestKeysAreApart(t *testing.T) {
	table := NewTable(100, time.Minute)
	table.Match(key(1), 0, Mode{}, side(1), now)
	for name, k := range map[string]Key{
		"another span":  {Trace: key(1).Trace, Span: pcommon.SpanID{9}},
		"another trace": {Trace: pcommon.TraceID{9}, Span: key(1).Span},
		"another join":  {Trace: key(1).Trace, Span: key(1).Span, Join: 1},
	} {
		_, met := table.Match(k, 1, Mode{}, side(2), now)
		assert.False(t, met, name)
	}
}

func TestDoneSpansAreNotMarkedAgain(t *testing.T) {
	table := NewTable(100, time.Minute)
	done := side(1)
	done.Done = true
	table.Match(key(1), 0, Mode{}, done, now)
	_, met := table.Match(key(1), 1, Mode{}, side(2), now)
	assert.False(t, met)
}

func TestSpansLiveAsLongAsTheTTLAndNoLongerThanTwice(t *testing.T) {
	for after, lives := range map[time.Duration]bool{
		time.Minute:                    true,
		2*time.Minute - 1:              true,
		2 * time.Minute:                false,
		24 * time.Hour:                 false,
		2*time.Minute + 30*time.Second: false,
	} {
		for _, between := range []time.Duration{0, after / 2, after * 19 / 20} { // the shard ages when it is used
			table := NewTable(100, time.Minute)
			table.Match(key(1), 0, Mode{}, side(1), now)
			if between > 0 {
				table.Match(key(1), 0, Mode{}, side(3), now.Add(between))
				table.Match(key(17), 0, Mode{}, side(3), now.Add(between))
			}
			other, met := table.Match(key(1), 1, Mode{}, side(2), now.Add(after))
			if between == 0 || lives {
				assert.Equal(t, lives, met, "after %s, used after %s", after, between)
			}
			if !lives {
				assert.NotEqual(t, side(1).Span, other.Span, "after %s, used after %s", after, between)
				assert.Positive(t, table.Stats(now.Add(after)).Misses)
			}
			assert.Zero(t, table.Stats(now.Add(after)).Evictions)
		}
	}
}

func span(id byte, from, to int) Side {
	return Side{Span: pcommon.SpanID{id}, Start: pcommon.Timestamp(from), End: pcommon.Timestamp(to)}
}

// TestNearest lets siblings arrive one after the other. of is who each of them met, 0 for nobody.
func TestNearest(t *testing.T) {
	type arrival struct {
		which int
		side  Side
		of    byte
	}
	const x, y = 0, 1
	once, all := Mode{After: true, Once: true}, Mode{After: true}
	for name, tc := range map[string]struct {
		mode     Mode
		arrivals []arrival
	}{
		"in order, each its own": {once, []arrival{
			{y, span(1, 0, 10), 0}, {x, span(2, 10, 20), 1}, {y, span(3, 30, 40), 0}, {x, span(4, 40, 50), 3},
		}},
		"from the last to the first": {once, []arrival{
			{x, span(4, 40, 50), 0}, {y, span(3, 30, 40), 4}, {x, span(2, 10, 20), 0}, {y, span(1, 0, 10), 2},
		}},
		"a wait is over with the first compute": {once, []arrival{
			{y, span(1, 0, 10), 0}, {x, span(2, 10, 20), 1}, {x, span(3, 20, 30), 0},
		}},
		"all that follow": {all, []arrival{
			{y, span(1, 0, 10), 0}, {x, span(2, 10, 20), 1}, {x, span(3, 20, 30), 1},
		}},
		"of two before, the last": {all, []arrival{
			{y, span(1, 0, 5), 0}, {y, span(2, 6, 12), 0}, {x, span(3, 20, 30), 2},
		}},
		"what was given to one is not given to the next": {all, []arrival{
			{x, span(3, 20, 30), 0}, {y, span(1, 0, 5), 3}, {y, span(2, 6, 12), 0},
		}},
		"the first that follows": {all, []arrival{
			{x, span(1, 0, 5), 0}, {x, span(4, 60, 70), 0}, {x, span(3, 20, 30), 0}, {y, span(2, 6, 12), 3},
		}},
		"nobody meets itself": {Mode{}, []arrival{{x, span(1, 0, 10), 0}, {y, span(1, 0, 10), 0}}},
		"in any order, the nearest": {Mode{Once: true}, []arrival{
			{y, span(1, 0, 10), 0}, {y, span(2, 100, 110), 0}, {x, span(3, 10, 20), 1}, {x, span(4, 90, 100), 2},
		}},
		"at the same time": {all, []arrival{{y, span(1, 0, 10), 0}, {x, span(2, 9, 20), 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			table := NewTable(100, time.Minute)
			hits := int64(0)
			for i, a := range tc.arrivals {
				other, met := table.Match(key(1), a.which, tc.mode, a.side, now)
				assert.Equal(t, a.of != 0, met, "arrival %d", i)
				if met {
					assert.Equal(t, pcommon.SpanID{a.of}, other.Span, "arrival %d", i)
					hits++
				}
			}
			assert.Equal(t, hits, table.Stats(now).Hits)
		})
	}
}

// A span that has the result already takes the place of the one that it got it from.
func TestDoneSpansTakeTheirPartner(t *testing.T) {
	table := NewTable(100, time.Minute)
	mode := Mode{After: true}
	done := span(1, 0, 5)
	done.Done = true
	table.Match(key(1), 0, mode, span(3, 20, 30), now)
	_, met := table.Match(key(1), 1, mode, done, now)
	assert.False(t, met)
	_, met = table.Match(key(1), 1, mode, span(2, 6, 12), now)
	assert.False(t, met, "its time is on the other one")
	assert.Zero(t, table.Stats(now).Hits)
}

func TestTableIsBounded(t *testing.T) {
	for _, most := range []int{1, MinSpans, 320, 5000} {
		table := NewTable(most, time.Hour)
		for i := range 100_000 {
			k := Key{Trace: pcommon.TraceID{byte(i), byte(i >> 8), byte(i >> 16), 15: byte(i)}, Span: pcommon.SpanID{byte(i)}}
			table.Match(k, 0, Mode{}, side(1), now)
		}
		s := table.Stats(now)
		assert.LessOrEqual(t, s.Size, int64(max(most, MinSpans)))
		assert.GreaterOrEqual(t, s.Size, int64(most/3))
		assert.EqualValues(t, 100_000, s.Size+s.Evictions, "every span is there or was evicted")
		assert.Zero(t, s.Misses)
	}
}

func TestManySpansOfOneParent(t *testing.T) {
	table := NewTable(1000, time.Hour)
	y := func(i int) Side {
		return Side{Span: pcommon.SpanID{1, byte(i), byte(i >> 8)}, Start: pcommon.Timestamp(i), End: pcommon.Timestamp(i)}
	}
	for i := range 1000 {
		table.Match(key(1), 1, Mode{After: true}, y(i), now)
	}
	s := table.Stats(now)
	assert.EqualValues(t, maxSides, s.Size)
	assert.EqualValues(t, 1000-maxSides, s.Evictions)
	table.Match(key(1), 1, Mode{After: true}, y(999), now)
	assert.Equal(t, s, table.Stats(now), "the same span again takes no place")

	for i := range 40 {
		x := span(2, 2000+i, 3000)
		x.Span[1] = byte(i)
		other, met := table.Match(key(1), 0, Mode{After: true}, x, now)
		assert.True(t, met, "those that have met make room for those that have not")
		assert.EqualValues(t, 999, other.End, "the last is remembered")
	}
}

func TestWhatIsFirstIsMetBeforeItMakesRoom(t *testing.T) {
	table := NewTable(1000, time.Hour)
	for i := range maxSides {
		table.Match(key(1), 1, Mode{After: true, Once: true}, span(byte(1+i), 10*i, 10*i+5), now)
	}
	other, met := table.Match(key(1), 0, Mode{After: true, Once: true}, span(100, 5, 9), now)
	assert.True(t, met)
	assert.Equal(t, pcommon.SpanID{1}, other.Span)
	assert.Zero(t, table.Stats(now).Evictions)
}

func TestAQuietTableForgetsToo(t *testing.T) {
	table := NewTable(1000, time.Minute)
	table.Match(key(1), 0, Mode{}, side(1), now)
	assert.EqualValues(t, 1, table.Stats(now.Add(time.Minute)).Size)
	assert.Equal(t, Stats{Misses: 1}, table.Stats(now.Add(2*time.Minute)))
}

func TestAClockThatIsSetBack(t *testing.T) {
	table := NewTable(1000, time.Minute)
	table.Match(key(1), 0, Mode{}, side(1), now)
	before := now.Add(-24 * time.Hour)
	_, met := table.Match(key(1), 1, Mode{}, side(2), before)
	assert.True(t, met)
	assert.Zero(t, table.Stats(before.Add(2*time.Minute)).Size)
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
				if _, met := table.Match(k, which, Mode{}, side(byte(which+1)), now); met {
					meetings[which]++
				}
			}
		}()
	}
	wg.Wait()
	assert.Equal(t, 1000, meetings[0]+meetings[1], "each pair meets once")
}

// TestAJoinHasATableOfItsOwn: a flood of spans of one join evicts none of another.
func TestAJoinHasATableOfItsOwn(t *testing.T) {
	tables := NewTables(2, 1000, time.Minute)
	now := time.Unix(1_700_000_000, 0)
	rare := Key{Trace: pcommon.TraceID{1}, Span: pcommon.SpanID{1}}
	_, met := tables.Match(rare, 0, Mode{}, Side{Span: pcommon.SpanID{2}}, now)
	require.False(t, met)
	for n := range 100_000 {
		id := pcommon.SpanID{3, byte(n), byte(n >> 8), byte(n >> 16)}
		tables.Match(Key{Trace: pcommon.TraceID{1, byte(n), byte(n >> 8), byte(n >> 16), 15: byte(n)}, Span: id, Join: 1}, 0, Mode{}, Side{Span: id}, now)
	}
	require.Positive(t, tables.Stats(now).Evictions)
	_, met = tables.Match(rare, 1, Mode{}, Side{Span: pcommon.SpanID{4}}, now)
	require.True(t, met)
}
