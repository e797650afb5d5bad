package disks

import (
	"context"
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/backend"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// toBackend are the options of a collector with its queue on a disk of its own.
func toBackend(t testing.TB, to *backend.Backend, queue *disk) collector.Options {
	t.Helper()
	options := stack.CollectorOptions(t, stack.FastFlush, stack.Root(t, "deploy/tempo/otelcol.yaml"),
		"yaml:extensions::file_storage/queue::directory: "+queue.dir,
		"yaml:extensions::file_storage/queue::compaction::directory: "+queue.dir,
		"yaml:exporters::otlp_http/backend::retry_on_failure::max_interval: 1s",
		"yaml:service::pipelines::traces/sample::exporters: [otlp_http/backend, file/kept]") // the file last, see untilQueued
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s", to.Env()}
	return options
}

// untilQueued waits until the queue has taken or refused so many spans: the file has them after it.
func untilQueued(t testing.TB, running *collector.Collector, spans int) {
	t.Helper()
	untilTelemetry(t, running, "the kept traces in the queue", func(s scrape.Samples) error {
		n := int(s.Sum("otelcol_exporter_sent_spans", "exporter", "file/kept"))
		if n < spans {
			return fmt.Errorf("%d of %d spans are kept", n, spans)
		}
		return nil
	})
}

func untilDelivered(t testing.TB, running *collector.Collector) {
	t.Helper()
	untilTelemetry(t, running, "an empty queue", func(s scrape.Samples) error {
		if n := s.Sum("otelcol_exporter_queue_size", "exporter", "otlp_http/backend"); n > 0 {
			return fmt.Errorf("%v bytes wait", n)
		}
		return nil
	})
}

func refused(t testing.TB, running *collector.Collector) int {
	t.Helper()
	telemetry, err := running.Telemetry(t.Context())
	require.NoError(t, err)
	assert.Zero(t, telemetry.Sum("otelcol_exporter_send_failed_spans", "exporter", "otlp_http/backend"))
	return int(telemetry.Sum("otelcol_exporter_enqueue_failed_spans", "exporter", "otlp_http/backend"))
}

// TestKilledAndStartedOnAFullDisk: no kept trace that was in the queue is lost where the collector is killed while they wait,
// started with a full disk under the queue, killed again and started again, whether there is room then or not.
func TestKilledAndStartedOnAFullDisk(t *testing.T) {
	t.Parallel()
	for name, room := range map[string]bool{"no room until all is sent": false, "room at last": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, queue := backend.Start(t), newDisk(t, 48)
			to.GoAway()
			options := toBackend(t, to, queue)
			first := stack.StartCollector(t, options)
			sent := send(t, first, 7, 2000)
			untilQueued(t, first, spans(sent))
			kill(t, first)
			queue.fill()

			second := stack.StartCollector(t, options)
			untilTelemetry(t, second, "the queue", func(s scrape.Samples) error {
				if s.Sum("otelcol_exporter_queue_size", "exporter", "otlp_http/backend") == 0 {
					return fmt.Errorf("it is empty")
				}
				return nil
			})
			kill(t, second)
			if room {
				queue.makeRoom()
			}
			to.ComeBack()
			third := stack.StartCollector(t, options)
			untilDelivered(t, third)
			assert.Zero(t, missing(sent, to.Received()), "of %d spans", spans(sent))
			assert.Zero(t, refused(t, third))
			if !room {
				queue.makeRoom()
			}
			after := send(t, third, 8, 100)
			untilQueued(t, third, spans(after))
			untilDelivered(t, third)
			assert.Zero(t, missing(after, to.Received()))
			stack.Stop(t, third.Process)

			before := len(to.Received())
			fourth := stack.StartCollector(t, options)
			untilDelivered(t, fourth)
			assert.Len(t, to.Received(), before, "nothing is left in the file")
		})
	}
}

