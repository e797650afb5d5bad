package promises

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

const root = "../.."

// TestCurrent: current.txt is what the code has.
func TestCurrent(t *testing.T) {
	metrics, err := os.ReadFile("metrics.txt") // written by the test of the package of the built-in metrics
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(metrics)), "\n")
	for _, a := range vocab.Attributes {
		lines = append(lines, fmt.Sprintf("attribute %s %s", a.Key, a.Type))
	}
	for _, signal := range vocab.Signals {
		lines = append(lines, fmt.Sprintf("attribute %s bool", signal))
	}
	for _, stage := range vocab.Stages {
		lines = append(lines, "stage "+stage)
	}
	lines = append(lines, telemetry(t)...)
	lines = append(lines, settings(t)...)
	slices.Sort(lines)
	golden.EqualText(t, "current.txt", strings.Join(slices.Compact(lines), "\n")+"\n")
}

// telemetry are the metrics that the components report of themselves.
func telemetry(t *testing.T) (lines []string) {
	files, err := filepath.Glob(root + "/*/*/metadata.yaml")
	require.NoError(t, err)
	require.Len(t, files, components(t))
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		retrieved, err := confmap.NewRetrievedFromYAML(text)
		require.NoError(t, err)
		conf, err := retrieved.AsConf()
		require.NoError(t, err)
		metrics, _ := conf.Get("telemetry::metrics").(map[string]any)
		for name, of := range metrics {
			m := of.(map[string]any)
			kind := ""
			for _, k := range []string{"sum", "gauge", "histogram"} {
				if m[k] != nil {
					kind = k
				}
			}
			require.NotEmpty(t, kind, name)
			attributes, _ := m["attributes"].([]any)
			names := make([]string, 0, len(attributes))
			for _, a := range attributes {
				names = append(names, fmt.Sprint(a))
			}
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("telemetry otelcol_%s %s %v %s", name, kind, m["unit"], strings.Join(names, ","))))
		}
	}
	return lines
}

// settings are the keys of the components' settings.
func settings(t *testing.T) (lines []string) {
	files, err := filepath.Glob(root + "/*/*/config.schema.json")
	require.NoError(t, err)
	require.Len(t, files, components(t))
	type schema struct {
		Type       string
		Properties map[string]schema
	}
	var walk func(of, key string, s *schema)
	walk = func(of, key string, s *schema) {
		if len(s.Properties) == 0 {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("setting %s %s %s", of, key, s.Type)))
		}
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			property := s.Properties[name]
			walk(of, strings.TrimPrefix(key+"::"+name, "::"), &property)
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var s schema
		require.NoError(t, json.Unmarshal(text, &s))
		walk(filepath.Base(filepath.Dir(file)), "", &s)
	}
	return lines
}

// components is the number of components of this repository.
func components(t *testing.T) int {
	factories, err := filepath.Glob(root + "/*/*/generated_component_test.go")
	require.NoError(t, err)
	require.NotEmpty(t, factories)
	return len(factories)
}

var unreleased = regexp.MustCompile(`(?s)\n## \[Unreleased\]\n(.*?)(?:\n## \[|$)`)

// TestChangesAreInTheChangelog: what differs from the last release is in CHANGELOG.md under Unreleased, by name.
func TestChangesAreInTheChangelog(t *testing.T) {
	changelog, err := os.ReadFile(root + "/CHANGELOG.md")
	require.NoError(t, err)
	section := unreleased.FindSubmatch(changelog)
	require.NotNil(t, section, "CHANGELOG.md has no section Unreleased")
	for _, name := range missing(lines(t, "released.txt"), lines(t, "current.txt"), string(section[1])) {
		assert.Fail(t, "a promise changes", "%s was added, removed or changed; say so in CHANGELOG.md under Unreleased", name)
	}
}

func lines(t *testing.T, file string) []string {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Greater(t, len(all), 200)
	return all
}

// missing returns the names whose lines differ and that the text does not have.
func missing(was, is []string, text string) (names []string) {
	differs := func(line string, in []string) {
		if slices.Contains(in, line) {
			return
		}
		if name := nameOf(line); !slices.ContainsFunc(families(text), func(f string) bool { return strings.HasPrefix(name, f) }) && !regexp.MustCompile(`(^|[^\w.])`+regexp.QuoteMeta(name)+`($|[^\w.]|\.($|\W))`).MatchString(text) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, line := range was {
		differs(line, is)
	}
	for _, line := range is {
		differs(line, was)
	}
	return names
}

var family = regexp.MustCompile("`([a-z_.]+[_.])\\*`")

// families returns the beginnings of names that a text has with a star for the rest: `otelcol_processor_mlsignals_*`.
func families(text string) (all []string) {
	for _, match := range family.FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	return all
}

// nameOf is what the changelog is to call the promise of a line: of a setting its last key.
func nameOf(line string) string {
	fields := strings.Fields(line)
	name := fields[1]
	if fields[0] == "setting" {
		name = fields[2]
		name = name[strings.LastIndex(name, ":")+1:]
	}
	return name
}

// TestMissing: a changed type, a removed and an added name need an entry, and a name that is part of another is no entry.
func TestMissing(t *testing.T) {
	was := []string{"attribute ml.a int", "attribute ml.b int", "setting x y::limit integer"}
	is := []string{"attribute ml.a double", "attribute ml.b int", "metric ml.c counter"}
	assert.Equal(t, []string{"ml.a", "limit", "ml.c"}, missing(was, is, "`ml.a.b`, series_limit, ml.cc"))
	assert.Empty(t, missing(was, is, "`ml.a` is a double, `limit` is gone; there is ml.c."))
	assert.Empty(t, missing(was, is, "`ml.*` and `limit`"))
	assert.Empty(t, missing(was, was, ""))
}
