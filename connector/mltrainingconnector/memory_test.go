package mltrainingconnector

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

func TestMemory(t *testing.T) {
	m := newMemory(20)
	assert.True(t, m.empty())
	used := pcommon.TraceID{1}
	assert.True(t, m.add(used))
	assert.False(t, m.add(used), "known")
	assert.False(t, m.empty())
	for n := range byte(200) {
		m.add(pcommon.TraceID{2, n})
		assert.True(t, m.has(used), "what is looked up stays, after %d others", n)
		assert.LessOrEqual(t, len(m.newer)+len(m.older), 20)
	}
	assert.True(t, m.has(pcommon.TraceID{2, 199}))
	assert.False(t, m.has(pcommon.TraceID{2, 0}))
}
