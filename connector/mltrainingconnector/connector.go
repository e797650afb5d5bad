package mltrainingconnector

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pipeline"
	"go.uber.org/zap"

	"github.com/otelcol-ml/otelcol-ml/connector/mltrainingconnector/internal/metadata"
)

type trainingConnector struct {
	component.StartFunc

	training, rest consumer.Traces
	names          *names
	runs           *memory
	telemetry      *metadata.TelemetryBuilder
	logger         *zap.Logger
}

func newTrainingConnector(set connector.Settings, cfg *Config, next consumer.Traces) (*trainingConnector, error) {
	router, ok := next.(connector.TracesRouterAndConsumer)
	if !ok {
		return nil, errors.New("the connector has no pipelines to choose from")
	}
	others := slices.DeleteFunc(router.PipelineIDs(), func(id pipeline.ID) bool { return slices.Contains(cfg.To, id) })
	if len(others) == 0 {
		return nil, errors.New("to: names every pipeline that receives from this connector; another one has to take what is not training")
	}
	c := &trainingConnector{runs: newMemory(cfg.Traces), logger: set.Logger}
	var err error
	if c.training, err = router.Consumer(cfg.To...); err != nil {
		return nil, fmt.Errorf("to: %v must receive from this connector: %w", cfg.To, err)
	}
	if c.rest, err = router.Consumer(others...); err != nil {
		return nil, err
	}
	if c.names, err = newNames(cfg.PipelineName); err != nil {
		return nil, fmt.Errorf("pipeline_name: %w", err)
	}
	c.telemetry, err = metadata.NewTelemetryBuilder(set.TelemetrySettings)
	return c, err
}

// Shutdown ends the connector's telemetry.
func (c *trainingConnector) Shutdown(context.Context) error {
	c.telemetry.Shutdown()
	return nil
}

// Capabilities says that spans are copied where they part, never changed.
func (c *trainingConnector) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

// ConsumeTraces passes a batch on as it is where it has nothing of a training run, and splits it otherwise.
func (c *trainingConnector) ConsumeTraces(ctx context.Context, traces ptrace.Traces) error {
	if !c.trains(traces) {
		return c.rest.ConsumeTraces(ctx, traces)
	}
	training, rest := c.split(traces)
	c.telemetry.ConnectorMltrainingSpans.Add(ctx, int64(training.SpanCount()))
	// An error would go back to the sender, who would send the whole batch again: to the metrics that have counted it,
	// and to the exporters that have taken it. Tail sampling does not hand errors back either. The exporter counts the loss.
	if err := c.training.ConsumeTraces(ctx, training); err != nil {
		c.logger.Error("A pipeline of training runs refused spans; they are lost there", zap.Int("spans", training.SpanCount()), zap.Error(err))
	}
	if rest.SpanCount() == 0 {
		return nil
	}
	return c.rest.ConsumeTraces(ctx, rest)
}

// trains tells whether a batch has a span of a training run. It looks at every span of every service, so it goes by
// index: iterators take as long as the look itself.
func (c *trainingConnector) trains(traces ptrace.Traces) bool {
	known := !c.runs.empty()
	resources := traces.ResourceSpans()
	for r := range resources.Len() {
		if c.names.train(resources.At(r).Resource()) {
			return true
		}
		scopes := resources.At(r).ScopeSpans()
		for s := range scopes.Len() {
			spans := scopes.At(s).Spans()
			for i := range spans.Len() {
				span := spans.At(i)
				if hasTrainingStage(span) || known && c.runs.has(span.TraceID()) {
					return true
				}
			}
		}
	}
	return false
}

// learn makes the batch's runs known, and returns those that were not.
func (c *trainingConnector) learn(traces ptrace.Traces) map[pcommon.TraceID]bool {
	fresh := map[pcommon.TraceID]bool{}
	for _, ofResource := range traces.ResourceSpans().All() {
		named := c.names.train(ofResource.Resource())
		for _, ofScope := range ofResource.ScopeSpans().All() {
			for _, span := range ofScope.Spans().All() {
				if (named || hasTrainingStage(span)) && c.runs.add(span.TraceID()) {
					fresh[span.TraceID()] = true
				}
			}
		}
	}
	return fresh
}

// split copies the spans of training runs into one batch and the others into another. The stage by which a run becomes
// known is in both: tail sampling, which may hold earlier spans of the trace, then keeps those as well.
func (c *trainingConnector) split(traces ptrace.Traces) (training, rest ptrace.Traces) {
	fresh := c.learn(traces)
	training, rest = ptrace.NewTraces(), ptrace.NewTraces()
	for _, ofResource := range traces.ResourceSpans().All() {
		named := c.names.train(ofResource.Resource())
		to, other := copier{to: training, resource: ofResource}, copier{to: rest, resource: ofResource}
		for _, ofScope := range ofResource.ScopeSpans().All() {
			to.scope, other.scope = ofScope, ofScope
			to.into, other.into = nil, nil
			for _, span := range ofScope.Spans().All() {
				// A stage is looked at again: a batch with more runs than are remembered forgets some at once.
				stage := hasTrainingStage(span)
				if !named && !stage && !c.runs.has(span.TraceID()) {
					other.copy(span)
					continue
				}
				to.copy(span)
				if stage && fresh[span.TraceID()] {
					delete(fresh, span.TraceID())
					other.copy(span)
				}
			}
		}
	}
	return training, rest
}
