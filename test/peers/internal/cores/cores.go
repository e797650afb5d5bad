// Package cores divides the machine's cores between the collector that is measured and the process that sends.
package cores

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Set is the cores that this process may use.
type Set struct{ allowed []int }

// Allowed returns the cores that this process was given.
func Allowed() (Set, error) {
	var mask unix.CPUSet
	if err := unix.SchedGetaffinity(0, &mask); err != nil {
		return Set{}, fmt.Errorf("cores of this process: %w", err)
	}
	var s Set
	for i := range len(mask) * 64 {
		if mask.IsSet(i) {
			s.allowed = append(s.allowed, i)
		}
	}
	return s, nil
}

// Len is how many there are.
func (s Set) Len() int { return len(s.allowed) }

// Divide runs a function, which starts a child, on the first n cores, and leaves this process the others, or all where
// there are no others.
func (s Set) Divide(n int, start func() error) error {
	child, rest := mask(s.allowed[:n]), mask(s.allowed[n:])
	if n == len(s.allowed) {
		rest = mask(s.allowed)
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("threads of this process: %w", err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			return fmt.Errorf("threads of this process: %w", err)
		}
		// A thread may have ended since.
		if err := unix.SchedSetaffinity(id, &rest); err != nil && err != unix.ESRCH {
			return fmt.Errorf("choose cores for this process: %w", err)
		}
	}
	// A child has the cores of the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SchedSetaffinity(0, &child); err != nil {
		return fmt.Errorf("choose cores for the collector: %w", err)
	}
	defer func() { _ = unix.SchedSetaffinity(0, &rest) }()
	return start()
}

func mask(cores []int) unix.CPUSet {
	var set unix.CPUSet
	for _, c := range cores {
		set.Set(c)
	}
	return set
}
