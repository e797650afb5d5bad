package mltailsamplingprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/metric"

	"go.opentelemetry.io/otel/attribute"

	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/buffer"
	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/metadata"
)

// newTelemetry registers the metrics of the processor. They are read from the buffer when they are collected.
func newTelemetry(set component.TelemetrySettings, id component.ID, h *buffer.Buffer) (*metadata.TelemetryBuilder, error) {
	b, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	s := h.Stats()
	// The ID distinguishes this sampler from others of the collector, whose counts would otherwise be added to its own.
	with := func(attributes ...attribute.KeyValue) metric.ObserveOption {
		return metric.WithAttributeSet(attribute.NewSet(append(attributes, attribute.String("processor", id.String()))...))
	}
	label := func(key, value string) metric.ObserveOption { return with(attribute.String(key, value)) }
	self := with()
	sampled, notSampled := label("decision", "sampled"), label("decision", "not_sampled")
	numTraces, maxBytes := label("bound", "num_traces"), label("bound", "max_bytes")
	noMatch, tooLarge, shutdown := label("reason", "no_match"), label("reason", "too_large"), label("reason", "shutdown")
	overload, memory := label("reason", "overload"), label("reason", "memory")

	register := []struct {
		to      func(metric.Int64Callback) error
		observe func(metric.Int64Observer)
	}{
		{b.RegisterProcessorMltailsamplingDecidedEarlyCallback, func(o metric.Int64Observer) {
			o.Observe(s.EarlyTraces.Load(), numTraces)
			o.Observe(s.EarlyBytes.Load(), maxBytes)
		}},
		{b.RegisterProcessorMltailsamplingDroppedSpansCallback, func(o metric.Int64Observer) { o.Observe(s.OverloadSpans.Load(), self) }},
		{b.RegisterProcessorMltailsamplingDroppedTracesCallback, func(o metric.Int64Observer) {
			o.Observe(s.NoMatch.Load(), noMatch)
			o.Observe(s.TooLarge.Load(), tooLarge)
			o.Observe(s.Overload.Load(), overload)
			o.Observe(s.Pressure.Load(), memory)
			o.Observe(s.Discarded.Load(), shutdown)
		}},
		{b.RegisterProcessorMltailsamplingEvaluatedTracesCallback, func(o metric.Int64Observer) { o.Observe(s.Evaluated.Load(), self) }},
		{b.RegisterProcessorMltailsamplingLateSpansCallback, func(o metric.Int64Observer) {
			o.Observe(s.LateKept.Load(), sampled)
			o.Observe(s.LateDropped.Load(), notSampled)
		}},
		{b.RegisterProcessorMltailsamplingPassedSpansCallback, func(o metric.Int64Observer) { o.Observe(s.PassedSpans.Load(), self) }},
		{b.RegisterProcessorMltailsamplingTracesCallback, func(o metric.Int64Observer) {
			o.Observe(s.Kept.Load(), sampled)
			o.Observe(s.NotKept.Load()+s.NoMatch.Load()+s.TooLarge.Load()+s.Overload.Load()+s.Pressure.Load(), notSampled)
		}},
		{b.RegisterProcessorMltailsamplingWaitingBytesCallback, func(o metric.Int64Observer) { o.Observe(h.Bytes(), self) }},
		{b.RegisterProcessorMltailsamplingWaitingTracesCallback, func(o metric.Int64Observer) { o.Observe(h.Waiting(), self) }},
	}
	for _, r := range register {
		err := r.to(func(_ context.Context, o metric.Int64Observer) error {
			r.observe(o)
			return nil
		})
		if err != nil {
			b.Shutdown()
			return nil, err
		}
	}
	return b, nil
}
