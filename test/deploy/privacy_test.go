package deploy

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

var vocabularyRow = regexp.MustCompile("(?m)^\\| `(ml\\.[a-z0-9_.]+)` \\|")

// TestPrivacyPatterns: deploy/privacy does not compare the vocabulary's attributes with its patterns, and each pattern is
// of a form that Go rejects most keys by without a search from every position.
func TestPrivacyPatterns(t *testing.T) {
	var config struct {
		Processors struct {
			Redaction struct {
				IgnoredKeys        []string `yaml:"ignored_keys"`
				BlockedKeyPatterns []string `yaml:"blocked_key_patterns"`
			} `yaml:"redaction/contents"`
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(file(t, "deploy/privacy/otelcol.yaml")), &config))
	redaction := config.Processors.Redaction
	require.Greater(t, len(redaction.BlockedKeyPatterns), 50)
	for _, pattern := range redaction.BlockedKeyPatterns {
		compiled, err := regexp.Compile(pattern)
		require.NoError(t, err)
		literal, _ := compiled.LiteralPrefix()
		assert.True(t, literal != "" || strings.HasPrefix(pattern, "^"), "%s begins with neither ^ nor a literal", pattern)
	}
	known := map[string]bool{}
	for _, key := range redaction.IgnoredKeys {
		assert.False(t, known[key], "%s is there twice", key)
		known[key] = true
	}
	vocabulary := vocabularyRow.FindAllStringSubmatch(file(t, "docs/vocabulary.md"), -1)
	require.Greater(t, len(vocabulary), 70)
	for _, row := range vocabulary {
		assert.True(t, known[row[1]], "ignored_keys lacks %s", row[1])
	}
}
