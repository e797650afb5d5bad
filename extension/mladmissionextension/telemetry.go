package mladmissionextension

import (
	"context"

	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-ml/otelcol-ml/extension/mladmissionextension/internal/metadata"
)

var reasonNames = [reasons]string{"busy", "depth", "malformed", "size"}

// telemetry reports what the extension counts, from zero on.
type telemetry struct{ builder *metadata.TelemetryBuilder }

func newTelemetry(set extension.Settings, a *admission) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	id := attribute.String("extension", set.ID.String())
	if err := builder.RegisterExtensionMladmissionInFlightCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(a.reading.used.Load()+a.processing.used.Load(), metric.WithAttributes(id))
		return nil
	}); err != nil {
		return nil, err
	}
	return &telemetry{builder}, builder.RegisterExtensionMladmissionRefusedCallback(func(_ context.Context, o metric.Int64Observer) error {
		for i := range a.refused {
			o.Observe(a.refused[i].Load(), metric.WithAttributes(id, attribute.String("reason", reasonNames[i])))
		}
		return nil
	})
}
