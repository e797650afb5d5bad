package mldiagnosisprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor"
)

const (
	article     = "../../testdata/article/flamegraph.json"
	dialectData = "../../testdata/dialects"
)

func defaultConfig() *Config { return createDefaultConfig().(*Config) }

func newTestProcessor(t testing.TB, cfg *Config) *diagnosisProcessor {
	t.Helper()
	require.NoError(t, cfg.Validate())
	tel, err := newTelemetry(componenttest.NewNopTelemetrySettings(), component.NewID(metadata.Type))
	require.NoError(t, err)
	t.Cleanup(tel.builder.Shutdown)
	return newDiagnosisProcessor(cfg, tel)
}

func process(t testing.TB, p *diagnosisProcessor, td ptrace.Traces) ptrace.Traces {
	t.Helper()
	out, err := p.processTraces(t.Context(), td)
	require.NoError(t, err)
	return out
}

// marked passes spans through mlsignals, as the collector does ahead of sampling.
func marked(t testing.TB, td ptrace.Traces) ptrace.Traces {
	t.Helper()
	factory := mlsignalsprocessor.NewFactory()
	sink := &consumertest.TracesSink{}
	signals, err := factory.CreateTraces(t.Context(), processortest.NewNopSettings(factory.Type()), factory.CreateDefaultConfig(), sink)
	require.NoError(t, err)
	require.NoError(t, signals.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, signals.ConsumeTraces(t.Context(), td))
	require.NoError(t, signals.Shutdown(t.Context()))
	require.Len(t, sink.AllTraces(), 1)
	return sink.AllTraces()[0]
}

func find(t testing.TB, td ptrace.Traces, name string) ptrace.Span {
	t.Helper()
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if span.Name() == name {
					return span
				}
			}
		}
	}
	require.Fail(t, "no span "+name)
	return ptrace.Span{}
}

// TestArticle: what the article's section 6 finds in its flamegraph.
func TestArticle(t *testing.T) {
	td := process(t, newTestProcessor(t, defaultConfig()), marked(t, golden.ReadTraces(t, article)))
	got := find(t, td, "ml.pipeline.request").Attributes().AsRaw()
	assert.Equal(t, "feature_store", got["ml.diagnosis.bottleneck"])
	assert.InEpsilon(t, 823.0/1820, got["ml.diagnosis.share"], 1e-12)
	assert.Equal(t, []any{"feature_store", "gpu_queue", "gpu_compute", "cold_start", "revalidation"}, got["ml.diagnosis.causes"])
	for cause, ms := range map[string]float64{
		"feature_store": 823, "gpu_queue": 580, "gpu_compute": 315, "cold_start": 38,
		"revalidation": 19, // from the first failed validation on
		"other":        45, // validation 18, the rest of batch assembly 9, the first attempt 18
	} {
		assert.InEpsilon(t, ms/1820, got["ml.diagnosis.shares."+cause], 1e-12, cause)
	}
	assert.Equal(t, []any{
		"ml.pipeline.request", "ml.input_validation", "ml.feature_extraction", "cache_lookup", "db_fallback", "ml.batch_assembly",
		"tokenizer_init", "ml.inference", "model_server.forward", "ml.post_processing",
	}, got["ml.diagnosis.critical_path"])
	assert.NotContains(t, got, "ml.diagnosis.partial")
	assert.NotContains(t, got, "ml.diagnosis.clock_skew")
}
