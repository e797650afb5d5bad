package mltailsamplingprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"

	tailsampling "github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"

	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/metadata"
)

// NewFactory returns the factory of the mltailsampling processor.
func NewFactory() processor.Factory {
	return processor.NewFactory(metadata.Type, createDefaultConfig,
		processor.WithTraces(createTraces, metadata.TracesStability))
}

func createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	c := cfg.(*Config)
	if c.SamplingStrategy == spanIngest {
		// Contrib then decides on each batch as it comes, so there is nothing to buffer.
		factory := tailsampling.NewFactory()
		set.ID = component.NewIDWithName(factory.Type(), set.ID.Name())
		return factory.CreateTraces(ctx, set, &c.Config, next)
	}
	return newProcessor(ctx, set, c, next)
}

// spanIngest is the value of sampling_strategy, of an unexported type, with which contrib decides on arrival.
const spanIngest = "span-ingest"
