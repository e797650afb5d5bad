package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestSmallConfigCountsOnce: with the README's own small configuration every span is taken and counted once while the
// queue of a backend that does not answer is full.
func TestSmallConfigCountsOnce(t *testing.T) {
	t.Parallel()
	options := stack.CollectorOptions(t)
	backend, err := proc.FreeAddress()
	require.NoError(t, err)
	options.Configs = []string{
		smallConfig(t, options.DataDir, "localhost:4317", options.Addresses.GRPC, "localhost:9464", options.Addresses.Metrics, "tempo.example.com:4317", backend),
		"yaml:exporters::otlp_grpc::sending_queue::queue_size: 1",
		"yaml:exporters::otlp_grpc::sending_queue::num_consumers: 1",
		"yaml:processors::batch::send_batch_size: 1", // each request by itself: one is tried again and again, one waits
		"yaml:connectors::mlmetrics::metrics_flush_interval: 1s",
		"yaml:service::telemetry::metrics::level: none",
	}
	running, err := collector.Launch(options)
	require.NoError(t, err)
	t.Cleanup(func() { stack.Stop(t, running.Process) })
	stack.Until(t, running.Process, "its start", func(context.Context) error {
		if !strings.Contains(running.Log(), "Everything is ready.") {
			return fmt.Errorf("not ready yet")
		}
		return nil
	})
	const requests = 20
	for i := range requests {
		export(t, running, oneSpan(pcommon.TraceID{byte(i + 1)}, 1, func(s ptrace.Span) { s.SetName("ml.inference") }))
	}
	stack.Until(t, running.Process, "spans dropped for a full queue", func(context.Context) error {
		if !strings.Contains(running.Log(), "sending queue is full") {
			return fmt.Errorf("none yet")
		}
		return nil
	})
	stack.Until(t, running.Process, "all spans counted", func(ctx context.Context) error {
		samples, err := running.Metrics(ctx)
		if err != nil {
			return err
		}
		if got := samples.Sum("ml_stage_calls_total"); got != requests {
			return fmt.Errorf("%v of %d are counted", got, requests)
		}
		return nil
	})
}

// smallConfig writes the README's configuration, with these addresses for those in it.
func smallConfig(t *testing.T, dir string, oldNew ...string) string {
	t.Helper()
	page, err := os.ReadFile(stack.Root(t, "README.md"))
	require.NoError(t, err)
	for _, block := range strings.Split(string(page), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		if strings.Contains(block, "\nservice:") {
			path := filepath.Join(dir, "small.yaml")
			require.NoError(t, os.WriteFile(path, []byte(strings.NewReplacer(oldNew...).Replace(block)), 0o600))
			return path
		}
	}
	require.Fail(t, "README.md has no complete configuration")
	return ""
}
