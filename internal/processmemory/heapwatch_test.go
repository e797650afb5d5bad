package processmemory

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestHeapWatch: live memory counts, garbage does not, and the watch notices by itself that memory was let go.
func TestHeapWatch(t *testing.T) {
	runtime.GC()
	w := NewHeapWatch(200 << 20)
	now := time.Now()
	assert.False(t, w.High(now))
	for range 30 { // 300 MB of garbage
		runtime.KeepAlive(make([]byte, 10<<20))
	}
	assert.False(t, w.High(now))

	live := make([]byte, 300<<20)
	runtime.GC()
	assert.True(t, w.High(now))
	runtime.KeepAlive(live)
	assert.True(t, w.High(now.Add(time.Second)), "nothing has been collected yet")
	assert.False(t, w.High(now.Add(time.Minute)))
	assert.False(t, NewHeapWatch(1<<40).High(now))
}
