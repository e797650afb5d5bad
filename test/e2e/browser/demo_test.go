package browser

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestDemoKeeps: the demo prints the page's address and goes on with traffic, which the page shows, until it is stopped.
func TestDemoKeeps(t *testing.T) {
	t.Parallel()
	usual := collector.DefaultAddresses()
	for _, address := range []string{usual.GRPC, usual.HTTP, usual.Metrics, usual.ServiceMetrics, usual.View, usual.Health, usual.Telemetry} {
		if l, err := net.Listen("tcp", address); err == nil {
			t.Cleanup(func() { l.Close() })
		} // otherwise something else has taken it, which is as good
	}
	demo := filepath.Join(t.TempDir(), "demo")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", demo, ".")
	build.Dir = stack.Root(t, "examples/demo")
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))

	dir := t.TempDir()
	log := filepath.Join(dir, "demo.log")
	running, err := proc.Start(proc.Command{Name: "the demo", Path: demo, Log: log, Args: []string{
		"--keep", "--requests", "200", "--collector", stack.CollectorBinary(t), "--config", stack.Root(t, "otelcol.yaml"), "--data", dir,
	}})
	require.NoError(t, err)
	address := ""
	stack.Until(t, running, "the page's address", func(context.Context) error {
		printed, err := os.ReadFile(log)
		if found := regexp.MustCompile(`Open (http://\S+)`).FindSubmatch(printed); found != nil {
			address = string(found[1])
			return nil
		}
		return errors.Join(err, errors.New("it is not printed"))
	})
	assert.NotContains(t, address, usual.View, "that one is taken")
	count := regexp.MustCompile(`<dd id="count">(\d+)<`)
	stack.Until(t, running, "more requests than the demo began with", func(ctx context.Context) error {
		body, err := get(ctx, address+"?window=start")
		if found := count.FindStringSubmatch(body); err == nil && (found == nil || found[1] <= "201") {
			return fmt.Errorf("the page counts %v", found)
		}
		return err
	})
	stack.Stop(t, running)
	assert.Zero(t, running.ExitCode(), "that is the usual end")
	_, err = get(t.Context(), address)
	assert.Error(t, err, "the collector has ended too")
}
