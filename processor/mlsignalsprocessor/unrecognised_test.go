package mlsignalsprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/metadata"
)

// TestUnrecognisedSpans: the names that no dialect recognised are reported with where they are from, of a large batch too.
func TestUnrecognisedSpans(t *testing.T) {
	reader := componenttest.NewTelemetry()
	tel, err := newTelemetry(reader.NewTelemetrySettings(), component.NewID(metadata.Type))
	require.NoError(t, err)
	p, err := newSignalsProcessor(createDefaultConfig().(*Config), tel)
	require.NoError(t, err)
	require.NoError(t, tel.observe(p))

	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr(vocab.ServiceName, "billing")
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("net/http")
	const n = first + 20*every
	for range n {
		ss.Spans().AppendEmpty().SetName("GET /invoices")
	}
	ss.Spans().AppendEmpty().SetName("ml.inference")
	_, err = p.processTraces(t.Context(), td)
	require.NoError(t, err)

	got, err := reader.GetMetric("otelcol_processor_mlsignals_unrecognised_spans")
	require.NoError(t, err)
	points := gaugePoints(t, got)
	require.Len(t, points, 1)
	assert.EqualValues(t, n, points[0].Value)
	assert.Equal(t, attribute.NewSet(attribute.String("service", "billing"), attribute.String("scope", "net/http"),
		attribute.String("span", "GET /invoices"), attribute.Bool("ml", false), attribute.String("processor", "mlsignals")), points[0].Attributes)
}

func gaugePoints(t *testing.T, m metricdata.Metrics) []metricdata.DataPoint[int64] {
	t.Helper()
	gauge, ok := m.Data.(metricdata.Gauge[int64])
	require.True(t, ok, "%T", m.Data)
	return gauge.DataPoints
}
