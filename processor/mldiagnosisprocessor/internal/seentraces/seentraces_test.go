package seentraces

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

func id(n int) pcommon.TraceID { return pcommon.TraceID{byte(n >> 8), byte(n)} }

func TestPass(t *testing.T) {
	m := NewMemory(10)
	_, known := m.Pass(id(1), 5, true)
	assert.False(t, known)
	before, known := m.Pass(id(1), 2, false)
	assert.True(t, known)
	assert.Equal(t, Trace{5, true}, before, "what the first batch was")
	before, _ = m.Pass(id(1), 9, true)
	assert.Equal(t, Trace{5, true}, before, "the largest batch")
	before, _ = m.Pass(id(1), 9, true)
	assert.Equal(t, Trace{9, true}, before)

	m.Pass(id(2), 1, false)
	m.Pass(id(2), 1, true)
	before, _ = m.Pass(id(2), 1, true)
	assert.False(t, before.Root, "a root that comes later does not make the first batch whole")
}

func TestMemoryIsBounded(t *testing.T) {
	const most = 100
	m := NewMemory(most)
	for n := range 10 * most {
		m.Pass(id(n), 1, true)
		assert.LessOrEqual(t, m.traces.Len(), most)
		// Each round passes two traces, so these are the last half of most.
		_, known := m.Pass(id(max(n-most/4+1, 0)), 1, true)
		require.True(t, known, "the last half is remembered")
	}
	_, known := m.Pass(id(0), 1, true)
	assert.False(t, known, "and the first ones are forgotten")
}
