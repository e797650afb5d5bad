package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mustCopy are exporters that merge what they get into larger requests, which may change neither the batch that the
// others have nor the one that waits. They are behind mltailsampling, so it is kept traces that are copied for them.
var mustCopy = []string{"otlp_http/backend"}

// TestGraphs builds the pipelines of every shipped file as the collector does, and checks that no batch of spans is
// copied on its way without need: no consumer behind a fan-out declares that it mutates data.
func TestGraphs(t *testing.T) {
	t.Setenv("OTELCOL_ML_OTLP_ENDPOINT", "http://localhost:4318")
	t.Setenv("OTELCOL_ML_SAMPLERS", "localhost:4317")
	graph := buildGraph(t)
	check := func(configs ...string) {
		t.Run(strings.Join(configs, " "), func(t *testing.T) {
			output := runGraph(t, graph, configs...)
			for _, copied := range copies.FindAllStringSubmatch(output, -1) {
				assert.Contains(t, mustCopy, copied[1])
			}
		})
	}
	check("otelcol.yaml")
	for pattern, of := range map[string]struct {
		on    []string // what it is laid over
		least int
	}{
		"deploy/*/otelcol.yaml":   {[]string{"otelcol.yaml"}, 4},
		"deploy/*/sampler.yaml":   {[]string{"otelcol.yaml"}, 2},
		"examples/*/otelcol.yaml": {[]string{"otelcol.yaml"}, 1},
		"deploy/*/gateway.yaml":   {nil, 1},
		"deploy/*/gateway-*.yaml": {nil, 2},
	} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(files), of.least, pattern)
		for _, file := range files {
			relative, err := filepath.Rel(root, file)
			require.NoError(t, err)
			check(append(of.on, relative)...)
		}
	}
	check("otelcol.yaml", "deploy/two-tier/sampler.yaml", "deploy/tempo/otelcol.yaml") // as on Kubernetes

	for name, bad := range map[string]struct {
		configs []string
		copied  string
	}{
		"a processor in a forked pipeline": {
			[]string{
				"yaml:processors::filter: {}",
				"yaml:service::pipelines::traces/sample::processors: [filter, mltailsampling, mldiagnosis]",
			},
			"forward/sample",
		},
		"the last processor of it": {
			[]string{
				"yaml:processors::attributes::actions: [{ key: a, action: delete }]",
				"yaml:service::pipelines::traces/sample::processors: [mltailsampling, mldiagnosis, attributes]",
			},
			"forward/sample",
		},
		"a pipeline behind kept traces": {
			[]string{
				"yaml:connectors::forward/kept: {}",
				"yaml:service::pipelines::traces/sample::exporters: [file/kept, mlexemplars, forward/kept]",
				"yaml:processors::mlsignals/again: {}",
				"yaml:exporters::nop: {}",
				"yaml:service::pipelines::traces/kept: { receivers: [forward/kept], processors: [mlsignals/again], exporters: [nop] }",
			},
			"forward/kept",
		},
		"a second pipeline of the receiver": {
			[]string{
				"yaml:exporters::nop: {}",
				"yaml:service::pipelines::traces/all: { receivers: [otlp], processors: [], exporters: [nop] }",
			},
			"memory_limiter",
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Contains(t, runGraph(t, graph, append([]string{"otelcol.yaml"}, bad.configs...)...), "copied for "+bad.copied+"\n")
		})
	}
}

var copies = regexp.MustCompile(`copied for (\S+)`)

func runGraph(t *testing.T, graph string, configs ...string) string {
	t.Helper()
	output, err := run(t, graph, configs...)
	require.NoError(t, err, output)
	require.NotContains(t, output, "\n0 components")
	return output
}

// buildGraph builds testdata/graph with the components of ./build, which `make build` generates.
func buildGraph(t *testing.T) string {
	t.Helper()
	absolute := func(path string) string {
		path, err := filepath.Abs(path)
		require.NoError(t, err)
		return path
	}
	generated := absolute(filepath.Join(root, "build"))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(generated, "main.go"):        absolute("testdata/graph/main.go"),
		filepath.Join(generated, "main_others.go"): "",
	}})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "overlay.json")
	require.NoError(t, os.WriteFile(file, overlay, 0o600))
	graph := filepath.Join(t.TempDir(), "graph")
	build := exec.CommandContext(t.Context(), "go", "-C", generated, "build", "-trimpath", "-ldflags", "-s -w", "-overlay", file, "-o", graph, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as in `make build`, whose cache this uses
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	return graph
}
