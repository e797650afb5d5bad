package proc

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func start(t *testing.T, script string) *Process {
	t.Helper()
	p, err := Start(Command{Name: "the script", Path: "/bin/sh", Args: []string{"-c", script}, Log: filepath.Join(t.TempDir(), "log")})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = p.Stop(ctx)
	})
	return p
}

func TestUntilTellsHowTheProcessEnded(t *testing.T) {
	p := start(t, "echo went wrong; exit 3")
	err := p.Until(t.Context(), "good news", func(context.Context) error { return errors.New("none yet") })
	require.ErrorContains(t, err, "the script ended while waiting for good news")
	assert.ErrorContains(t, err, "went wrong")
	assert.Equal(t, 3, p.ExitCode())
}

func TestUntilTellsWhatTheConditionLastSaid(t *testing.T) {
	p := start(t, "exec sleep 60")
	ctx, cancel := context.WithCancel(t.Context())
	looks := 0
	err := p.Until(ctx, "good news", func(ctx context.Context) error {
		if looks++; looks == 2 {
			cancel()
			return ctx.Err()
		}
		return errors.New("none yet")
	})
	require.ErrorIs(t, err, context.Canceled)
	assert.ErrorContains(t, err, "last: none yet")
}

func TestStop(t *testing.T) {
	polite := start(t, "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done")
	require.NoError(t, polite.Until(t.Context(), "its trap", logged(polite, "ready")))
	require.NoError(t, polite.Stop(t.Context()))
	assert.Equal(t, 0, polite.ExitCode())

	deaf := start(t, "trap '' TERM; echo ready; while :; do sleep 0.01; done")
	require.NoError(t, deaf.Until(t.Context(), "its trap", logged(deaf, "ready")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorContains(t, deaf.Stop(ctx), "was killed")
	assert.Equal(t, -1, deaf.ExitCode())
}

func logged(p *Process, text string) func(context.Context) error {
	return func(context.Context) error {
		if p.Tail(1) != text {
			return errors.New("not yet")
		}
		return nil
	}
}

func TestFreeAddress(t *testing.T) {
	first, err := FreeAddress()
	require.NoError(t, err)
	second, err := FreeAddress()
	require.NoError(t, err)
	assert.NotEqual(t, first, second)

	listener, err := net.Listen("tcp", first)
	require.NoError(t, err)
	defer listener.Close()
	assert.False(t, IsFree(first))
	assert.True(t, IsFree(second))
}
