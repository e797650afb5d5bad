// Package confine runs a program as a service manager or a container engine does:
// in a root file system, as a user, without privileges, and with the system calls
// that a unit allows. There is no service manager in a build to ask.
package confine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Program is what to run, and within what.
type Program struct {
	Root     string // the root file system
	UID, GID int
	Env      []string
	Args     []string // with the path of the program first
	// Syscalls are the only ones allowed, others are EPERM. None: all are.
	Syscalls []string
}

// variable makes this program, started again, the confined one.
const variable = "CONFINE_PROGRAM"

// Main is for TestMain: in the process that Start starts it does not return.
func Main() {
	text := os.Getenv(variable)
	if text == "" {
		return
	}
	var p Program
	err := json.Unmarshal([]byte(text), &p)
	if err == nil {
		err = p.become()
	}
	fmt.Fprintln(os.Stderr, "confine:", err)
	os.Exit(127)
}

// become replaces this process. What it gives up it cannot have again.
func (p Program) become() error {
	if err := unix.Chroot(p.Root); err != nil {
		return fmt.Errorf("chroot: %w; run these tests as root", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setgid(p.GID); err != nil {
		return err
	}
	if err := syscall.Setuid(p.UID); err != nil {
		return err
	}
	if err := seccomp.SetNoNewPrivs(); err != nil {
		return err
	}
	if len(p.Syscalls) > 0 {
		if err := allowOnly(p.Syscalls); err != nil {
			return err
		}
	}
	return syscall.Exec(p.Args[0], p.Args, lastOfEach(p.Env))
}

// lastOfEach keeps the last value of each variable, as engines and service managers do.
func lastOfEach(env []string) []string {
	values := map[string]string{}
	for _, variable := range env {
		name, _, _ := strings.Cut(variable, "=")
		values[name] = variable
	}
	return slices.Sorted(maps.Values(values))
}

func allowOnly(names []string) error {
	info, err := arch.GetInfo("")
	if err != nil {
		return err
	}
	var known []string // systemd's sets have those of all architectures
	for _, name := range names {
		if _, ok := info.SyscallNames[name]; ok {
			known = append(known, name)
		}
	}
	return seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true, Flag: seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{
			DefaultAction: seccomp.ActionErrno, // EPERM
			Syscalls:      []seccomp.SyscallGroup{{Action: seccomp.ActionAllow, Names: known}},
		},
	})
}

// Process is a started program.
type Process struct {
	command *exec.Cmd
	output  *output
	ended   chan struct{}
	err     error
}

// output may be read while it is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Start starts a program, and ends it with the test.
func Start(t testing.TB, program Program) *Process {
	t.Helper()
	mountProc(t, program.Root)
	text, err := json.Marshal(program)
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	p := &Process{command: exec.Command(self), output: &output{}, ended: make(chan struct{})}
	p.command.Env = []string{variable + "=" + string(text)}
	p.command.Stdout, p.command.Stderr = p.output, p.output
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, p.command.Start())
	go func() { p.err = p.command.Wait(); close(p.ended) }()
	t.Cleanup(func() {
		p.command.Process.Kill()
		<-p.ended
	})
	return p
}

// mountProc gives the root file system a /proc, which the collector reads the size of the memory from.
func mountProc(t testing.TB, root string) {
	t.Helper()
	proc := filepath.Join(root, "proc")
	require.NoError(t, os.MkdirAll(proc, 0o755))
	if _, err := os.Stat(filepath.Join(proc, "self")); err == nil {
		return
	}
	require.NoError(t, unix.Mount("proc", proc, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""), "run these tests as root")
	t.Cleanup(func() { require.NoError(t, unix.Unmount(proc, unix.MNT_DETACH)) })
}

// Run runs a program to its end and returns what it wrote.
func Run(t testing.TB, program Program) (string, error) {
	t.Helper()
	p := Start(t, program)
	<-p.ended
	return p.output.String(), p.err
}

// Patience is how long a test waits for a condition before it fails.
const Patience = time.Minute

// Until waits for a condition, and fails the test where it does not come.
func (p *Process) Until(t testing.TB, what string, condition func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := condition(ctx)
		if err == nil {
			return
		}
		select {
		case <-p.ended:
			require.Fail(t, "the program ended", "waiting for %s: %v\n%s", what, p.err, p.output)
		case <-ctx.Done():
			require.Fail(t, "the condition did not come", "%s: %v\n%s", what, err, p.output)
		case <-again.C:
		}
	}
}

// Stop ends the program as an operator does, and fails the test where it does not end well.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	require.NoError(t, p.command.Process.Signal(syscall.SIGTERM))
	select {
	case <-p.ended:
		require.NoError(t, p.err, p.output)
	case <-time.After(Patience):
		require.Fail(t, "it did not end", "%s", p.output)
	}
}

// Signal sends a signal.
func (p *Process) Signal(t testing.TB, signal os.Signal) {
	t.Helper()
	require.NoError(t, p.command.Process.Signal(signal))
}

// Output is what it has written so far.
func (p *Process) Output() string { return p.output.String() }

// PID is that of the program.
func (p *Process) PID() int { return p.command.Process.Pid }
