package mlmetricsconnector

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// TestTelemetryOfTwoConnectors has two connectors in one collector, of which one is given spans.
func TestTelemetryOfTwoConnectors(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	start := func(name string) *metricsConnector {
		config := createDefaultConfig().(*Config)
		config.FlushInterval, config.SeriesLimit = time.Hour, 1
		config.SeriesExpiration = 0
		set := connector.Settings{ID: component.NewIDWithName(NewFactory().Type(), name), TelemetrySettings: tel.NewTelemetrySettings()}
		c, err := newMetricsConnector(set, config, consumertest.NewNop(), time.Now)
		require.NoError(t, err)
		require.NoError(t, c.Start(context.Background(), componenttest.NewNopHost()))
		return c
	}
	busy, idle := start(""), start("b")

	for _, name := range []string{"overflowed", "series_expired", "observations"} {
		requireZero(t, tel, name, "metric", "duration_ms", "ml.signals")
	}
	requireZero(t, tel, "invalid_values", "attribute", "duration", "tracestate", vocab.QueueWait)
	requireZero(t, tel, "spans", "ml", "true", "false")

	traces := golden.ReadTraces(t, "../../testdata/article/flamegraph.json")
	require.NoError(t, busy.ConsumeTraces(context.Background(), traces))
	for _, c := range []*metricsConnector{busy, idle} {
		_, err := c.flush(context.Background())
		require.NoError(t, err)
	}
	spans := counts(t, tel, "spans", "ml")
	require.EqualValues(t, traces.SpanCount(), spans[[2]string{"mlmetrics", "true"}]+spans[[2]string{"mlmetrics", "false"}])
	require.Zero(t, spans[[2]string{"mlmetrics/b", "true"}])
	limits := counts(t, tel, "series_limit", "metric")
	require.EqualValues(t, 1, limits[[2]string{"mlmetrics", "duration_ms"}])
	active := counts(t, tel, "series_active", "metric")
	require.EqualValues(t, 1, active[[2]string{"mlmetrics", "duration_ms"}])
	require.Zero(t, active[[2]string{"mlmetrics/b", "duration_ms"}], "the gauges of one do not overwrite the other's")
	labels := counts(t, tel, "label_values", "metric")
	require.Positive(t, labels[[2]string{"mlmetrics", "duration_ms"}])
	overflowed := counts(t, tel, "overflowed", "metric")
	require.EqualValues(t, traces.SpanCount()-1, overflowed[[2]string{"mlmetrics", "duration_ms"}])
	require.Zero(t, overflowed[[2]string{"mlmetrics/b", "duration_ms"}])

	for _, c := range []*metricsConnector{busy, idle} {
		require.NoError(t, c.Shutdown(context.Background()))
	}
	m, err := tel.GetMetric("otelcol_connector_mlmetrics_flush_duration")
	require.NoError(t, err)
	require.Len(t, m.Data.(metricdata.Histogram[float64]).DataPoints, 2, "one for each connector")
}

// requireZero demands a counter at zero of both connectors for each of some values of a label.
func requireZero(t *testing.T, tel *componenttest.Telemetry, name, label string, values ...string) {
	t.Helper()
	all := counts(t, tel, name, label)
	for _, value := range values {
		for _, id := range []string{"mlmetrics", "mlmetrics/b"} {
			n, ok := all[[2]string{id, value}]
			require.True(t, ok, "%s of %s %s", name, id, value)
			require.Zero(t, n)
		}
	}
}

// counts returns the newest values by connector and by one more label.
func counts(t *testing.T, tel *componenttest.Telemetry, name, label string) map[[2]string]int64 {
	t.Helper()
	m, err := tel.GetMetric("otelcol_connector_mlmetrics_" + name)
	require.NoError(t, err)
	var points []metricdata.DataPoint[int64]
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		points = data.DataPoints
	case metricdata.Gauge[int64]:
		points = data.DataPoints
	}
	out := map[[2]string]int64{}
	for _, p := range points {
		id, ok := p.Attributes.Value("connector")
		require.True(t, ok, "%s without its connector", name)
		value, _ := p.Attributes.Value(attribute.Key(label))
		out[[2]string{id.AsString(), value.String()}] += p.Value
	}
	return out
}
