package mlsignalsprocessor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/dialects"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/metadata"
)

const dialectData = "../../testdata/dialects"

func newTestProcessor(t testing.TB, cfg *Config) *signalsProcessor {
	t.Helper()
	tel, err := newTelemetry(componenttest.NewNopTelemetrySettings(), component.NewID(metadata.Type))
	require.NoError(t, err)
	require.NoError(t, cfg.Validate())
	p, err := newSignalsProcessor(cfg, tel)
	require.NoError(t, err)
	require.NoError(t, tel.observe(p))
	t.Cleanup(tel.builder.Shutdown)
	return p
}

func defaultConfig() *Config { return createDefaultConfig().(*Config) }

func process(t testing.TB, p *signalsProcessor, td ptrace.Traces) ptrace.Traces {
	t.Helper()
	out, err := p.processTraces(t.Context(), td)
	require.NoError(t, err)
	return out
}

// TestDialects runs the spans of each system through the processor with every
// dialect on. The expected files are written by `go test -run TestDialects -update`
// and read by a person.
func TestDialects(t *testing.T) {
	builtin, err := dialects.All()
	require.NoError(t, err)
	for _, d := range builtin {
		t.Run(d.Name, func(t *testing.T) {
			folder := filepath.Join(dialectData, d.Name)
			inputs, err := filepath.Glob(filepath.Join(folder, "*.input.json"))
			require.NoError(t, err)
			require.NotEmpty(t, inputs, "no test data for dialect %s in %s", d.Name, folder)
			for _, input := range inputs {
				name := filepath.Base(input[:len(input)-len(".input.json")])
				t.Run(name, func(t *testing.T) {
					p := newTestProcessor(t, defaultConfig())
					out := process(t, p, golden.ReadTraces(t, input))
					golden.EqualTraces(t, filepath.Join(folder, name+".expected.json"), out)
				})
			}
		})
	}
}

func TestEveryFolderOfTestDataBelongsToADialect(t *testing.T) {
	builtin, err := dialects.All()
	require.NoError(t, err)
	var names []string
	for _, d := range builtin {
		names = append(names, d.Name)
	}
	entries, err := os.ReadDir(dialectData)
	require.NoError(t, err)
	for _, e := range entries {
		if e.IsDir() {
			assert.Contains(t, names, e.Name())
		}
	}
}
