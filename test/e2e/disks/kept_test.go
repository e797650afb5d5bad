package disks

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestFullDiskUnderTheKeptFile: with a full disk under the file of kept traces, also where the collector is killed and started
// on it, every span is in the metrics, and what is missing in the file is counted. After the disk has room every
// trace is in the file: what was cut off has taken no other line with it.
func TestFullDiskUnderTheKeptFile(t *testing.T) {
	t.Parallel()
	file := newDisk(t, 16)
	options := ofKept(t, file)
	first := stack.StartCollector(t, options)
	before := send(t, first, 21, 100)
	untilWritten(t, first, spans(before))
	file.fill()
	full := send(t, first, 22, 300)
	untilCounted(t, first, spans(before)+spans(full))
	lost := untilWritten(t, first, spans(before)+spans(full))
	require.Positive(t, lost, "the disk was not full")
	traces, _ := lines(t, first.KeptFile())
	assert.Zero(t, missing(before, traces))
	assert.Equal(t, lost, missing(full, traces))
	kill(t, first)

	second := stack.StartCollector(t, options)
	again := send(t, second, 23, 300)
	untilCounted(t, second, spans(again))
	lostAgain := untilWritten(t, second, spans(again))
	file.makeRoom()
	after := send(t, second, 24, 100)
	untilCounted(t, second, spans(again)+spans(after))
	assert.Equal(t, lostAgain, untilWritten(t, second, spans(again)+spans(after)), "nothing more is lost")
	stack.Stop(t, second.Process)
	traces, broken := lines(t, second.KeptFile())
	assert.Zero(t, missing(before, traces))
	assert.Zero(t, missing(after, traces))
	assert.Equal(t, lost+lostAgain, missing(full, traces)+missing(again, traces), "spans that are counted as lost")
	assert.LessOrEqual(t, broken, 2, "broken lines, one for each process")
}

// TestReadOnlyDiskUnderTheKeptFile: the disk becomes read-only under the collector. Every span is in the metrics, and what is
// missing in the file is counted, also by a collector that starts on the read-only disk.
func TestReadOnlyDiskUnderTheKeptFile(t *testing.T) {
	t.Parallel()
	file := newDisk(t, 16)
	options := ofKept(t, file)
	first := stack.StartCollector(t, options)
	before := send(t, first, 31, 100)
	untilWritten(t, first, spans(before))
	file.breaks()
	later := send(t, first, 32, 300)
	untilCounted(t, first, spans(before)+spans(later))
	lost := untilWritten(t, first, spans(before)+spans(later))
	require.Positive(t, lost, "the disk could be written")
	stack.Stop(t, first.Process)

	second := stack.StartCollector(t, options)
	again := send(t, second, 34, 100)
	untilCounted(t, second, spans(again))
	require.Equal(t, spans(again), untilWritten(t, second, spans(again)))
	require.Contains(t, second.Log(), "read-only file system")
	stack.Stop(t, second.Process)

	file.repair()
	third := stack.StartCollector(t, options)
	after := send(t, third, 33, 100)
	require.Zero(t, untilWritten(t, third, spans(after)))
	traces, _ := lines(t, third.KeptFile())
	assert.Zero(t, missing(before, traces))
	assert.Equal(t, lost, missing(later, traces))
	assert.Zero(t, missing(after, traces))
}

// ofKept are the options of a collector with the file of kept traces on a disk of its own.
func ofKept(t testing.TB, file *disk) collector.Options {
	t.Helper()
	options := stack.CollectorOptions(t, stack.FastFlush)
	options.DataDir = file.dir
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s"}
	return options
}

// untilWritten waits until so many spans are written to the file or have failed, and returns how many have failed.
func untilWritten(t testing.TB, running *collector.Collector, spans int) (failed int) {
	t.Helper()
	untilTelemetry(t, running, "the kept traces in the file", func(s scrape.Samples) error {
		failed = int(s.Sum("otelcol_exporter_send_failed_spans", "exporter", "file/kept"))
		if n := int(s.Sum("otelcol_exporter_sent_spans", "exporter", "file/kept")) + failed; n < spans {
			return fmt.Errorf("%d of %d spans", n, spans)
		}
		return nil
	})
	return failed
}

// lines are the traces of a file, and the number of lines that are none.
func lines(t testing.TB, path string) (traces kept.Traces, broken int) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	traces = kept.Traces{}
	for _, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		if err != nil {
			broken++
			continue
		}
		for _, resource := range td.ResourceSpans().All() {
			for _, scope := range resource.ScopeSpans().All() {
				for _, span := range scope.Spans().All() {
					traces[span.TraceID()] = append(traces[span.TraceID()], kept.Span{Span: span, Resource: resource.Resource()})
				}
			}
		}
	}
	return traces, broken
}
