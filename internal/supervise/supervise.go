// Package supervise keeps the collector running through reloads and ends it in
// time.
//
// The collector's library reloads by shutting down before it reads the new
// configuration, so that a mistake ends the process. Run takes SIGHUP over: it
// validates the new configuration first and, where the collector cannot start
// with it anyway, starts it with the last one that worked. A shutdown
// that does not end by itself is ended after ShutdownTimeout.
//
// Call Run once for each Supervisor: it handles the signals of the whole
// process until it returns. A Snapshot may be used concurrently; its converter
// and its hook run in the collector's goroutines.
package supervise

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// ShutdownTimeout is how long the collector may take to shut down.
const ShutdownTimeout = 20 * time.Second

// Command runs the collector's command line until it ends.
type Command func(ctx context.Context, args []string) error

// Supervisor runs a command.
type Supervisor struct {
	command Command
	config  *Snapshot
	logger  *zap.Logger
	// timeout is ShutdownTimeout, and exit os.Exit, except in tests.
	timeout time.Duration
	exit    func(code int)
	// takeOvers is how often SIGHUP is taken over from the library; none in tests, which have no library.
	takeOvers int
	// ended is closed when the process is terminated.
	ended chan struct{}
	// hangups receives SIGHUP, between two runs of the collector too.
	hangups chan os.Signal
}

// New returns a supervisor of a command. config must be among the converters of
// the command's configuration, and its hook among those of the logger.
func New(command Command, config *Snapshot, logger *zap.Logger) *Supervisor {
	return &Supervisor{command, config, logger, ShutdownTimeout, os.Exit, takeOvers, make(chan struct{}), make(chan os.Signal, 8)}
}

// Run runs the command with these arguments.
func (s *Supervisor) Run(args []string) error {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return s.command(context.Background(), args) // validate, components, ...
	}
	ends := make(chan os.Signal, 2)
	signal.Notify(ends, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(ends)
	signal.Notify(s.hangups, syscall.SIGHUP)
	defer signal.Stop(s.hangups)
	go func() {
		<-ends
		close(s.ended)
		s.endInTime()
	}()
	return s.run(args)
}

// outcome is how a run of the collector ended.
type outcome struct {
	err error
	// ready reports whether it had started, hangup whether SIGHUP came, reload whether it ended for a reload.
	ready, hangup, reload bool
}

// ending reports whether the process was terminated.
func (s *Supervisor) ending() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

func (s *Supervisor) run(args []string) error {
	next, reloading := args, false
	for {
		o := s.once(args, next)
		switch {
		case s.ending():
			return o.err
		case o.reload:
			next, reloading = args, true
		case o.err == nil:
			return nil
		case !s.config.worked() || !o.hangup && !reloading:
			return o.err
		default:
			// The library read the signal itself, or the new configuration does not start.
			s.logger.Error("The collector does not start with the new configuration; it restarts with the last one that worked", zap.Error(o.err))
			if next, reloading = s.config.args(), false; !o.ready {
				time.Sleep(restartWait)
			}
		}
	}
}

// restartWait is how long sockets of a run that failed to start may need to close.
const restartWait = 100 * time.Millisecond

// once runs the collector with the arguments next. args are those of the command line, for the next reload.
func (s *Supervisor) once(args, next []string) (o outcome) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ready := s.config.expect()
	done := make(chan error, 1)
	go func() { done <- s.command(ctx, next) }()

	hangups, ended := s.hangups, s.ended
	var takeOver <-chan time.Time
	early := false
	for tries := 0; ; {
		select {
		case o.err = <-done:
			select {
			case <-hangups:
				o.hangup = true
			default:
			}
			return o
		case <-ended:
			if ended = nil; !o.ready {
				cancel() // the library does not listen to the signal before it is ready
			}
		case <-ready:
			o.ready, ready = true, nil
			s.config.keep()
			if early && len(hangups) == 0 { // the files may have changed since they were read
				hangups <- syscall.SIGHUP
			}
			if s.takeOvers > 0 {
				takeOver = time.After(0)
			}
		case <-takeOver:
			// Away from the library, which asks for the signal just after it has said that it is ready.
			signal.Ignore(syscall.SIGHUP)
			signal.Notify(hangups, syscall.SIGHUP)
			if tries++; tries < s.takeOvers {
				takeOver = time.After(takeOverWait << tries)
			} else if slices.Equal(next, args) && len(hangups) == 0 && s.filesChanged(ctx, args) {
				hangups <- syscall.SIGHUP // which may have been lost
			}
		case <-hangups:
			if o.hangup = true; o.reload || s.ending() {
				continue // it is ending anyway
			}
			if !o.ready {
				early = true
				continue
			}
			s.logger.Info("Received SIGHUP; validating the new configuration")
			if err := s.command(ctx, append([]string{"validate"}, args...)); err != nil {
				s.logger.Error("The new configuration is invalid; the collector keeps the old one", zap.Error(err))
				continue
			}
			s.logger.Info("The new configuration is valid; the collector restarts with it")
			o.reload = true
			cancel()
		}
	}
}

// The signal is taken over ten times within a second, in which the library asks for it. A signal that comes at the very
// moment is lost, so whether the files have changed is looked at afterwards. Should the library get one, run starts the
// last configuration that worked.
const (
	takeOvers    = 10
	takeOverWait = time.Millisecond
)

// filesChanged reports whether there is a valid configuration that differs from the one that runs.
func (s *Supervisor) filesChanged(ctx context.Context, args []string) bool {
	return s.command(ctx, append([]string{"validate"}, args...)) == nil && s.config.changed()
}

// endInTime ends the process where the collector does not.
func (s *Supervisor) endInTime() {
	time.Sleep(s.timeout)
	s.logger.Error("The shutdown did not end in time; what is not exported yet is dropped, except what is in a queue on disk",
		zap.Duration("timeout", s.timeout), zap.Strings("dropped", s.config.queued()))
	s.exit(1)
}
