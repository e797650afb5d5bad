package supervise

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"
)

// fake stands for the collector's command line.
type fake struct {
	mu     sync.Mutex
	runs   [][]string
	config *Snapshot
	logger *zap.Logger
	// valid and starts say whether the files can be validated and started with; end is what a run ends with.
	valid, starts, end error
	version            int // of the files
	up                 chan struct{}
	stop               chan struct{}
}

func newFake() (*fake, *Supervisor) {
	f := &fake{config: &Snapshot{}, up: make(chan struct{}, 10), stop: make(chan struct{})}
	f.logger = zap.NewExample(f.config.Hook())
	s := New(f.run, f.config, zap.NewNop())
	s.takeOvers = 0
	return f, s
}

func (f *fake) run(ctx context.Context, args []string) error {
	f.mu.Lock()
	f.runs = append(f.runs, args)
	valid, starts, version := f.valid, f.starts, f.version
	f.mu.Unlock()
	conf := confmap.NewFromStringMap(map[string]any{"receivers": map[string]any{"otlp": map[string]any{"password": "a$b"}}, "version": version})
	if err := (converter{f.config}).Convert(ctx, conf); err != nil {
		return err
	}
	if args[0] == "validate" {
		return valid
	}
	fromFiles := !strings.HasPrefix(args[1], "yaml:")
	if fromFiles && starts != nil {
		return starts
	}
	f.logger.Info(readyMessage)
	f.up <- struct{}{}
	select {
	case <-ctx.Done():
		return nil
	case <-f.stop:
		return f.end
	}
}

func (f *fake) set(valid, starts error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.valid, f.starts = valid, starts
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.runs)
}

func kill(t *testing.T, s syscall.Signal) { require.NoError(t, syscall.Kill(syscall.Getpid(), s)) }

// TestReloads: an invalid configuration changes nothing; one that does not start is replaced by the last that worked;
// a good one is started with.
func TestReloads(t *testing.T) {
	f, s := newFake()
	done := make(chan error, 1)
	go func() { done <- s.Run([]string{"--config", "file"}) }()
	<-f.up
	hangUp := func(runs int) {
		t.Helper()
		kill(t, syscall.SIGHUP)
		require.Eventually(t, func() bool { return f.count() == runs }, time.Minute, time.Millisecond)
	}
	f.set(errors.New("bad"), nil)
	hangUp(2)
	assert.Equal(t, []string{"validate", "--config", "file"}, f.runs[1])

	f.set(nil, errors.New("port taken"))
	hangUp(5) // validated, tried, and the last one that worked
	<-f.up
	assert.Equal(t, []string{"--config", "file"}, f.runs[3])
	assert.Equal(t, []string{"--config", `yaml:{"receivers":{"otlp":{"password":"a$$b"}},"version":0}`}, f.runs[4])

	f.set(nil, nil)
	hangUp(7)
	<-f.up
	assert.Equal(t, []string{"--config", "file"}, f.runs[6])
	close(f.stop)
	require.NoError(t, <-done)
}

// TestALostSignal: where the files have changed while the signal was taken over from the library, the collector restarts
// with them although no signal came; once, and not where they are invalid.
func TestALostSignal(t *testing.T) {
	for _, invalid := range []bool{false, true} {
		f, s := newFake()
		s.takeOvers = 5 // 2 to 32 ms apart
		if invalid {
			f.valid = errors.New("bad")
		}
		done := make(chan error, 1)
		go func() { done <- s.Run([]string{"--config", "file"}) }()
		<-f.up
		f.mu.Lock()
		f.version++
		f.mu.Unlock()
		runs := 2 // the start, and the look at the files
		if !invalid {
			runs = 5 // validated as after a signal, started, looked at
			<-f.up
		}
		require.Eventually(t, func() bool { return f.count() >= runs }, time.Minute, time.Millisecond)
		close(f.stop)
		require.NoError(t, <-done)
		require.Equal(t, runs, f.count())
	}
}

// TestErrorsEndTheProcess: an error that no reload caused is returned, also one of a shutdown.
func TestErrorsEndTheProcess(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"by itself": 0, "terminated": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			f, s := newFake()
			s.timeout = time.Hour
			f.end = errors.New("failed to shut down")
			done := make(chan error, 1)
			go func() { done <- s.Run([]string{"--config", "file"}) }()
			<-f.up
			if signal != 0 {
				kill(t, signal)
				<-s.ended
			}
			close(f.stop)
			require.ErrorIs(t, <-done, f.end)
			require.Equal(t, 1, f.count())
		})
	}
	f, s := newFake()
	f.starts = errors.New("bad")
	require.ErrorIs(t, s.Run([]string{"--config", "file"}), f.starts)
}

func TestAShutdownThatDoesNotEndIsEnded(t *testing.T) {
	f, s := newFake()
	exited := make(chan int, 1)
	s.timeout, s.exit = time.Millisecond, func(code int) { exited <- code }
	go func() { _ = s.Run([]string{"--config", "file"}) }()
	<-f.up
	kill(t, syscall.SIGTERM)
	require.Equal(t, 1, <-exited)
	close(f.stop)
}

func TestQueued(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("otelcol_exporter_queue_size{data_type=\"traces\",exporter=\"otlp_http/backend\",x=\"y\"} 12\notelcol_exporter_queue_size{exporter=\"other\"} 0\n"))
	}))
	defer server.Close()
	host, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	reader := map[string]any{"pull": map[string]any{"exporter": map[string]any{"prometheus": map[string]any{"host": host, "port": port}}}}
	s := &Snapshot{good: map[string]any{"service": map[string]any{"telemetry": map[string]any{"metrics": map[string]any{"readers": []any{reader}}}}}}
	require.Equal(t, []string{"otlp_http/backend: 12 requests"}, s.queued())
	require.Empty(t, (&Snapshot{}).queued())
}
