package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	// attributeRow is a row of a table of attributes: its key, which may end in .*, and its type.
	attributeRow = regexp.MustCompile("(?m)^\\| `(ml\\.[a-z0-9_.*]+)` \\| (string|int|double|bool|string array) \\|")
	// usedAttribute is an attribute of a span in TraceQL, and what it is compared with where that is a literal.
	usedAttribute = regexp.MustCompile(`span\.(ml\.[a-z0-9_.]+)(?:\s*(?:>=|<=|!=|=|>|<)\s*("[^"]*"|true|false|-?[0-9][0-9.]*))?`)

	// attribute is any attribute in TraceQL.
	attribute = regexp.MustCompile(`\b(?:span|resource)\.[a-z]`)
	// secondQuery is a line that begins another query: not with |, &&, || or >>.
	secondQuery = regexp.MustCompile(`.\n\{`)

	double  = regexp.MustCompile(`^-?[0-9]+\.[0-9]+$`)
	integer = regexp.MustCompile(`^-?[0-9]+$`)
)

// TestTraceQL checks that each attribute in the TraceQL of the documentation exists, and is compared with a literal of
// its type: Tempo finds nothing, and says nothing, where the types differ.
func TestTraceQL(t *testing.T) {
	types := map[string]string{}
	for _, path := range []string{"docs/vocabulary.md", "processor/mldiagnosisprocessor/README.md"} {
		text, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)
		for _, row := range attributeRow.FindAllStringSubmatch(string(text), -1) {
			types[row[1]] = row[2]
		}
	}
	require.Equal(t, "double", types["ml.inference.queue_wait_ms"])
	require.Equal(t, "int", types["ml.batch.size"])

	compared := 0
	for _, path := range pages(t) {
		for _, b := range read(t, path).blocks {
			query := strings.HasPrefix(b.text, "{ ") && attribute.MatchString(b.text)
			if b.language != "traceql" {
				assert.False(t, query && b.language == "", "%s:%d: a block of TraceQL must begin with ```traceql", path, b.line)
				continue
			}
			assert.NotRegexp(t, secondQuery, b.text, "%s:%d: one query a block", path, b.line)
			assert.Equal(t, strings.Count(b.text, "{"), strings.Count(b.text, "}"), "%s:%d", path, b.line)
			for _, used := range usedAttribute.FindAllStringSubmatch(b.text, -1) {
				key, literal := used[1], used[2]
				kind := types[key]
				if kind == "" {
					kind = types[key[:strings.LastIndex(key, ".")]+".*"]
				}
				assert.NotEmpty(t, kind, "%s:%d: nothing sets %s", path, b.line, key)
				if literal != "" && kind != "" {
					compared++
					assert.True(t, fits(kind, literal), "%s:%d: %s is a %s and is compared with %s", path, b.line, key, kind, literal)
				}
			}
		}
	}
	require.Positive(t, compared)
}

func fits(kind, literal string) bool {
	switch kind {
	case "double":
		return double.MatchString(literal)
	case "int":
		return integer.MatchString(literal)
	case "bool":
		return literal == "true" || literal == "false"
	default:
		return strings.HasPrefix(literal, `"`)
	}
}

// TestTraceQLTypes checks the check.
func TestTraceQLTypes(t *testing.T) {
	for literal, kind := range map[string]string{"300.0": "double", "300": "int", "true": "bool", `"a"`: "string"} {
		for _, other := range []string{"double", "int", "bool", "string"} {
			assert.Equal(t, other == kind, fits(other, literal), "%s as %s", literal, other)
		}
	}
}
