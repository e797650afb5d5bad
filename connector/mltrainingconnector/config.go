package mltrainingconnector

import (
	"errors"
	"fmt"
	"regexp"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
)

// Config is the configuration of the mltraining connector.
type Config struct {
	// To are the pipelines that take the spans of training runs. All other pipelines of the connector take the rest.
	To []pipeline.ID `mapstructure:"to"`
	// PipelineName is a regular expression. Every span of a resource whose ml.pipeline.name it matches is of a training
	// run. Where it is empty, no name is.
	PipelineName string `mapstructure:"pipeline_name"`
	// Traces is how many training runs are remembered, by trace ID, so that their spans without a stage follow.
	Traces int `mapstructure:"traces"`
}

// Unmarshal decodes the settings; a mistyped key is told with the keys that are allowed.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return knownkeys.Unmarshal(conf, c) }

// defaultPipelineName finds train, training, retrain and retraining as words of a name: churn-training, train_ranker.
const defaultPipelineName = `(?i)(^|[^a-z])(re)?train(ing)?([^a-z]|$)`

func createDefaultConfig() component.Config {
	return &Config{PipelineName: defaultPipelineName, Traces: 10_000}
}

// Validate checks the configuration.
func (c *Config) Validate() error {
	var failed error
	if len(c.To) == 0 {
		failed = errors.Join(failed, errors.New("to: is empty, name the pipelines that take training runs, such as [traces/training]"))
	}
	for _, id := range c.To {
		if id.Signal() != pipeline.SignalTraces {
			failed = errors.Join(failed, fmt.Errorf("to: %q is not a pipeline of traces, name one such as traces/training", id))
		}
	}
	if _, err := regexp.Compile(c.PipelineName); err != nil {
		failed = errors.Join(failed, fmt.Errorf("pipeline_name: %q is not a regular expression: %w", c.PipelineName, err))
	}
	if c.Traces < 1 {
		failed = errors.Join(failed, fmt.Errorf("traces: %d is too few, set 1 or more", c.Traces))
	}
	return failed
}
