// Package proctime reads CPU times and memory from /proc.
package proctime

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc, the same on every Linux since 2.6.
const tick = 10 * time.Millisecond

// Process is the time, user and system, that a process has taken on all cores.
func Process(pid int) (time.Duration, error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("CPU time: %w", err)
	}
	total, err := process(string(data))
	if err != nil {
		return 0, fmt.Errorf("CPU time: %s: %w", path, err)
	}
	return total, nil
}

func process(stat string) (time.Duration, error) {
	// The second field is the program's name in parentheses, which may itself contain spaces and parentheses.
	end := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[end+1:])
	if end < 0 || len(fields) < 13 {
		return 0, fmt.Errorf("found %q", stat)
	}
	return sum(fields[11:13]) // utime and stime
}

// Machine is the time that all programs have taken on all cores.
func Machine() (time.Duration, error) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("CPU time of the machine: %w", err)
	}
	total, err := machine(string(data))
	if err != nil {
		return 0, fmt.Errorf("CPU time of the machine: /proc/stat: %w", err)
	}
	return total, nil
}

func machine(stat string) (time.Duration, error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 8 || fields[0] != "cpu" {
		return 0, fmt.Errorf("found %q", line)
	}
	// user, nice, system; then idle and iowait, in which nothing runs; irq, softirq.
	return sum(append(fields[1:4:4], fields[6:8]...))
}

func sum(ticks []string) (time.Duration, error) {
	var total time.Duration
	for _, field := range ticks {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(n) * tick
	}
	return total, nil
}

// PeakMemory is the largest resident memory of a process so far, in bytes.
func PeakMemory(pid int) (int64, error) { return memory(pid, "VmHWM:") }

// Memory is the resident memory of a process, in bytes.
func Memory(pid int) (int64, error) { return memory(pid, "VmRSS:") }

func memory(pid int, field string) (int64, error) {
	path := fmt.Sprintf("/proc/%d/status", pid)
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("memory: %w", err)
	}
	bytes, err := inStatus(string(data), field)
	if err != nil {
		return 0, fmt.Errorf("memory: %s: %w", path, err)
	}
	return bytes, nil
}

func inStatus(status, field string) (int64, error) {
	for line := range strings.Lines(status) {
		if value, found := strings.CutPrefix(line, field); found {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return 0, err
			}
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("%s not found", field)
}
