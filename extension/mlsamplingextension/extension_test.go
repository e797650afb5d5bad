package mlsamplingextension

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/metadata"
)

func TestPolicyWithSettingsIsRefused(t *testing.T) {
	set := extensiontest.NewNopSettings(metadata.Type)
	set.ID = component.MustNewIDWithName("mlsampling", "second")
	e, err := NewFactory().Create(t.Context(), set, createDefaultConfig())
	require.NoError(t, err)
	_, err = e.(samplingpolicy.Extension).NewEvaluator("adaptive", map[string]any{"budget": 5, "a": 1})
	assert.EqualError(t, err, "mlsampling/second: found a, budget in the policy, must be under extensions::mlsampling/second; "+
		"leave only `type: mlsampling/second` in the policy")
	assert.NoError(t, e.Shutdown(t.Context()))
}

func TestPoliciesShareTheBudget(t *testing.T) {
	e := newExtension(extensiontest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config), time.Now)
	first, err := e.NewEvaluator("one", nil)
	require.NoError(t, err)
	second, err := e.NewEvaluator("two", map[string]any{})
	require.NoError(t, err)

	var wait sync.WaitGroup
	for _, evaluator := range []samplingpolicy.Evaluator{first, second} {
		for worker := range 4 {
			wait.Go(func() {
				for i := range 500 {
					_, err := evaluator.Evaluate(context.Background(), pcommon.TraceID{0: byte(worker), 9: byte(i), 10: byte(i >> 8)}, failed("gateway"))
					assert.NoError(t, err)
					e.budget.Stats()
				}
			})
		}
	}
	wait.Wait()
	tally := e.budget.Stats().Signals["error"]
	assert.EqualValues(t, 4000, tally.Kept+tally.Dropped)
}

func failed(service string) *samplingpolicy.TraceData {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", service)
	rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty().Status().SetCode(ptrace.StatusCodeError)
	return &samplingpolicy.TraceData{ReceivedBatches: td, SpanCount: 1}
}

func TestTelemetry(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { assert.NoError(t, tel.Shutdown(context.Background())) })
	cfg := createDefaultConfig().(*Config)
	cfg.Budget = 4
	now := time.Unix(1_700_000_000, 0)
	e := newExtension(extension.Settings{ID: component.NewID(metadata.Type)}, cfg, func() time.Time { return now })
	builder, err := newTelemetry(tel.NewTelemetrySettings(), e)
	require.NoError(t, err)
	e.telemetry = builder
	p, err := e.NewEvaluator("adaptive", nil)
	require.NoError(t, err)
	for i := range 8 {
		now = now.Add(125 * time.Millisecond)
		_, err = p.Evaluate(t.Context(), pcommon.TraceID{9: byte((7 - i) * 32)}, failed("gateway"))
		require.NoError(t, err)
	}
	now = now.Add(time.Second)

	tally := e.budget.Stats().Signals["error"]
	require.Positive(t, tally.Kept)
	require.Positive(t, tally.Dropped)
	values := map[string]float64{}
	for _, name := range []string{"classes", "class_overflows", "unreadable_tracestates", "class_budget", "evaluated_rate", "kept_rate", "traces", "probability"} {
		m, err := tel.GetMetric("otelcol_extension_mlsampling_" + name)
		require.NoError(t, err)
		switch data := m.Data.(type) {
		case metricdata.Gauge[int64]:
			values[name] = float64(data.DataPoints[0].Value)
		case metricdata.Gauge[float64]:
			values[name] = data.DataPoints[0].Value
			if name == "probability" {
				attributes := data.DataPoints[0].Attributes
				signal, _ := attributes.Value("signal")
				service, _ := attributes.Value("service")
				assert.Equal(t, "error", signal.AsString())
				assert.Equal(t, "gateway", service.AsString())
			}
		case metricdata.Sum[int64]:
			for _, point := range data.DataPoints {
				decision, _ := point.Attributes.Value("decision")
				signal, _ := point.Attributes.Value("signal")
				values[name+decision.AsString()+signal.AsString()] = float64(point.Value)
			}
		}
	}
	assert.Equal(t, 1.0, values["classes"])
	assert.Equal(t, 0.0, values["class_overflows"])
	assert.Equal(t, 0.0, values["unreadable_tracestates"])
	assert.InDelta(t, 4, values["class_budget"], 1e-6)
	assert.InDelta(t, 4.0, values["evaluated_rate"], 1.5, "8 traces in 2 s")
	assert.Positive(t, values["kept_rate"])
	assert.InDelta(t, 1, values["probability"], 0.3)
	assert.Equal(t, float64(tally.Kept), values["traceskepterror"])
	assert.Equal(t, float64(tally.Dropped), values["tracesdroppederror"])
	dropped, begun := values["tracesdroppedqueue_bound"]
	assert.True(t, begun, "signals begin at zero")
	assert.Zero(t, dropped)
	require.NoError(t, e.Shutdown(t.Context()))
	_, err = tel.GetMetric("otelcol_extension_mlsampling_classes")
	assert.Error(t, err, "nothing is reported after shutdown")
}
