// Package proc runs another program as a child and always ends it.
package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Process is a running child.
type Process struct {
	name   string
	log    string
	cmd    *exec.Cmd
	exited chan struct{}
	err    error
}

// Command says what to run.
type Command struct {
	// Name is how messages call it.
	Name string
	// Path is the program. Args come after it.
	Path string
	Args []string
	// Env is added to this process's environment.
	Env []string
	// Dir is the working directory, this process's where empty.
	Dir string
	// Log is the file that takes its output.
	Log string
	// OwnGroup keeps Ctrl-C in a terminal from the child: whoever started it stops it, in its own time.
	OwnGroup bool
}

// Start starts a program.
func Start(c Command) (*Process, error) {
	log, err := os.Create(c.Log)
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", c.Name, err)
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = c.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: c.OwnGroup}
	cmd.Env = append(os.Environ(), c.Env...)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	p := &Process{name: c.Name, log: c.Log, cmd: cmd, exited: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// Exited is closed once the child has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// ExitCode is the child's exit code once it has ended, -1 before that or where a signal ended it.
func (p *Process) ExitCode() int {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	default:
		return -1
	}
}

// PID is the child's process ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Until polls a condition until it holds, the child ends or the context does.
// The error says what was waited for, what the condition last said, and how the child's log ends.
func (p *Process) Until(ctx context.Context, what string, condition func(context.Context) error) error {
	last, err := until(ctx, p.exited, condition)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errEnded):
		return fmt.Errorf("%s ended while waiting for %s: %w\n%s", p.name, what, p.err, p.Tail(12))
	default:
		return fmt.Errorf("waiting for %s: %w; last: %w", what, err, last)
	}
}

var errEnded = errors.New("the process ended")

// pollInterval is short beside what is waited for and long beside what one look costs.
const pollInterval = 50 * time.Millisecond

func until(ctx context.Context, ended <-chan struct{}, condition func(context.Context) error) (last, err error) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		failed := condition(ctx)
		if failed == nil {
			return nil, nil
		}
		if last == nil || ctx.Err() == nil {
			last = failed // what it says once the context has ended says nothing about the condition
		}
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-ended:
			return last, errEnded
		case <-ticker.C:
		}
	}
}

// Tail is the last lines of the child's log.
func (p *Process) Tail(lines int) string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	all := bytes.Split(bytes.TrimRight(data, "\n"), []byte("\n"))
	last := all[max(0, len(all)-lines):]
	return strings.TrimSpace(string(bytes.Join(last, []byte("\n"))))
}

// Log is everything that the child has written so far.
func (p *Process) Log() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// Stop asks the child to end and waits for that. It kills it, and says so, where it has not ended when the context has.
func (p *Process) Stop(ctx context.Context) error {
	select {
	case <-p.exited:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s did not end when asked to and was killed", p.name)
	}
}
