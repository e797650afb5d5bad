package nested

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

var now = time.Unix(1_790_000_000, 0)

func call(trace, span, parent byte, tokens bool) *Call {
	c := &Call{Trace: pcommon.TraceID{trace}, Span: pcommon.SpanID{span}, Tokens: tokens}
	if parent != 0 {
		c.Parent = pcommon.SpanID{parent}
	}
	return c
}

// TestOneOfAChainCounts has predict > chat > chat of a framework and the client's span below, with tokens on each
// combination of them, in the two orders in which spans are sent.
func TestOneOfAChainCounts(t *testing.T) {
	for tokens := range 16 {
		for _, order := range [][]int{{3, 2, 1, 0}, {0, 1, 2, 3}} {
			table := NewTable(100, time.Minute)
			calls, timed := 0, 0
			for _, i := range order {
				v := table.Decide(call(1, byte(i+1), byte(i), tokens>>i&1 == 1), now)
				if v.Call {
					calls++
					assert.Equal(t, order[0], i, "the first that comes stands for the call")
				}
				if v.Tokens {
					timed++
				}
			}
			assert.Equal(t, 1, calls)
			assert.Equal(t, min(tokens, 1), timed, "tokens on %04b", tokens)
		}
	}
}

// TestSiblingsAreCallsEach: an agent's span that is no call has two calls below it.
func TestSiblingsAreCallsEach(t *testing.T) {
	table := NewTable(100, time.Minute)
	for span := range byte(2) {
		assert.Equal(t, Verdict{true, true}, table.Decide(call(1, 10+span, 1, true), now))
	}
	assert.Equal(t, Verdict{true, true}, table.Decide(call(2, 10, 1, true), now), "another trace")
	assert.Equal(t, Verdict{true, true}, table.Decide(call(2, 10, 1, true), now), "sent twice")
}

// TestTwoCallsBelowOne: a wrapper that calls twice is none of the two.
func TestTwoCallsBelowOne(t *testing.T) {
	table := NewTable(100, time.Minute)
	assert.True(t, table.Decide(call(1, 2, 1, true), now).Call)
	assert.True(t, table.Decide(call(1, 3, 1, true), now).Call)
	assert.Equal(t, Verdict{}, table.Decide(call(1, 1, 0, true), now))
}

func TestCallsAreForgotten(t *testing.T) {
	table := NewTable(100, time.Minute)
	table.Decide(call(9, 9, 0, false), now)
	table.Decide(call(1, 2, 1, true), now)
	assert.True(t, table.Decide(call(1, 1, 0, true), now.Add(3*time.Minute)).Call)
	assert.LessOrEqual(t, table.Len(now.Add(10*time.Minute)), 0)
}

func TestTheTableIsBounded(t *testing.T) {
	table := NewTable(100, time.Minute)
	random := rand.New(rand.NewPCG(1, 2))
	var group sync.WaitGroup
	spans := make([]*Call, 10_000)
	for i := range spans {
		spans[i] = call(byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32()), true)
	}
	for range 4 {
		group.Go(func() {
			for c := range slices.Values(spans) {
				table.Decide(c, now)
			}
		})
	}
	group.Wait()
	assert.LessOrEqual(t, table.Len(now), 100)
}
