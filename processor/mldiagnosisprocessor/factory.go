package mldiagnosisprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/metadata"
)

// NewFactory returns the factory of the mldiagnosis processor.
func NewFactory() processor.Factory {
	return processor.NewFactory(metadata.Type, createDefaultConfig,
		processor.WithTraces(createTraces, metadata.TracesStability))
}

func createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	tel, err := newTelemetry(set.TelemetrySettings, set.ID)
	if err != nil {
		return nil, err
	}
	p := newDiagnosisProcessor(cfg.(*Config), tel)
	return processorhelper.NewTraces(ctx, set, cfg, next, p.processTraces,
		// MutatesData is false: the processor copies only batches that it does not own.
		processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}),
		processorhelper.WithShutdown(func(context.Context) error {
			tel.builder.Shutdown()
			return nil
		}))
}
