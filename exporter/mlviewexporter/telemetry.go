package mlviewexporter

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/kept"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/metadata"
)

// telemetry has the exporter's own metrics.
type telemetry struct {
	builder *metadata.TelemetryBuilder
	// id distinguishes this exporter from others of the collector, whose counts would otherwise be added to its own.
	id attribute.KeyValue
}

func newTelemetry(set component.TelemetrySettings, id component.ID, v *viewExporter) (*telemetry, error) {
	b, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	t := &telemetry{b, attribute.String("exporter", id.String())}
	self := t.with()
	observe := func(value func() int64) metric.Int64Callback {
		return func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(value(), self)
			return nil
		}
	}
	return t, errors.Join(
		b.RegisterExporterMlviewTracesCallback(observe(func() int64 {
			traces, _, _ := v.traces.Stats()
			return int64(traces)
		})),
		b.RegisterExporterMlviewEvictedTracesCallback(observe(func() int64 {
			_, _, evicted := v.traces.Stats()
			return evicted
		})),
		b.RegisterExporterMlviewMemoryCallback(observe(func() int64 {
			_, traces, _ := v.traces.Stats()
			series, _ := v.series.Bytes()
			return traces + series
		})),
	)
}

func (t *telemetry) with(attributes ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(attributes, t.id)...))
}

func (t *telemetry) reason(name string) metric.AddOption {
	return t.with(attribute.String("reason", name))
}

func (t *telemetry) dropped(ctx context.Context, d kept.Dropped) {
	if d.NoTraceID > 0 {
		t.builder.ExporterMlviewDroppedSpans.Add(ctx, int64(d.NoTraceID), t.reason("no_trace_id"))
	}
	if d.TooLarge > 0 {
		t.builder.ExporterMlviewDroppedSpans.Add(ctx, int64(d.TooLarge), t.reason("trace_too_large"))
	}
}

func (t *telemetry) noRoom(ctx context.Context, points int) {
	if points > 0 {
		t.builder.ExporterMlviewDroppedSeries.Add(ctx, int64(points), t.reason("no_room"))
	}
}
