package buffer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWhatIsDueIsDroppedWhenThePoliciesAreSlow: senders do not wait. What has been due for longest is dropped, and every
// trace and span is counted as what became of it.
func TestWhatIsDueIsDroppedWhenThePoliciesAreSlow(t *testing.T) {
	const most, count = 16 << 20, 16000
	h := newHarness(t, func(o *Options) { o.MaxBytes, o.RememberDropped = most, 1e6 })
	for n := range uint64(count) {
		h.add(span{trace: n, name: "a", failed: true, padding: 4096})
		require.LessOrEqual(t, h.Bytes(), int64(most+most/4)+2*blockSize)
	}
	h.add(span{trace: 0, name: "late"})
	dropped := h.Stats().Overload.Load()
	assert.Positive(t, dropped)
	assert.EqualValues(t, 1, h.Stats().LateDropped.Load(), "the first trace is dropped, and its later spans follow")
	h.due(true)
	assert.EqualValues(t, count, dropped+int64(len(h.decided)))
	assert.EqualValues(t, count, dropped+h.Stats().Evaluated.Load())
	assert.Zero(t, h.Waiting())
	for _, trace := range h.decided {
		require.True(t, h.Take(trace, &Taken{}))
		h.Decided(trace, true)
	}
	assert.Zero(t, h.Bytes())
}

// TestLateSpansAreDroppedWhenNothingElseIs: spans of kept traces wait for the next component; when all memory is theirs,
// the first of them are dropped and counted. When all of it is with the policies, what arrives is.
func TestLateSpansAreDroppedWhenNothingElseIs(t *testing.T) {
	const most = 16 << 20
	h := newHarness(t, func(o *Options) { o.MaxBytes = most })
	for n := range uint64(10_000) {
		h.Decided(id(n), true)
		h.add(span{trace: n, name: "late", padding: 4096})
	}
	require.LessOrEqual(t, h.Bytes(), int64(most+most/4)+2*blockSize)
	dropped := h.Stats().OverloadSpans.Load()
	assert.Positive(t, dropped)
	h.due(false)
	assert.EqualValues(t, 10_000, dropped+int64(len(h.direct)))

	h = newHarness(t, func(o *Options) { o.MaxBytes = most })
	h.add(span{trace: 1, name: "huge", failed: true, padding: 15 << 20})
	h.due(true)
	h.add(span{trace: 2, name: "a", padding: 10 << 20})
	h.add(span{trace: 2, name: "b"})
	assert.EqualValues(t, 1, h.Stats().OverloadSpans.Load())
	assert.Equal(t, []string{"/huge"}, h.take(1))
	h.Decided(id(1), true)
	h.add(span{trace: 2, name: "b"})
	assert.EqualValues(t, 1, h.Waiting())
}

// TestPressure: while memory is short one new trace in 16 is held; those that wait, were kept or are passed on go on, and
// a trace that was dropped stays so.
func TestPressure(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.RememberDropped = 1e6 })
	h.Decided(id(100_000), true)
	h.add(span{trace: 100_001, name: "waits", failed: true})
	h.SetPressure(true)
	for n := range uint64(16_000) {
		h.add(span{trace: n, name: "a", failed: true})
	}
	h.add(span{trace: 100_000, name: "late"}, span{trace: 100_001, name: "waits too"}, span{trace: 100_002, name: "passes", stage: "training"})
	held := h.Waiting() - 1
	assert.InDelta(t, 1000, held, 150)
	assert.EqualValues(t, 16_000, held+h.Stats().Pressure.Load())
	assert.Zero(t, h.Stats().LateDropped.Load())

	h.SetPressure(false)
	for n := range uint64(16_000) {
		h.add(span{trace: n, name: "b", failed: true})
	}
	h.due(true)
	assert.EqualValues(t, 16_000, held+h.Stats().LateDropped.Load())
	assert.EqualValues(t, held+1, len(h.decided), "each with both spans")
	assert.Equal(t, []string{"/late"}, h.direct)
	assert.Equal(t, []string{"/passes"}, h.passed)
	assert.Equal(t, []string{"/waits", "/waits too"}, h.take(100_001))
}
