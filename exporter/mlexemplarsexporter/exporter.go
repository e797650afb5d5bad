package mlexemplarsexporter

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlexemplarsexporter/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/internal/exemplarsink"
	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
)

// Config is the configuration of the exporter.
type Config struct {
	// Connector is the ID of the mlmetrics connector whose metrics get the exemplars. Default mlmetrics.
	Connector component.ID `mapstructure:"connector"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Unmarshal decodes the settings. The error for an unknown key names the allowed ones.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return knownkeys.Unmarshal(conf, c) }

var mlmetrics = component.MustNewType("mlmetrics")

// Validate checks the configuration.
func (c *Config) Validate() error {
	if c.Connector.Type() != mlmetrics {
		return fmt.Errorf("connector: found %q, must be an mlmetrics connector, such as mlmetrics or mlmetrics/name", c.Connector)
	}
	return nil
}

func createDefaultConfig() component.Config { return &Config{Connector: component.NewID(mlmetrics)} }

// NewFactory returns the factory of the mlexemplars exporter.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(metadata.Type, createDefaultConfig,
		exporter.WithTraces(create, metadata.TracesStability))
}

func create(_ context.Context, _ exporter.Settings, cfg component.Config) (exporter.Traces, error) {
	return &exemplars{id: cfg.(*Config).Connector}, nil
}

// exemplars passes spans to a connector. There is nothing to queue or retry, because it only reads them.
type exemplars struct {
	component.ShutdownFunc
	id   component.ID
	sink exemplarsink.Sink
}

// Start finds the connector. It exists by now, because all components are created before the first one starts.
func (e *exemplars) Start(context.Context, component.Host) error {
	var ok bool
	if e.sink, ok = exemplarsink.Find(e.id); !ok {
		return fmt.Errorf("connector: found %s, must be an mlmetrics connector of a pipeline; "+
			"put %s into one, or take mlexemplars out of this one", e.id, e.id)
	}
	return nil
}

func (*exemplars) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (e *exemplars) ConsumeTraces(_ context.Context, td ptrace.Traces) error {
	e.sink.Exemplify(td)
	return nil
}
