package fileexporter

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	contrib "github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// limitFiles has writes beyond so many bytes of any file of this process fail, after what fits is written, as on a full disk.
func limitFiles(t *testing.T, bytes uint64) {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	limit.Cur = min(bytes, limit.Max)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
}

const noLimit = ^uint64(0)

func trace(name string) ptrace.Traces {
	td := ptrace.NewTraces()
	span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetName(name)
	span.Attributes().PutStr("text", strings.Repeat("x", 1000))
	return td
}

// TestLinesStayWhole: of what is written after the disk was full, each trace has a line of its own, and the counters have
// what is lost, once.
func TestLinesStayWhole(t *testing.T) {
	t.Cleanup(func() { limitFiles(t, noLimit) })
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	f := NewFactory()
	path := filepath.Join(t.TempDir(), "kept.jsonl")
	cfg := f.CreateDefaultConfig().(*contrib.Config)
	cfg.Path = path
	set := exporter.Settings{ID: exportertest.NewNopSettings(f.Type()).ID, TelemetrySettings: tel.NewTelemetrySettings()}
	e, err := f.CreateTraces(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(`{"resourceSpans":[{"sco`), 0o600)) // of a process that was killed
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))

	require.NoError(t, e.ConsumeTraces(t.Context(), trace("before")))
	limitFiles(t, 2000) // within the second line
	require.Error(t, e.ConsumeTraces(t.Context(), trace("cut")))
	require.Error(t, e.ConsumeTraces(t.Context(), trace("full")))
	limitFiles(t, noLimit)
	require.NoError(t, e.ConsumeTraces(t.Context(), trace("after")))
	require.NoError(t, e.ConsumeTraces(t.Context(), trace("last")))
	require.NoError(t, e.Shutdown(t.Context()))

	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var names []string
	broken := 0
	for _, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		if err != nil {
			broken++
			continue
		}
		names = append(names, td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Name())
	}
	require.Equal(t, []string{"before", "after", "last"}, names)
	require.Equal(t, 2, broken)
	require.EqualValues(t, 2, count(t, tel, "otelcol_exporter_send_failed_spans"))
	require.EqualValues(t, 3, count(t, tel, "otelcol_exporter_sent_spans"))
}

func count(t *testing.T, tel *componenttest.Telemetry, name string) (n int64) {
	m, err := tel.GetMetric(name)
	require.NoError(t, err)
	for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
		n += p.Value
	}
	return n
}

// TestEverySignal: metrics and logs are written as contrib writes them, and so is the other format, which has no lines.
func TestEverySignal(t *testing.T) {
	f, dir := NewFactory(), t.TempDir()
	set := exportertest.NewNopSettings(f.Type())
	config := func(name, format string) *contrib.Config {
		cfg := f.CreateDefaultConfig().(*contrib.Config)
		cfg.Path, cfg.FormatType = filepath.Join(dir, name), format
		return cfg
	}
	metrics, err := f.CreateMetrics(t.Context(), set, config("metrics", "json"))
	require.NoError(t, err)
	logs, err := f.CreateLogs(t.Context(), set, config("logs", "json"))
	require.NoError(t, err)
	traces, err := f.CreateTraces(t.Context(), set, config("traces", "proto"))
	require.NoError(t, err)
	host := componenttest.NewNopHost()
	require.NoError(t, metrics.Start(t.Context(), host))
	require.NoError(t, logs.Start(t.Context(), host))
	require.NoError(t, traces.Start(t.Context(), host))
	require.NoError(t, metrics.ConsumeMetrics(t.Context(), pmetric.NewMetrics()))
	require.NoError(t, logs.ConsumeLogs(t.Context(), plog.NewLogs()))
	require.NoError(t, traces.ConsumeTraces(t.Context(), trace("a")))
	require.NoError(t, metrics.Shutdown(t.Context()))
	require.NoError(t, logs.Shutdown(t.Context()))
	require.NoError(t, traces.Shutdown(t.Context()))
	for name, size := range map[string]int{"metrics": 3, "logs": 3, "traces": 1000} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(text), size, name)
	}
}
