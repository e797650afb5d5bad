// Package stack starts what the runs need: the built collector with
// otelcol.yaml, and Python programs in the virtual environments that `make
// interop` has made. Everything listens on free loopback ports, writes into a
// folder of the test, and ends with it.
package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
)

const (
	// patience is how long a run waits for a condition before it fails. Nothing waits that long where all is well.
	patience = 2 * time.Minute
	// stopWithin is how long a process may take to flush and end.
	stopWithin = 30 * time.Second
	// decisionWait is tail sampling's: long beside what the spans of a request take to arrive.
	decisionWait = "OTELCOL_ML_DECISION_WAIT=6s"
)

// Collector is a running collector.
type Collector struct {
	*collector.Collector
	t testing.TB
}

// StartCollector starts the built collector with otelcol.yaml. Settings are
// values of --config that come after the file, such as "yaml:processors::mlsignals::...".
func StartCollector(t testing.TB, settings ...string) *Collector {
	t.Helper()
	addresses, err := collector.FreeAddresses()
	require.NoError(t, err)
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	running, err := collector.Start(ctx, collector.Options{
		Binary:    binary(t),
		Configs:   append([]string{Root(t, "otelcol.yaml")}, settings...),
		Addresses: addresses,
		DataDir:   dir,
		Log:       filepath.Join(dir, "collector.log"),
		Env:       []string{decisionWait},
	})
	require.NoError(t, err)
	t.Cleanup(func() { end(t, "the collector", running.Process) })
	return &Collector{running, t}
}

// OTLPEnvironment has an SDK send to this collector over gRPC, spans alone and soon.
func (c *Collector) OTLPEnvironment() []string {
	return []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + c.GRPC,
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
		"OTEL_EXPORTER_OTLP_INSECURE=true",
		"OTEL_TRACES_EXPORTER=otlp",
		"OTEL_METRICS_EXPORTER=none",
		"OTEL_LOGS_EXPORTER=none",
		"OTEL_BSP_SCHEDULE_DELAY=500",
	}
}

// Until waits for a condition of what the collector shows, and fails the test where it does not come.
func (c *Collector) Until(what string, condition func(context.Context) error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	require.NoError(c.t, c.Process.Until(ctx, what, condition))
}

// UntilSum waits until the sum over all series of a metric in Prometheus'
// format, with these label names and values, is a number.
func (c *Collector) UntilSum(want float64, metric string, nameValues ...string) {
	c.t.Helper()
	c.Until(metric, func(ctx context.Context) error {
		samples, err := c.Metrics(ctx)
		if err != nil {
			return err
		}
		if got := samples.Sum(metric, nameValues...); got != want {
			return fmt.Errorf("%s %v is %v, want %v", metric, nameValues, got, want)
		}
		return nil
	})
}

// Scrape reads what Prometheus would scrape.
func (c *Collector) Scrape() scrape.Samples {
	c.t.Helper()
	samples, err := c.Metrics(c.t.Context())
	require.NoError(c.t, err)
	return samples
}

// UntilKept waits until these traces are in the file of kept traces, each with a span for which whole holds.
func (c *Collector) UntilKept(ids []pcommon.TraceID, whole func(kept.Trace) error) kept.Traces {
	c.t.Helper()
	var traces kept.Traces
	c.Until("the file of kept traces", func(context.Context) (err error) {
		if traces, err = kept.Read(c.KeptFile()); err != nil {
			return err
		}
		for _, id := range ids {
			trace, ok := traces[id]
			if !ok {
				return fmt.Errorf("trace %s is not kept", id)
			}
			if err := whole(trace); err != nil {
				return fmt.Errorf("trace %s: %w", id, err)
			}
		}
		return nil
	})
	return traces
}

// Program is a program to run, in Python or JavaScript.
type Program struct {
	// Venv is the virtual environment of a Python program: the name of its file in requirements/, without .txt. A program
	// without one is run by Node.js.
	Venv string
	// Program is a program of the virtual environment, python where empty. Args come after it.
	Program string
	Args    []string
	// Dir is the working directory, relative to test/interop.
	Dir string
	Env []string
}

// Start starts the program and stops it with the test.
func (p Program) Start(t testing.TB, name string) *proc.Process {
	t.Helper()
	environment := []string{"PYTHONUNBUFFERED=1"}
	path := ""
	if p.Venv == "" {
		var err error
		path, err = exec.LookPath("node")
		require.NoError(t, err, "`make interop` installs Node.js")
	} else {
		bin := filepath.Join(Root(t, "build/venv"), p.Venv, "bin")
		path = filepath.Join(bin, cmp.Or(p.Program, "python"))
		_, err := os.Stat(path)
		require.NoError(t, err, "make the virtual environments with `make interop`")
		environment = append(environment, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	process, err := proc.Start(proc.Command{
		Name: name, Path: path, Args: p.Args, Env: append(environment, p.Env...),
		Dir: Root(t, filepath.Join("test/interop", p.Dir)), Log: filepath.Join(t.TempDir(), name+".log"),
	})
	require.NoError(t, err)
	t.Cleanup(func() { end(t, name, process) })
	return process
}

// Run runs the program to its end, which must be a success, and returns what it wrote.
func (p Program) Run(t testing.TB, name string) string {
	t.Helper()
	process := p.Start(t, name)
	select {
	case <-process.Exited():
	case <-time.After(patience):
		require.Failf(t, name, "has not ended after %s:\n%s", patience, process.Tail(30))
	}
	require.Zero(t, process.ExitCode(), "%s:\n%s", name, process.Tail(30))
	return process.Tail(1 << 20)
}

// UntilSays waits until a program has written a line that starts so, and returns the rest of the line.
func UntilSays(t testing.TB, process *proc.Process, start string) (rest string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, process.Until(ctx, start, func(context.Context) error {
		for line := range strings.Lines(process.Log()) {
			if said, is := strings.CutPrefix(strings.TrimSpace(line), start); is && strings.HasSuffix(line, "\n") {
				rest = said
				return nil
			}
		}
		return errors.New("not yet")
	}))
	return rest
}

// UntilConnects waits until a process listens on an address.
func UntilConnects(t testing.TB, process *proc.Process, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, process.Until(ctx, address, func(ctx context.Context) error {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	}))
}

// end ends a process as an operator does, and shows its log where the test failed.
func end(t testing.TB, name string, process *proc.Process) {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	assert.NoError(t, process.Stop(ctx), name)
	if t.Failed() {
		t.Logf("the end of the log of %s:\n%s", name, process.Tail(30))
	}
}

// binary is the built collector. A run without it would prove nothing: it fails.
func binary(t testing.TB) string {
	t.Helper()
	path := os.Getenv("OTELCOL_ML_BIN")
	if path == "" {
		path = Root(t, "bin/otelcol-ml")
	}
	_, err := os.Stat(path)
	require.NoError(t, err, "build it with `make build`, or say where it is in OTELCOL_ML_BIN")
	return path
}

// Root returns a path inside the repository, whose top is the nearest folder above that has the builder's manifest.
func Root(t testing.TB, path string) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "builder-config.yaml")); err == nil {
			return filepath.Join(dir, filepath.FromSlash(path))
		}
		above := filepath.Dir(dir)
		require.NotEqual(t, dir, above, "no folder above this test has a builder-config.yaml")
		dir = above
	}
}
