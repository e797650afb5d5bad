package mlsamplingextension

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"

	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/metadata"
)

// NewFactory returns the factory of the mlsampling extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(metadata.Type, createDefaultConfig, create, metadata.ExtensionStability)
}

func create(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	e := newExtension(set, cfg.(*Config), time.Now)
	telemetry, err := newTelemetry(set.TelemetrySettings, e)
	if err != nil {
		return nil, err
	}
	e.telemetry = telemetry
	return e, nil
}
