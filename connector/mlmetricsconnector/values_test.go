package mlmetricsconnector

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// sent is a span with its resource.
type sent struct {
	name           string
	resource, span map[string]any
}

// consumed returns the newest points of each metric after the spans.
func consumed(t *testing.T, config *Config, spans ...sent) map[string]pmetric.Metric {
	t.Helper()
	c, sink := newTestConnector(t, config, time.Now)
	for i, s := range spans {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		require.NoError(t, rs.Resource().Attributes().FromRaw(s.resource))
		span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetName(s.name)
		span.SetStartTimestamp(pcommon.Timestamp(1e9 + i))
		span.SetEndTimestamp(pcommon.Timestamp(2e9 + i))
		require.NoError(t, span.Attributes().FromRaw(s.span))
		if _, ok := s.span[vocab.Stage]; !ok {
			span.Attributes().PutStr(vocab.Stage, vocab.StageInference)
		}
		require.NoError(t, c.ConsumeTraces(context.Background(), td))
	}
	for range 2 { // at zero first
		_, err := c.flush(context.Background())
		require.NoError(t, err)
	}
	byName := map[string]pmetric.Metric{}
	for _, m := range sink.AllMetrics()[1].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		byName[m.Name()] = m
	}
	return byName
}

func calls(t *testing.T, spans ...sent) []map[string]any {
	t.Helper()
	var labels []map[string]any
	for _, dp := range consumed(t, createDefaultConfig().(*Config), spans...)["ml.stage.calls"].Sum().DataPoints().All() {
		labels = append(labels, dp.Attributes().AsRaw())
	}
	return labels
}

// TestLabelsOfTheSpanAlone: what the README lists as labels are labels wherever they are, and an empty value hides nothing.
func TestLabelsOfTheSpanAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		resource, span map[string]any
		label, want    string
	}{
		"pipeline":                    {nil, map[string]any{"ml.pipeline.name": "p"}, "ml.pipeline.name", "p"},
		"environment":                 {nil, map[string]any{"deployment.environment": "prod"}, "deployment.environment", "prod"},
		"environment by its new name": {nil, map[string]any{"deployment.environment.name": "prod"}, "deployment.environment", "prod"},
		"the span's comes first": {map[string]any{"ml.pipeline.name": "of the resource"}, map[string]any{"ml.pipeline.name": "p"},
			"ml.pipeline.name", "p"},
		"an empty pipeline": {map[string]any{"ml.pipeline.name": "p"}, map[string]any{"ml.pipeline.name": ""}, "ml.pipeline.name", "p"},
		"an empty model":    {map[string]any{"ml.model.name": "m"}, map[string]any{"ml.model.name": ""}, "ml.model.name", "m"},
		"an empty environment": {map[string]any{"deployment.environment": "", "deployment.environment.name": "prod"},
			map[string]any{"deployment.environment": ""}, "deployment.environment", "prod"},
	} {
		t.Run(name, func(t *testing.T) {
			got := calls(t, sent{"x", tc.resource, tc.span})
			require.Len(t, got, 1)
			assert.Equal(t, tc.want, got[0][tc.label])
		})
	}
}

// TestReplicasHaveAGaugeEach: pods without service.instance.id must not overwrite each other's newest value.
func TestReplicasHaveAGaugeEach(t *testing.T) {
	for _, key := range vocab.InstanceKeys {
		var spans []sent
		for i, id := range []string{"a", "b", "a"} {
			resource := map[string]any{"service.name": "inference", key: id}
			spans = append(spans, sent{"x", resource, map[string]any{vocab.GPUMemoryAllocated: float64(100 * (i + 1))}})
		}
		gauge := consumed(t, createDefaultConfig().(*Config), spans...)[vocab.GPUMemoryAllocated].Gauge()
		got := map[string]float64{}
		for _, dp := range gauge.DataPoints().All() {
			id, _ := dp.Attributes().Get(vocab.ServiceInstanceID)
			got[id.Str()] = dp.DoubleValue()
		}
		assert.Equal(t, map[string]float64{"a": 300, "b": 200}, got, key)
	}
}

// TestReadmeNamesWhatTellsReplicasApart: all of it, in the order in which it is read.
func TestReadmeNamesWhatTellsReplicasApart(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "has no `service.instance.id`, the gauges take the first of ")
	require.True(t, found)
	said, _, _ := strings.Cut(rest, " that it has")
	assert.Equal(t, vocab.InstanceKeys[1:], keysIn(said), said)
}

