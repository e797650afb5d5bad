package mlsamplingextension

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/budget"
	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/classify"
	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/metadata"
)

// newTelemetry registers what is read when the telemetry is collected; nothing is reported for each trace.
func newTelemetry(set component.TelemetrySettings, e *samplingExtension) (*metadata.TelemetryBuilder, error) {
	b, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	integer := func(value func(s *budget.Stats) int64) metric.Int64Callback {
		return func(_ context.Context, o metric.Int64Observer) error {
			s := e.budget.Stats()
			o.Observe(value(&s))
			return nil
		}
	}
	double := func(value func(s *budget.Stats) float64) metric.Float64Callback {
		return func(_ context.Context, o metric.Float64Observer) error {
			s := e.budget.Stats()
			o.Observe(value(&s))
			return nil
		}
	}
	return b, errors.Join(
		b.RegisterExtensionMlsamplingClassesCallback(integer(func(s *budget.Stats) int64 { return int64(s.Classes) })),
		b.RegisterExtensionMlsamplingClassOverflowsCallback(integer(func(s *budget.Stats) int64 { return s.Overflows })),
		b.RegisterExtensionMlsamplingUnreadableTracestatesCallback(integer(func(*budget.Stats) int64 { return e.unreadable.Load() })),
		b.RegisterExtensionMlsamplingClassBudgetCallback(double(func(s *budget.Stats) float64 { return s.EachClass })),
		b.RegisterExtensionMlsamplingEvaluatedRateCallback(double(func(s *budget.Stats) float64 { return s.EvaluatedRate })),
		b.RegisterExtensionMlsamplingKeptRateCallback(double(func(s *budget.Stats) float64 { return s.KeptRate })),
		b.RegisterExtensionMlsamplingTracesCallback(e.observeTraces),
		b.RegisterExtensionMlsamplingProbabilityCallback(e.observeProbability),
	)
}

// observeTraces begins every signal that is known at zero: an alert on an increase sees the first one only then.
func (e *samplingExtension) observeTraces(_ context.Context, o metric.Int64Observer) error {
	signals := e.budget.Stats().Signals
	for _, signal := range classify.Known() {
		if _, ok := signals[signal]; !ok {
			signals[signal] = budget.Tally{}
		}
	}
	for signal, tally := range signals {
		name := attribute.String("signal", signal)
		o.Observe(tally.Kept, metric.WithAttributes(name, attribute.String("decision", "kept")))
		o.Observe(tally.Dropped, metric.WithAttributes(name, attribute.String("decision", "dropped")))
	}
	return nil
}

func (e *samplingExtension) observeProbability(_ context.Context, o metric.Float64Observer) error {
	for class, p := range e.budget.Stats().Probability {
		o.Observe(p, metric.WithAttributes(
			attribute.String("signal", class.Signal), attribute.String("service", class.Service), attribute.String("model", class.Model)))
	}
	return nil
}
