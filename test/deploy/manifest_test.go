package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const module = "github.com/otelcol-ml/otelcol-ml"

// checkManifest builds a collector from a manifest of the documentation, with
// this checkout in place of the released module as the README says, and asks it
// for our components.
func checkManifest(t *testing.T, text string) {
	t.Helper()
	checkout, err := filepath.Abs(root)
	require.NoError(t, err)
	dir := t.TempDir()

	var manifest map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &manifest))
	ours := 0
	for _, section := range manifest {
		entries, _ := section.([]any)
		for _, entry := range entries {
			if fields := entry.(map[string]any); strings.HasPrefix(fields["gomod"].(string), module+" ") {
				ours++
			}
		}
	}
	require.Positive(t, ours, "the manifest has none of our components")
	first := manifest["processors"].([]any)[0].(map[string]any)
	require.Contains(t, first["gomod"], module+" ", "the first entry of ours")
	first["path"] = checkout
	dist := manifest["dist"].(map[string]any)
	dist["output_path"] = filepath.Join(dir, "build")
	encoded, err := yaml.Marshal(manifest)
	require.NoError(t, err)
	file := filepath.Join(dir, "manifest.yaml")
	require.NoError(t, os.WriteFile(file, encoded, 0o600))

	output, err := run(t, binary(t, "tools/builder"), "--config", file)
	require.NoError(t, err, output)
	built := filepath.Join(dir, "build", dist["name"].(string))
	listed, err := run(t, built, "components")
	require.NoError(t, err, listed)
	assert.Contains(t, listed, "name: mlsignals")
	assert.Contains(t, listed, "name: mlmetrics")
	version, err := run(t, built, "--version")
	require.NoError(t, err, version)
	assert.Equal(t, fmt.Sprintf("%s version %v\n", dist["name"], dist["version"]), version)

	config := filepath.Join(dir, "config.yaml")
	require.NoError(t, os.WriteFile(config, []byte(minimalConfig(t)), 0o600))
	output, err = run(t, built, "validate", "--config", config)
	assert.NoError(t, err, "the minimal configuration of the README does not fit its manifest: %s", output)
}

// minimalConfig is the README's complete configuration.
func minimalConfig(t *testing.T) string {
	t.Helper()
	for _, b := range read(t, "README.md").blocks {
		if b.language == "yaml" && strings.HasPrefix(b.text, "receivers:") && strings.Contains(b.text, "\nexporters:") && strings.Contains(b.text, "\nservice:") {
			return b.text
		}
	}
	require.Fail(t, "README.md has no complete configuration")
	return ""
}

var statedSize = regexp.MustCompile(`\./bin/otelcol-ml[^.]*?(\d+) MB`)

// TestSize compares the size of the binary that the README states with the
// built one's. Go releases and architectures move it a little.
func TestSize(t *testing.T) {
	const tolerance = 0.1
	match := statedSize.FindStringSubmatch(read(t, "README.md").prose)
	require.NotNil(t, match, "README.md does not state the size of ./bin/otelcol-ml in MB")
	stated, err := strconv.ParseFloat(match[1], 64)
	require.NoError(t, err)
	built, err := os.Stat(binary(t, "otelcol-ml"))
	require.NoError(t, err)
	assert.InEpsilon(t, stated, float64(built.Size())/1e6, tolerance)
}

// TestComponents checks that the distribution has every component of its manifest.
func TestComponents(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "builder-config.yaml"))
	require.NoError(t, err)
	listed, err := run(t, binary(t, "otelcol-ml"), "components")
	require.NoError(t, err)
	for _, name := range regexp.MustCompile(`(?m)^  - gomod: (\S+ \S+)`).FindAllStringSubmatch(string(text), -1) {
		assert.Contains(t, listed, name[1])
	}
	for _, name := range []string{
		"otlp", "jaeger", "zipkin", "kafka", "otlp_json_file",
		"memory_limiter", "batch", "tail_sampling", "transform", "filter", "attributes", "resource", "mlsignals", "mltailsampling", "mldiagnosis",
		"otlp_grpc", "otlp_http", "prometheus", "prometheus_remote_write", "load_balancing", "file", "debug", "nop", "mlexemplars",
		"forward", "service_graph", "mlmetrics",
		"health_check", "zpages", "file_storage", "basicauth", "bearertokenauth",
	} {
		assert.Contains(t, listed, "- name: "+name+"\n")
	}
	for _, scheme := range []string{"env", "file", "yaml", "http", "https"} {
		assert.Contains(t, listed, "- scheme: "+scheme+"\n")
	}
}
