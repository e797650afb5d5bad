package mlmetricsconnector

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/aggregate"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"
)

// telemetry reports what the aggregator counted, once per flush: the hot path
// adds to plain integers only.
type telemetry struct {
	builder *metadata.TelemetryBuilder
	plan    *plan.Plan
	// byMetric has the attribute set of each metric.
	byMetric []metric.MeasurementOption
	// warned tells which metrics' overflow is in the log.
	warned []bool
	logger *zap.Logger
}

func newTelemetry(set component.TelemetrySettings, p *plan.Plan) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	t := &telemetry{builder: builder, plan: p, warned: make([]bool, len(p.Metrics)), logger: set.Logger}
	for _, m := range p.Metrics {
		t.byMetric = append(t.byMetric, with(attribute.String("metric", m.Name)))
	}
	return t, nil
}

func with(attributes ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(attributes...))
}

func (t *telemetry) record(ctx context.Context, a *aggregate.Aggregator, took time.Duration) {
	t.builder.ConnectorMlmetricsFlushDuration.Record(ctx, took.Seconds())
	a.TakeCounts(func(c *aggregate.Counts) {
		add := func(to metric.Int64Counter, n uint64, option metric.MeasurementOption) {
			if n > 0 {
				to.Add(ctx, int64(n), option)
			}
		}
		add(t.builder.ConnectorMlmetricsSpans, c.MLSpans, with(attribute.Bool("ml", true)))
		add(t.builder.ConnectorMlmetricsSpans, c.OtherSpans, with(attribute.Bool("ml", false)))
		for i := range t.plan.Metrics {
			add(t.builder.ConnectorMlmetricsObservations, c.Observed[i], t.byMetric[i])
			add(t.builder.ConnectorMlmetricsOverflowed, c.Overflowed[i], t.byMetric[i])
			add(t.builder.ConnectorMlmetricsSeriesExpired, c.Expired[i], t.byMetric[i])
			t.labels(ctx, i, c)
			t.builder.ConnectorMlmetricsSeriesActive.Record(ctx, int64(c.Active[i]), t.byMetric[i])
		}
		invalid := func(n uint64, key string) {
			add(t.builder.ConnectorMlmetricsInvalidValues, n, with(attribute.String("attribute", key)))
		}
		invalid(c.InvalidDurations, "duration")
		invalid(c.InvalidStates, "tracestate")
		for _, slots := range []struct {
			counts []uint64
			keys   *plan.KeyTable
		}{{c.InvalidSpans, &t.plan.Span}, {c.InvalidResources, &t.plan.Resource}, {c.InvalidEvents, &t.plan.Event}} {
			for slot, n := range slots.counts {
				if n > 0 {
					invalid(n, slots.keys.Key(slot))
				}
			}
		}
	})
}

// labels reports how many values each label of a metric has that reached its
// limit, and names the label to blame in the log, once.
func (t *telemetry) labels(ctx context.Context, i int, c *aggregate.Counts) {
	values := c.LabelValues[i]
	if len(values) == 0 {
		return
	}
	name, names := t.plan.Metrics[i].Name, t.plan.Metrics[i].Names
	blame := 0
	for j, n := range values {
		t.builder.ConnectorMlmetricsLabelValues.Record(ctx, int64(n), with(attribute.String("metric", name), attribute.String("label", names[j])))
		if n > values[blame] {
			blame = j
		}
	}
	if !t.warned[i] {
		t.warned[i] = true
		t.logger.Warn("A metric reached its series limit; new label sets share one overflow series",
			zap.String("metric", name), zap.Int("series", c.Active[i]),
			zap.String("label with the most values", names[blame]), zap.Uint64("estimated values", values[blame]))
	}
}
