package mlsignalsprocessor

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// telemetry is what the processor reports about itself. The attribute sets are
// made once, because one per batch and count would cost more than the spans.
type telemetry struct {
	builder *metadata.TelemetryBuilder
	// id distinguishes this processor from others of the collector, whose counts would otherwise be added to its own.
	id       attribute.KeyValue
	dialects []metric.AddOption
	keys     [values.Size]metric.AddOption
	signals  [values.Size]metric.AddOption
	reasons  [reasons]metric.AddOption
}

func newTelemetry(set component.TelemetrySettings, id component.ID) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	t := &telemetry{builder: builder, id: attribute.String("processor", id.String())}
	for i, a := range vocab.Attributes {
		t.keys[i] = t.label("key", a.Key)
		t.signals[i] = t.label("signal", vocab.SignalName(a.Key))
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

// observe registers what is read when the telemetry is collected.
func (t *telemetry) observe(p *signalsProcessor) error {
	t.dialects = append(t.dialects, t.label("dialect", "none"))
	for _, name := range p.rules.Dialects {
		t.dialects = append(t.dialects, t.label("dialect", name))
	}
	self := t.with()
	observe := func(value func() int64) metric.Int64Callback {
		return func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(value(), self)
			return nil
		}
	}
	b := t.builder
	return errors.Join(
		b.RegisterProcessorMlsignalsReloadMemorySizeCallback(observe(func() int64 { return int64(p.memory.Len()) })),
		b.RegisterProcessorMlsignalsReloadMemoryEvictionsCallback(observe(p.memory.Evicted)),
		b.RegisterProcessorMlsignalsJoinSizeCallback(observe(func() int64 { return p.joins.Stats(time.Now()).Size + p.lookups.Stats(time.Now()).Size })),
		b.RegisterProcessorMlsignalsJoinHitsCallback(observe(func() int64 { return p.joins.Stats(time.Now()).Hits + p.lookups.Stats(time.Now()).Found })),
		b.RegisterProcessorMlsignalsJoinMissesCallback(observe(func() int64 { return p.joins.Stats(time.Now()).Misses })),
		b.RegisterProcessorMlsignalsJoinEvictionsCallback(observe(func() int64 { return p.joins.Stats(time.Now()).Evictions + p.lookups.Stats(time.Now()).Evictions })),
		b.RegisterProcessorMlsignalsUnrecognisedSpansCallback(p.observeUnrecognised),
	)
}

// add reports the counts of a batch and sets them back to zero.
func (t *telemetry) add(ctx context.Context, c *counts) {
	flush(ctx, t.builder.ProcessorMlsignalsSpans, c.dialects, t.dialects)
	flush(ctx, t.builder.ProcessorMlsignalsCoercedValues, c.coerced[:], t.keys[:])
	flush(ctx, t.builder.ProcessorMlsignalsInvalidValues, c.invalids[:], t.keys[:])
	flush(ctx, t.builder.ProcessorMlsignalsSignals, c.signals[:], t.signals[:])
	flush(ctx, t.builder.ProcessorMlsignalsMalformedSpans, c.malformed[:], t.reasons[:])
	for key, n := range c.badSources {
		t.builder.ProcessorMlsignalsInvalidValues.Add(ctx, n, t.label("key", key))
	}
	clear(c.badSources)
}

func flush(ctx context.Context, counter metric.Int64Counter, values []int64, labels []metric.AddOption) {
	for i, n := range values {
		if n != 0 {
			counter.Add(ctx, n, labels[i])
			values[i] = 0
		}
	}
}
