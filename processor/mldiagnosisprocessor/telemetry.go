package mldiagnosisprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/cause"
	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/metadata"
)

// Reasons why a trace is partial.
const (
	noRootReason = iota
	lateReason
	noDurationReason
	gapsReason
	reasons
)

var reasonNames = [reasons]string{"no_root", "late", "no_duration", "gaps"}

// counts are the counts of one batch, for the processor's own telemetry.
type counts struct {
	bottlenecks [cause.Size]int64
	partial     [reasons]int64
	skewed      int64
	repaired    int64
}

// telemetry has the processor's own metrics. The attribute sets are built once.
type telemetry struct {
	builder *metadata.TelemetryBuilder
	// id distinguishes this processor from others of the collector, whose counts would otherwise be added to its own.
	id          attribute.KeyValue
	bottlenecks [cause.Size]metric.AddOption
	reasons     [reasons]metric.AddOption
	self        metric.AddOption
}

func newTelemetry(set component.TelemetrySettings, id component.ID) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	t := &telemetry{builder: builder, id: attribute.String("processor", id.String())}
	t.self = t.with()
	for i, name := range cause.Names {
		t.bottlenecks[i] = t.label("bottleneck", name)
	}
	for i, name := range reasonNames {
		t.reasons[i] = t.label("reason", name)
	}
	return t, nil
}

func (t *telemetry) label(key, value string) metric.AddOption {
	return t.with(attribute.String(key, value))
}

func (t *telemetry) with(attributes ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(attributes, t.id)...))
}

// add reports the counts of a batch and resets them.
func (t *telemetry) add(ctx context.Context, c *counts) {
	flush(ctx, t.builder.ProcessorMldiagnosisTraces, c.bottlenecks[:], t.bottlenecks[:])
	flush(ctx, t.builder.ProcessorMldiagnosisPartialTraces, c.partial[:], t.reasons[:])
	if c.skewed != 0 {
		t.builder.ProcessorMldiagnosisSkewedTraces.Add(ctx, c.skewed, t.self)
		c.skewed = 0
	}
	if c.repaired != 0 {
		t.builder.ProcessorMldiagnosisRepairedTexts.Add(ctx, c.repaired, t.self)
		c.repaired = 0
	}
}

func flush(ctx context.Context, counter metric.Int64Counter, values []int64, labels []metric.AddOption) {
	for i, n := range values {
		if n != 0 {
			counter.Add(ctx, n, labels[i])
			values[i] = 0
		}
	}
}
