package mlmetricsconnector

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	otelmetric "go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/observe"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/series"
)

// telemetry reports what the observers and the series counted, once per flush:
// the hot path adds to plain integers only.
type telemetry struct {
	builder *metadata.TelemetryBuilder
	plan    *compiled.Plan
	// id distinguishes this connector from others of the collector, whose metrics would otherwise be added to its own.
	id attribute.KeyValue
	// byMetric has the attribute set of each metric.
	byMetric []otelmetric.MeasurementOption
	// warned has the metrics whose overflow has been logged.
	warned []bool
	logger *zap.Logger
}

func newTelemetry(set component.TelemetrySettings, id component.ID, p *compiled.Plan) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	t := &telemetry{builder: builder, plan: p, id: attribute.String("connector", id.String()), warned: make([]bool, len(p.Metrics)), logger: set.Logger}
	for _, m := range p.Metrics {
		t.byMetric = append(t.byMetric, t.with(attribute.String("metric", m.Name)))
	}
	return t, nil
}

func (t *telemetry) with(attributes ...attribute.KeyValue) otelmetric.MeasurementOption {
	return otelmetric.WithAttributeSet(attribute.NewSet(append(attributes, t.id)...))
}

// start sets all counters to zero: an alert on an increase needs a sample of zero before the first one. It also reports
// the limit of each metric: its own, or else the given one.
func (t *telemetry) start(ctx context.Context, limit int) {
	for _, ml := range []bool{true, false} {
		t.builder.ConnectorMlmetricsSpans.Add(ctx, 0, t.with(attribute.Bool("ml", ml)))
	}
	for i, m := range t.plan.Metrics {
		t.builder.ConnectorMlmetricsObservations.Add(ctx, 0, t.byMetric[i])
		t.builder.ConnectorMlmetricsOverflowed.Add(ctx, 0, t.byMetric[i])
		t.builder.ConnectorMlmetricsSeriesExpired.Add(ctx, 0, t.byMetric[i])
		t.builder.ConnectorMlmetricsSeriesLimit.Record(ctx, int64(*cmp.Or(m.SeriesLimit, &limit)), t.byMetric[i])
	}
	for _, key := range t.plan.Invalid {
		t.builder.ConnectorMlmetricsInvalidValues.Add(ctx, 0, t.with(attribute.String("attribute", key)))
	}
}

func (t *telemetry) record(ctx context.Context, observers *observe.Observers, store *series.Store, took time.Duration) {
	t.builder.ConnectorMlmetricsFlushDuration.Record(ctx, took.Seconds(), t.with())
	add := func(to otelmetric.Int64Counter, n uint64, option otelmetric.MeasurementOption) {
		if n > 0 {
			to.Add(ctx, int64(n), option)
		}
	}
	c := observers.TakeCounts()
	add(t.builder.ConnectorMlmetricsSpans, c.MLSpans, t.with(attribute.Bool("ml", true)))
	add(t.builder.ConnectorMlmetricsSpans, c.OtherSpans, t.with(attribute.Bool("ml", false)))
	add(t.builder.ConnectorMlmetricsRepairedLabels, c.RepairedLabels, t.with())
	add(t.builder.ConnectorMlmetricsCutLabels, c.CutLabels, t.with())
	for i, n := range c.Invalid {
		add(t.builder.ConnectorMlmetricsInvalidValues, n, t.with(attribute.String("attribute", t.plan.Invalid[i])))
	}
	store.TakeCounts(func(i int, c series.Counts) {
		add(t.builder.ConnectorMlmetricsObservations, c.Observed, t.byMetric[i])
		add(t.builder.ConnectorMlmetricsOverflowed, c.Overflowed, t.byMetric[i])
		add(t.builder.ConnectorMlmetricsSeriesExpired, c.Expired, t.byMetric[i])
		t.builder.ConnectorMlmetricsSeriesActive.Record(ctx, int64(c.Active), t.byMetric[i])
		t.labels(ctx, i, c)
	})
}

// labels reports the number of values of each label of a metric that overflowed,
// and logs the label with the most values, once.
func (t *telemetry) labels(ctx context.Context, i int, c series.Counts) {
	if len(c.LabelValues) == 0 {
		return
	}
	name, names := t.plan.Metrics[i].Name, t.plan.Metrics[i].Names
	blame := slices.Index(c.LabelValues, slices.Max(c.LabelValues))
	for j, n := range c.LabelValues {
		t.builder.ConnectorMlmetricsLabelValues.Record(ctx, int64(n), t.with(attribute.String("metric", name), attribute.String("label", names[j])))
	}
	if !t.warned[i] {
		t.warned[i] = true
		t.logger.Warn("A metric reached its series limit; new label sets share one overflow series",
			zap.String("metric", name), zap.Int("series", c.Active),
			zap.String("label with the most values", names[blame]), zap.Int("values", c.LabelValues[blame]))
	}
}
