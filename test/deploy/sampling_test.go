package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// TestPolicies checks that otelcol.yaml keeps the traces of every signal and passes
// those of every stage of training on, and that docs/sampling.md lists its policies.
func TestPolicies(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "otelcol.yaml"))
	require.NoError(t, err)
	var config struct {
		Processors struct {
			MLTailSampling struct {
				Policies []struct {
					Name    string
					Boolean struct {
						Key   string
						Value bool
					} `yaml:"boolean_attribute"`
				}
				PassOn struct {
					Any []struct {
						Attribute string
						Values    []string
					}
				} `yaml:"pass_on"`
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &config))

	kept := map[string]bool{}
	sampling := read(t, "docs/sampling.md").prose
	for _, policy := range config.Processors.MLTailSampling.Policies {
		assert.Contains(t, sampling, "| `"+policy.Name+"` |")
		if policy.Boolean.Value {
			kept[policy.Boolean.Key] = true
		}
	}
	for _, condition := range config.Processors.MLTailSampling.PassOn.Any {
		if condition.Attribute == "ml.stage" {
			for _, stage := range condition.Values {
				kept[stage] = true
			}
		}
	}

	vocabulary := read(t, "docs/vocabulary.md").prose // its tables are those of the code
	signals := regexp.MustCompile("`(ml\\.signal\\.\\w+)`").FindAllStringSubmatch(vocabulary, -1)
	require.NotEmpty(t, signals)
	for _, signal := range signals {
		assert.True(t, kept[signal[1]], "no policy keeps %s", signal[1])
	}
	stages := regexp.MustCompile("`post_processing`, (`data_ingestion`.*)\\.").FindStringSubmatch(vocabulary)
	require.NotNil(t, stages)
	for _, stage := range regexp.MustCompile(`\w+`).FindAllString(stages[1], -1) {
		assert.True(t, kept[stage], "nothing passes the stage %s on", stage)
	}
}