// keysIn are the words in backquotes.
func keysIn(text string) (keys []string) {
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			keys = append(keys, part)
		}
	}
	return keys
}

// TestBoolsHaveOneText: a label is true or false, whoever wrote the value.
func TestBoolsHaveOneText(t *testing.T) {
	var spans []sent
	for _, success := range []any{true, "true", "True", "TRUE"} {
		spans = append(spans, sent{"x", nil, map[string]any{vocab.Stage: vocab.StageRequest, vocab.PipelineSuccess: success, vocab.SignalQueueBound: success}})
	}
	metrics := consumed(t, createDefaultConfig().(*Config), spans...)
	for name, label := range map[string]string{"ml.pipeline.requests": vocab.PipelineSuccess, "ml.signals": "signal"} {
		require.Equal(t, 1, metrics[name].Sum().DataPoints().Len(), name)
		dp := metrics[name].Sum().DataPoints().At(0)
		assert.EqualValues(t, 4, dp.IntValue(), name)
		v, _ := dp.Attributes().Get(label)
		assert.Equal(t, map[string]string{vocab.PipelineSuccess: "true", "signal": "queue_bound"}[label], v.Str())
	}
}

// TestLabelsAreUTF8: Prometheus refuses others, and with them the whole scrape.
func TestLabelsAreUTF8(t *testing.T) {
	got := calls(t, sent{"caf\xe9", map[string]any{"service.name": "inf\xffer"}, map[string]any{vocab.ModelName: "\xc3"}})
	require.Len(t, got, 1)
	assert.Equal(t, "inf\uFFFDer", got[0]["service.name"])
	assert.Equal(t, "\uFFFD", got[0][vocab.ModelName])
	for _, v := range got[0] {
		assert.True(t, utf8.ValidString(v.(string)))
	}
	m := consumed(t, createDefaultConfig().(*Config), sent{name: "caf\xe9"})["duration_ms"]
	name, _ := m.Histogram().DataPoints().At(0).Attributes().Get("span.name")
	assert.Equal(t, "caf\uFFFD", name.Str())
}

// TestTheFirstOfTwoValuesCounts: as in mlsignals.
func TestTheFirstOfTwoValuesCounts(t *testing.T) {
	c, sink := newTestConnector(t, createDefaultConfig().(*Config), time.Now)
	td := ptrace.NewTraces()
	span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetStartTimestamp(1e9)
	span.SetEndTimestamp(2e9)
	span.Attributes().PutStr(vocab.Stage, vocab.StageInference)
	span.Attributes().PutDouble(vocab.QueueWait, 10)
	span.Attributes().PutDouble("_"+vocab.QueueWait[1:], 5000)
	encoded, err := (&ptrace.JSONMarshaler{}).MarshalTraces(td)
	require.NoError(t, err)
	td, err = (&ptrace.JSONUnmarshaler{}).UnmarshalTraces([]byte(strings.ReplaceAll(string(encoded), "_"+vocab.QueueWait[1:], vocab.QueueWait)))
	require.NoError(t, err)
	require.NoError(t, c.ConsumeTraces(context.Background(), td))
	for range 2 {
		_, err := c.flush(context.Background())
		require.NoError(t, err)
	}
	for _, m := range sink.AllMetrics()[1].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() == vocab.QueueWait {
			require.Equal(t, 1, m.Histogram().DataPoints().Len())
			assert.EqualValues(t, 1, m.Histogram().DataPoints().At(0).Count())
			assert.Equal(t, 10.0, m.Histogram().DataPoints().At(0).Sum())
			return
		}
	}
	require.Fail(t, "no "+vocab.QueueWait)
}

// TestNoValueEndsASum: a metric of the user's own has bounds too.
func TestNoValueEndsASum(t *testing.T) {
	for _, kind := range []string{"histogram", "counter"} {
		config := createDefaultConfig().(*Config)
		config.Metrics = map[string]MetricConfig{"acme.cost": {Kind: kind, Attribute: "acme.cost"}}
		require.NoError(t, config.Validate())
		m := consumed(t, config, sent{"x", nil, map[string]any{"acme.cost": 1e300}}, sent{"x", nil, map[string]any{"acme.cost": 1.5}})["acme.cost"]
		if kind == "counter" {
			assert.Equal(t, 1.5, m.Sum().DataPoints().At(0).DoubleValue())
		} else {
			assert.Equal(t, 1.5, m.Histogram().DataPoints().At(0).Sum())
		}
	}
}
