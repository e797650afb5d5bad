// Package stack starts what the end-to-end tests run against: the built
// collector and a real Prometheus server, on free loopback ports, in a folder
// that is removed with the test.
package stack

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// binary is a program that a make target builds.
type binary struct {
	variable, path, target string
}

var (
	collectorBinary  = binary{"OTELCOL_ML_BIN", "bin/otelcol-ml", "make build"}
	prometheusBinary = binary{"PROMETHEUS_BIN", "bin/prometheus", "make prometheus"}
	victoriaLogs     = binary{"VICTORIA_LOGS_BIN", "bin/victoria-logs", "make e2e"}
	nodeExporter     = binary{"NODE_EXPORTER_BIN", "bin/node_exporter", "make e2e"}
	signalsPython    = binary{"SIGNALS_PYTHON", "build/venv/signals/bin/python", "make e2e"}
)

// find fails the test, and does not skip it, where the program is missing: a run without it would prove nothing.
func (b binary) find(t testing.TB) string {
	t.Helper()
	path := os.Getenv(b.variable)
	if path == "" {
		path = Root(t, b.path)
	}
	_, err := os.Stat(path)
	require.NoErrorf(t, err, "build it with `%s`, or say where it is in %s", b.target, b.variable)
	return path
}

// CollectorBinary is the path of the built collector.
func CollectorBinary(t testing.TB) string { return collectorBinary.find(t) }

// NodeExporterBinary is the path of Prometheus' node exporter.
func NodeExporterBinary(t testing.TB) string { return nodeExporter.find(t) }

// SignalsPython is the interpreter of a virtual environment with OpenTelemetry's SDK and its exporters.
func SignalsPython(t testing.TB) string { return signalsPython.find(t) }

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
