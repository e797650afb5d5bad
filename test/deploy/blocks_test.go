package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// sections are the top-level keys of a collector's configuration.
var sections = []string{"receivers", "processors", "exporters", "connectors", "extensions", "service"}

// components may stand alone in a block, without their section.
var components = map[string]string{"mlsignals": "processors", "mltailsampling": "processors", "tail_sampling": "processors", "mlmetrics": "connectors"}

// required are environment variables that a block reads without a default.
var required = regexp.MustCompile(`\$\{env:([A-Z_]+)\}`)

// TestYAML checks that the programs accept each YAML block of the documentation.
// A collector configuration with receivers, exporters and a service stands alone;
// any other is laid over otelcol.yaml.
func TestYAML(t *testing.T) {
	checked := 0
	for _, path := range pages(t) {
		for _, b := range read(t, path).blocks {
			if b.language != "yaml" {
				continue
			}
			checked++
			t.Run(fmt.Sprintf("%s:%d", path, b.line), func(t *testing.T) {
				var parsed map[string]any
				require.NoError(t, yaml.Unmarshal([]byte(b.text), &parsed), "is a map of YAML")
				checkYAML(t, b.text, parsed)
			})
		}
	}
	require.Positive(t, checked)
}

func checkYAML(t *testing.T, text string, parsed map[string]any) {
	t.Helper()
	has := func(key string) bool { _, ok := parsed[key]; return ok }
	file := filepath.Join(t.TempDir(), "block.yaml")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	accept := func(program string, args ...string) {
		output, err := run(t, program, args...)
		assert.NoError(t, err, output)
	}
	for _, variable := range required.FindAllStringSubmatch(text, -1) {
		t.Setenv(variable[1], "set")
	}
	write(text)

	for component, section := range components {
		if has(component) && len(parsed) == 1 {
			write(section + ":\n" + indented(text))
			accept(binary(t, "otelcol-ml"), "validate", "--config", "otelcol.yaml", "--config", file)
			return
		}
	}
	switch {
	case has("dist"):
		checkManifest(t, text)
	case has("groups"):
		accept(binary(t, "promtool"), "check", "rules", file)
	case has("scrape_configs"):
		accept(binary(t, "promtool"), "check", "config", "--syntax-only", file)
	case has("receivers") && has("exporters") && has("service"):
		accept(binary(t, "otelcol-ml"), "validate", "--config", file)
	case slices.ContainsFunc(sections, has):
		accept(binary(t, "otelcol-ml"), "validate", "--config", "otelcol.yaml", "--config", file)
	default:
		t.Errorf("no program reads a block with these keys: %v", parsed)
	}
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

// TestPromQL checks that each PromQL block of the documentation is one query, which Prometheus can parse: whoever copies a
// block must be able to paste it.
func TestPromQL(t *testing.T) {
	checked := 0
	for _, path := range pages(t) {
		for _, b := range read(t, path).blocks {
			if b.language != "promql" {
				continue
			}
			checked++
			_, err := parser.NewParser(parser.Options{}).ParseExpr(b.text)
			assert.NoError(t, err, "%s:%d: %s", path, b.line, b.text)
		}
	}
	require.Positive(t, checked)
}

var (
	makeTarget  = regexp.MustCompile(`\bmake ([a-z][a-z0-9-]*)`)
	makeDefined = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)
	inlineCode  = regexp.MustCompile("`[^`\n]+`")
)

// TestMakeTargets checks that the make targets of the documentation exist.
func TestMakeTargets(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	defined := map[string]bool{}
	for _, match := range makeDefined.FindAllStringSubmatch(string(makefile), -1) {
		defined[match[1]] = true
	}
	used := 0
	for _, path := range pages(t) {
		p := read(t, path)
		code := strings.Join(inlineCode.FindAllString(p.prose, -1), "\n")
		for _, b := range p.blocks {
			if b.language == "sh" {
				code += "\n" + b.text
			}
		}
		for _, match := range makeTarget.FindAllStringSubmatch(code, -1) {
			used++
			assert.True(t, defined[match[1]], "%s: there is no `make %s`", path, match[1])
		}
	}
	require.Positive(t, used)
}
