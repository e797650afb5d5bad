package attempts

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

var now = time.Unix(1_770_000_000, 0)

func key(i int) Key {
	return Key{Trace: pcommon.TraceID{1, 15: byte(i)}, Parent: pcommon.SpanID{byte(i), byte(i >> 8), byte(i >> 16), 7: byte(i >> 8)}}
}

// call starts and ends at these ms.
func call(of uint64, start, end int, failed bool) Call {
	const ms = pcommon.Timestamp(time.Millisecond)
	return Call{Of: of, Start: pcommon.Timestamp(start) * ms, End: pcommon.Timestamp(end) * ms, Failed: failed}
}

func TestAttempts(t *testing.T) {
	for _, tc := range []struct {
		name  string
		calls []Call
		want  []int
	}{
		{"tried three times", []Call{call(1, 0, 10, true), call(1, 20, 30, true), call(1, 40, 50, false)}, []int{1, 2, 3}},
		{"one after the other, none failed", []Call{call(1, 0, 10, false), call(1, 20, 30, false)}, []int{1, 1}},
		{"a step after one that was tried again", []Call{call(1, 0, 10, true), call(1, 20, 30, false), call(1, 40, 50, false)}, []int{1, 2, 1}},
		{"side by side", []Call{call(1, 0, 10, true), call(1, 5, 30, false)}, []int{1, 1}},
		{"at once, by a clock of whole ms", []Call{{Of: 1, End: 10_900_000, Failed: true}, {Of: 1, Start: 10_000_000, End: 20_000_000}}, []int{1, 2}},
		{"another model takes over", []Call{call(1, 0, 10, true), call(2, 20, 30, false)}, []int{1, 1}},
		{"the later one arrives first", []Call{call(1, 20, 30, false), call(1, 0, 10, true)}, []int{1, 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			table := NewTable(100, time.Minute)
			var got []int
			for _, c := range tc.calls {
				got = append(got, table.Add(key(1), c, now))
			}
			assert.Equal(t, tc.want, got)
			assert.Equal(t, len(tc.calls), table.Below(key(1), now))
			assert.Zero(t, table.Below(key(2), now))
		})
	}
}

func TestForgets(t *testing.T) {
	table := NewTable(100, time.Minute)
	table.Add(key(1), Call{}, now)
	table.Add(key(1), Call{}, now.Add(90*time.Second))
	assert.Equal(t, 2, table.Below(key(1), now.Add(100*time.Second)))
	assert.Zero(t, table.Below(key(1), now.Add(10*time.Minute)), "forgotten after twice the ttl")
}

func TestBounded(t *testing.T) {
	table := NewTable(1000, time.Minute)
	for i := range 100_000 {
		table.Add(key(i), Call{}, now)
	}
	assert.LessOrEqual(t, table.Len(), 1000)
	assert.Equal(t, 1, table.Below(key(99_999), now))
}
