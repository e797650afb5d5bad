package versions

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const (
	root   = "../.."
	module = "github.com/otelcol-ml/otelcol-ml"
)

// pinned is the version of the collector that this distribution is built from.
func pinned(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "builder-config.yaml"))
	require.NoError(t, err)
	match := regexp.MustCompile(`otlpreceiver v0\.(\d+)\.0\n`).FindSubmatch(text)
	require.NotNil(t, match)
	minor, err := strconv.Atoi(string(match[1]))
	require.NoError(t, err)
	return minor
}

var block = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// blocks returns the README's manifest and the configuration for it.
func blocks(t *testing.T) (manifest, config string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	for _, match := range block.FindAllStringSubmatch(string(text), -1) {
		switch {
		case strings.HasPrefix(match[1], "dist:"):
			manifest = match[1]
		case strings.HasPrefix(match[1], "receivers:"):
			config = match[1]
		}
	}
	require.NotEmpty(t, manifest)
	require.NotEmpty(t, config)
	return manifest, config
}

func run(t *testing.T, env []string, program string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, args...)
	command.Env = append(os.Environ(), env...)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s %v: %s", program, args, output)
	return string(output)
}

// TestSupported builds the README's manifest with components of each version, and has the result read the README's configuration.
func TestSupported(t *testing.T) {
	text, config := blocks(t)
	n := pinned(t)
	page, err := os.ReadFile(filepath.Join(root, "docs/deployment.md"))
	require.NoError(t, err)
	for _, minor := range []int{n - 1, n, n + 1} {
		version := fmt.Sprintf("v0.%d.0", minor)
		t.Run(version, func(t *testing.T) {
			assert.True(t, strings.Contains(string(page), "| "+version+" |"), "docs/deployment.md names the versions")
			dir := t.TempDir()
			// Our components need the collector's modules of this distribution's version. An older builder's core does not
			// compile with them, a newer one's does.
			builder := fmt.Sprintf("v0.%d.0", max(minor, n))
			run(t, []string{"GOBIN=" + dir}, "go", "install", "go.opentelemetry.io/collector/cmd/builder@"+builder)

			built := filepath.Join(dir, "build")
			manifest := filepath.Join(dir, "manifest.yaml")
			require.NoError(t, os.WriteFile(manifest, adapt(t, text, n, version, built), 0o600))
			args := []string{"--config", manifest}
			if minor < n {
				args = append(args, "--skip-strict-versioning")
			}
			run(t, nil, filepath.Join(dir, "builder"), args...)

			collector := filepath.Join(built, "my-collector")
			file := filepath.Join(dir, "config.yaml")
			require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
			run(t, nil, collector, "validate", "--config", file)
			components := run(t, nil, collector, "components")
			assert.Contains(t, components, "name: mlsignals")
			if minor >= n {
				assert.Contains(t, components, "go.opentelemetry.io/collector/receiver/otlpreceiver "+version)
			}
			assert.Regexp(t, `^my-collector version \S+\n$`, run(t, nil, collector, "--version"))
		})
	}
}

// adapt puts another version of the collector, and this checkout, into the manifest.
func adapt(t *testing.T, text string, n int, version, output string) []byte {
	t.Helper()
	var manifest map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(strings.ReplaceAll(text, fmt.Sprintf(" v0.%d.0", n), " "+version)), &manifest))
	checkout, err := filepath.Abs(root)
	require.NoError(t, err)
	manifest["dist"].(map[string]any)["output_path"] = output
	ours := 0
	for _, section := range manifest {
		entries, _ := section.([]any)
		for _, entry := range entries {
			fields := entry.(map[string]any)
			if strings.HasPrefix(fields["gomod"].(string), module+" ") {
				fields["path"] = checkout
				ours++
			}
		}
	}
	require.Positive(t, ours)
	encoded, err := yaml.Marshal(manifest)
	require.NoError(t, err)
	return encoded
}
