package mlviewexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/shared"
)

// NewFactory returns the factory of the mlview exporter.
func NewFactory() exporter.Factory {
	views := shared.NewMap[*Config, *viewExporter]()
	// The traces and the metrics exporter of one component share one viewExporter.
	view := func(set exporter.Settings, cfg component.Config) (*shared.Component[*viewExporter], error) {
		return views.LoadOrStore(cfg.(*Config), func() (*viewExporter, error) {
			return newViewExporter(cfg.(*Config), set.TelemetrySettings, set.ID)
		})
	}
	return exporter.NewFactory(metadata.Type, createDefaultConfig,
		exporter.WithTraces(func(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Traces, error) {
			v, err := view(set, cfg)
			if err != nil {
				return nil, err
			}
			return exporterhelper.NewTraces(ctx, set, cfg, v.Unwrap().consumeTraces, options(v)...)
		}, metadata.TracesStability),
		exporter.WithMetrics(func(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Metrics, error) {
			v, err := view(set, cfg)
			if err != nil {
				return nil, err
			}
			return exporterhelper.NewMetrics(ctx, set, cfg, v.Unwrap().consumeMetrics, options(v)...)
		}, metadata.MetricsStability))
}

func options(v *shared.Component[*viewExporter]) []exporterhelper.Option {
	return []exporterhelper.Option{
		exporterhelper.WithStart(v.Start),
		exporterhelper.WithShutdown(v.Shutdown),
		exporterhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}),
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{}), // storing in memory never blocks
	}
}
