// Package fileexporter is contrib's file exporter with lines that stay whole: what
// a full disk cut off takes no later line with it. The type, the settings and
// the metrics are contrib's.
//
// Batches may be exported concurrently, and are written one after the other.
// They are not changed or retained.
package fileexporter

import (
	"context"
	"io"
	"os"
	"sync"

	contrib "github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/metric/noop"
)

// NewFactory returns the factory of the exporter.
func NewFactory() exporter.Factory {
	f := contrib.NewFactory()
	return exporter.NewFactory(f.Type(), f.CreateDefaultConfig,
		exporter.WithTraces(func(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Traces, error) {
			to, err := f.CreateTraces(ctx, uncounted(set), cfg)
			if err != nil {
				return nil, err
			}
			l := newLines(cfg, to.ConsumeTraces, ptrace.NewTraces)
			return exporterhelper.NewTraces(ctx, set, cfg, l.write, l.options(to)...)
		}, f.TracesStability()),
		exporter.WithMetrics(func(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Metrics, error) {
			to, err := f.CreateMetrics(ctx, uncounted(set), cfg)
			if err != nil {
				return nil, err
			}
			l := newLines(cfg, to.ConsumeMetrics, pmetric.NewMetrics)
			return exporterhelper.NewMetrics(ctx, set, cfg, l.write, l.options(to)...)
		}, f.MetricsStability()),
		exporter.WithLogs(func(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
			to, err := f.CreateLogs(ctx, uncounted(set), cfg)
			if err != nil {
				return nil, err
			}
			l := newLines(cfg, to.ConsumeLogs, plog.NewLogs)
			return exporterhelper.NewLogs(ctx, set, cfg, l.write, l.options(to)...)
		}, f.LogsStability()),
	)
}

// uncounted has contrib's exporter report no metrics: ours are in their place, and would count everything twice.
func uncounted(set exporter.Settings) exporter.Settings {
	set.MeterProvider = noop.NewMeterProvider()
	return set
}

// lines writes one batch a line. After an error the file may end in half a line.
// The next thing that is written then is an empty batch, which ends that line,
// so that a reader loses the line that was lost anyway and no other.
type lines[T any] struct {
	to    func(context.Context, T) error
	empty func() T
	// text reports whether the file has lines at all, and path is where it is.
	text bool
	path string

	mutex  sync.Mutex
	broken bool
}

func newLines[T any](cfg component.Config, to func(context.Context, T) error, empty func() T) *lines[T] {
	c := cfg.(*contrib.Config)
	text := c.FormatType == "json" && c.Compression == "" && c.Encoding == nil && (c.GroupBy == nil || !c.GroupBy.Enabled)
	return &lines[T]{to: to, empty: empty, text: text, path: c.Path}
}

func (l *lines[T]) options(c component.Component) []exporterhelper.Option {
	start := func(ctx context.Context, host component.Host) error {
		l.broken = endsInALine(l.path)
		return c.Start(ctx, host)
	}
	return []exporterhelper.Option{
		exporterhelper.WithStart(start), exporterhelper.WithShutdown(c.Shutdown),
		exporterhelper.WithCapabilities(consumer.Capabilities{}), exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{}),
	}
}

// endsInALine reports whether a file ends within a line, as one does whose writer was killed.
func endsInALine(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	last := make([]byte, 1)
	if _, err := f.Seek(-1, io.SeekEnd); err != nil { // it is empty
		return false
	}
	_, err = f.Read(last)
	return err == nil && last[0] != '\n'
}

func (l *lines[T]) write(ctx context.Context, batch T) error {
	if !l.text {
		return l.to(ctx, batch)
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.broken {
		if err := l.to(ctx, l.empty()); err != nil {
			return err
		}
		l.broken = false
	}
	err := l.to(ctx, batch)
	l.broken = err != nil
	return err
}
