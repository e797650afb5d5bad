package mlexemplarsexporter

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlexemplarsexporter/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/internal/exemplarsink"
	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

type sink struct{ spans int }

func (s *sink) Exemplify(td ptrace.Traces) { s.spans += td.SpanCount() }

func TestSpansReachTheConnectorOfTheName(t *testing.T) {
	wanted, other := &sink{}, &sink{}
	id := component.MustNewIDWithName("mlmetrics", "wanted")
	t.Cleanup(exemplarsink.Register(id, wanted))
	t.Cleanup(exemplarsink.Register(component.MustNewID("mlmetrics"), other))

	cfg := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(map[string]any{"connector": "mlmetrics/wanted"}).Unmarshal(cfg))
	require.NoError(t, cfg.Validate())
	e, err := NewFactory().CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), cfg)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	assert.False(t, e.Capabilities().MutatesData)
	td := ptrace.NewTraces()
	td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	td.MarkReadOnly() // as behind a fan-out
	require.NoError(t, e.ConsumeTraces(t.Context(), td))
	require.NoError(t, e.Shutdown(t.Context()))
	assert.Equal(t, 1, wanted.spans)
	assert.Zero(t, other.spans)
}

func TestWithoutTheConnector(t *testing.T) {
	e, err := NewFactory().CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), createDefaultConfig())
	require.NoError(t, err)
	assert.EqualError(t, e.Start(t.Context(), componenttest.NewNopHost()),
		"connector: found mlmetrics, must be an mlmetrics connector of a pipeline; put mlmetrics into one, or take mlexemplars out of this one")
	assert.NoError(t, e.Shutdown(t.Context()))
}

func TestConfig(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
	assert.NoError(t, createDefaultConfig().(*Config).Validate())
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(map[string]any{"connector": "forward"}).Unmarshal(cfg))
	assert.EqualError(t, cfg.Validate(), `connector: found "forward", must be an mlmetrics connector, such as mlmetrics or mlmetrics/name`)
	assert.ErrorContains(t, confmap.NewFromStringMap(map[string]any{"conector": "x"}).Unmarshal(createDefaultConfig()), "connector")
}

// TestReadme fails where the schema or the table of the README differs from the code. `go test -update` writes them.
func TestReadme(t *testing.T) {
	meanings := map[string]string{"connector": "ID of the mlmetrics connector whose metrics get the exemplars"}
	golden.EqualSchema(t, "config.schema.json", createDefaultConfig(), meanings)
	golden.EqualSections(t, "README.md", map[string]string{"settings": golden.SettingsTable(t, createDefaultConfig(), meanings)})
}