// TestFullDiskUnderTheQueue: what is in the queue when its disk becomes full is sent, what comes later is refused and
// counted, and nothing else is missing: neither where the backend comes back before there is room nor where the
// collector is killed on the full disk.
func TestFullDiskUnderTheQueue(t *testing.T) {
	t.Parallel()
	for name, killed := range map[string]bool{"running": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, queue := backend.Start(t), newDisk(t, 48)
			to.GoAway()
			options := toBackend(t, to, queue)
			running := stack.StartCollector(t, options)
			queued := send(t, running, 9, 1000)
			untilQueued(t, running, spans(queued))
			queue.fill()
			later := send(t, running, 10, 1000)
			untilQueued(t, running, spans(queued)+spans(later))
			untilCounted(t, running, spans(queued)+spans(later))
			lost := refused(t, running)
			require.Positive(t, lost, "the disk was not full")
			if killed {
				kill(t, running)
				running = stack.StartCollector(t, options)
			}
			to.ComeBack()
			untilDelivered(t, running)
			assert.Zero(t, missing(queued, to.Received()), "of %d spans in the queue", spans(queued))
			assert.Equal(t, lost, missing(later, to.Received()), "of %d spans sent on a full disk", spans(later))

			queue.makeRoom()
			after := send(t, running, 11, 100)
			stack.Stop(t, running.Process)
			running = stack.StartCollector(t, options)
			untilDelivered(t, running)
			assert.Zero(t, missing(after, to.Received()))
			traces, err := kept.Read(running.KeptFile())
			require.NoError(t, err)
			assert.Zero(t, missing(append(append(queued, later...), after...), traces), "in the file on the other disk")
		})
	}
}

// TestReadOnlyDiskUnderTheQueue: the disk becomes read-only under the queue. What is in it is sent, what comes later is refused
// and counted. On a disk that is read-only the collector does not start, and says why; from a repaired one it
// delivers what was there.
func TestReadOnlyDiskUnderTheQueue(t *testing.T) {
	t.Parallel()
	for name, delivered := range map[string]bool{"the backend comes back first": true, "the disk is repaired first": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, queue := backend.Start(t), newDisk(t, 48)
			to.GoAway()
			options := toBackend(t, to, queue)
			running := stack.StartCollector(t, options)
			queued := send(t, running, 12, 1000)
			untilQueued(t, running, spans(queued))
			queue.breaks()
			later := send(t, running, 13, 300)
			untilQueued(t, running, spans(queued)+spans(later))
			untilCounted(t, running, spans(queued)+spans(later))
			assert.Equal(t, spans(later), refused(t, running))
			if delivered {
				to.ComeBack()
				untilDelivered(t, running)
				assert.Zero(t, missing(queued, to.Received()))
			}
			kill(t, running)
			assertRefusesToStart(t, options, "read-only file system")
			queue.repair()
			if !delivered {
				to.ComeBack()
			}
			running = stack.StartCollector(t, options)
			untilDelivered(t, running)
			assert.Zero(t, missing(queued, to.Received()), "of %d spans in the queue", spans(queued))
			assert.Equal(t, spans(later), missing(later, to.Received()))
		})
	}
}

// TestFirstStartOnAFullDisk: without a queue yet, the collector says that there is no room for one. It starts once there is.
func TestFirstStartOnAFullDisk(t *testing.T) {
	t.Parallel()
	to, queue := backend.Start(t), newDisk(t, 16)
	queue.fill()
	options := toBackend(t, to, queue)
	assertRefusesToStart(t, options, "no space left on device")
	queue.makeRoom()
	running := stack.StartCollector(t, options)
	sent := send(t, running, 14, 50)
	untilQueued(t, running, spans(sent))
	untilDelivered(t, running)
	assert.Zero(t, missing(sent, to.Received()))
}

// assertRefusesToStart checks that a collector ends by itself, with an error that says what is wrong with the disk.
func assertRefusesToStart(t testing.TB, options collector.Options, because string) {
	t.Helper()
	refusing, err := collector.Launch(options)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), stack.Patience)
	defer cancel()
	select {
	case <-refusing.Exited():
	case <-ctx.Done():
		stack.Stop(t, refusing.Process)
		require.Fail(t, "it runs")
	}
	assert.Equal(t, 1, refusing.ExitCode())
	assert.Contains(t, refusing.Log(), because)
}

// kill ends a process at once, as the kernel does when memory runs out.
func kill(t testing.TB, running *collector.Collector) {
	t.Helper()
	require.NoError(t, syscall.Kill(running.PID(), syscall.SIGKILL))
	<-running.Exited()
}
