package clock

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// Clock moves the clock that a running process reads. The program is the shipped one, which is static, so that nothing can
// be preloaded: the function in the kernel's vDSO by which Go reads the clock is replaced, in this process alone,
// by one that adds an offset to the time of day. The monotonic clock goes on.
type Clock struct {
	t      testing.TB
	pid    int
	memory *os.File
	// from and to are where the vDSO is, at where the function is.
	from, to, at int64
}

// Of returns the clock of a child of this process.
func Of(t testing.TB, process *proc.Process) *Clock {
	t.Helper()
	c := &Clock{t: t, pid: process.PID()}
	maps, err := os.ReadFile(c.proc("maps"))
	require.NoError(t, err)
	for line := range strings.Lines(string(maps)) {
		if strings.HasSuffix(strings.TrimSpace(line), "[vdso]") {
			_, err := fmt.Sscanf(line, "%x-%x", &c.from, &c.to)
			require.NoError(t, err)
		}
	}
	require.NotZero(t, c.from, "no vDSO")
	c.memory, err = os.OpenFile(c.proc("mem"), os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.memory.Close() })
	image := make([]byte, c.to-c.from)
	_, err = c.memory.ReadAt(image, c.from)
	require.NoError(t, err)
	file, err := elf.NewFile(bytes.NewReader(image))
	require.NoError(t, err)
	symbols, err := file.DynamicSymbols()
	require.NoError(t, err)
	for _, s := range symbols {
		if s.Name == "__vdso_clock_gettime" {
			require.GreaterOrEqual(t, s.Size, uint64(len(clockGettime(0))), "there is room for ours")
			c.at = c.from + int64(s.Value)
		}
	}
	require.NotZero(t, c.at)
	return c
}

// clockGettime is clock_gettime(clock, *timespec) in machine code.
func clockGettime(offset int32) []byte {
	code := []byte{
		0xb8, 228, 0, 0, 0, // mov eax, SYS_clock_gettime
		0x0f, 0x05, // syscall
		0x85, 0xff, // test edi, edi
		0x75, 0x07, // jnz to the end: not CLOCK_REALTIME
		0x48, 0x81, 0x06, // add qword ptr [rsi], offset
	}
	code = binary.LittleEndian.AppendUint32(code, uint32(offset))
	return append(code, 0xc3) // ret
}

// Set has the process read a time of day that is so far from the right one.
func (c *Clock) Set(offset time.Duration) {
	c.t.Helper()
	require.NoError(c.t, syscall.Kill(c.pid, syscall.SIGSTOP))
	defer func() { require.NoError(c.t, syscall.Kill(c.pid, syscall.SIGCONT)) }()
	require.Eventually(c.t, func() bool {
		if c.stoppedOutside() {
			return true
		}
		// A thread stands in the function that is to be replaced: it goes on for a moment.
		_ = syscall.Kill(c.pid, syscall.SIGCONT)
		_ = syscall.Kill(c.pid, syscall.SIGSTOP)
		return false
	}, stack.Patience, time.Millisecond)
	_, err := c.memory.WriteAt(clockGettime(int32(offset/time.Second)), c.at)
	require.NoError(c.t, err)
}

// stoppedOutside reports whether every thread has stopped, none of them in the vDSO.
func (c *Clock) stoppedOutside() bool {
	c.t.Helper()
	threads, err := filepath.Glob(c.proc("task/*/stat"))
	require.NoError(c.t, err)
	for _, path := range threads {
		stat, err := os.ReadFile(path)
		require.NoError(c.t, err)
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if fields[0] != "T" {
			return false
		}
		call, err := os.ReadFile(filepath.Join(filepath.Dir(path), "syscall"))
		require.NoError(c.t, err)
		words := strings.Fields(string(call))
		at, err := strconv.ParseInt(strings.TrimPrefix(words[len(words)-1], "0x"), 16, 64)
		if err != nil || at >= c.from && at < c.to {
			return false
		}
	}
	return true
}

func (c *Clock) proc(file string) string { return fmt.Sprintf("/proc/%d/%s", c.pid, file) }
