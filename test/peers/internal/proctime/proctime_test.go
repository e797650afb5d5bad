package proctime

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	total, err := process("42 (a (b) c) S 1 42 42 0 -1 4194304 100 0 0 0 150 50 7 7 20 0 5 0 100 1000 10")
	require.NoError(t, err)
	assert.Equal(t, 2*time.Second, total)
	_, err = process("42 (a) S 1")
	require.ErrorContains(t, err, "found")

	total, err = machine("cpu  100 20 30 5000 600 1 2 9 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
	require.NoError(t, err)
	assert.Equal(t, 1530*time.Millisecond, total)
	_, err = machine("intr 1 2 3")
	require.ErrorContains(t, err, "found")

	bytes, err := inStatus("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 10 kB\n", "VmHWM:")
	require.NoError(t, err)
	assert.Equal(t, int64(2<<20), bytes)
	_, err = inStatus("Name:\tx\n", "VmHWM:")
	require.ErrorContains(t, err, "VmHWM")
}

// A process that works takes CPU time, of its own and of the machine.
func TestThisProcess(t *testing.T) {
	own, err := Process(os.Getpid())
	require.NoError(t, err)
	all, err := Machine()
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		for i := range 1_000_000 {
			_ = i * i
		}
		later, err := Process(os.Getpid())
		require.NoError(t, err)
		total, err := Machine()
		require.NoError(t, err)
		return later > own && total > all
	}, time.Minute, time.Millisecond)
	memory, err := PeakMemory(os.Getpid())
	require.NoError(t, err)
	assert.Greater(t, memory, int64(1<<20))
}
