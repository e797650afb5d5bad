package stack

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
)

const (
	// Patience is how long a test waits for a condition before it fails. Nothing waits that long where all is well.
	Patience = 90 * time.Second
	// stopWithin is how long a process may take to flush and end.
	stopWithin = 30 * time.Second
)

// Setting is a value of --config that overrides one setting of otelcol.yaml.
type Setting = string

// FastFlush has metrics flushed often, but not as often as Prometheus scrapes here, so that no flush goes unseen.
const FastFlush Setting = "yaml:connectors::mlmetrics::metrics_flush_interval: 2s"

// DecisionWait is tail sampling's wait in the tests: long beside what it takes to send one wave of requests.
const DecisionWait = "OTELCOL_ML_DECISION_WAIT=6s"

// CollectorOptions are those of a collector with otelcol.yaml, free ports and a folder of its own. Settings override
// the file's.
func CollectorOptions(t testing.TB, settings ...Setting) collector.Options {
	t.Helper()
	addresses, err := collector.FreeAddresses()
	require.NoError(t, err)
	dir := t.TempDir()
	return collector.Options{
		Binary:    CollectorBinary(t),
		Configs:   append([]string{Root(t, "otelcol.yaml")}, settings...),
		Addresses: addresses,
		DataDir:   dir,
		Log:       dir + "/collector.log",
		Env:       []string{DecisionWait},
	}
}

// StartCollector starts a collector and stops it with the test, which fails where it does not end by itself.
func StartCollector(t testing.TB, options collector.Options) *collector.Collector {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	running, err := collector.Start(ctx, options)
	require.NoError(t, err)
	t.Cleanup(func() {
		Stop(t, running.Process)
		if t.Failed() {
			t.Logf("the end of the collector's log:\n%s", running.Tail(30))
		}
	})
	return running
}

// Stop ends a process as an operator does, and fails the test where it has to be killed.
func Stop(t testing.TB, process *proc.Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	assert.NoError(t, process.Stop(ctx))
}

// Until waits for a condition of a process, and fails the test where it does not come.
func Until(t testing.TB, process *proc.Process, what string, condition func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	require.NoError(t, process.Until(ctx, what, condition))
}
