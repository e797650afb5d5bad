package mlsamplingextension

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

func TestDefaultsAreValid(t *testing.T) {
	assert.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
	assert.NoError(t, createDefaultConfig().(*Config).Validate())
}

func TestConfig(t *testing.T) {
	for _, test := range []struct {
		name     string
		settings map[string]any
		want     string // of the error
	}{
		{"all", map[string]any{
			"budget": 20, "class_budget": 2.5, "baseline_percentage": 0, "latency_threshold": "2s", "keep_all": []any{"revalidated", "error"}, "max_classes": 10}, ""},
		{"nothing is kept whole", map[string]any{"keep_all": []any{}, "latency_threshold": 0}, ""},
		{"budget", map[string]any{"budget": 0}, "budget: found 0, must be above 0 and at most 1000000: the traces per second to keep"},
		{"budget not a number", map[string]any{"budget": math.NaN()}, "budget: found NaN"},
		{"class_budget", map[string]any{"class_budget": -1}, "class_budget: found -1, must be from 0 to 1000000"},
		{"baseline_percentage", map[string]any{"baseline_percentage": 101}, "baseline_percentage: found 101, must be from 0 to 100"},
		{"latency_threshold", map[string]any{"latency_threshold": 800}, "latency_threshold: found 800ns, must be 0s or at least 1ms; write it with its unit, such as 800ms"},
		{"keep_all with a prefix", map[string]any{"keep_all": []any{"ml.signal.revalidated"}}, `keep_all[0]: found "ml.signal.revalidated", must be the name without its prefix: revalidated`},
		{"keep_all twice", map[string]any{"keep_all": []any{"error", "error"}}, `keep_all[1]: found "error" twice, must be unique; remove one`},
		{"keep_all of the rest", map[string]any{"keep_all": []any{"baseline"}}, `keep_all[0]: found "baseline", must be a signal`},
		{"keep_all empty", map[string]any{"keep_all": []any{" "}}, `keep_all[0]: found " ", must be the name of a signal`},
		{"max_classes", map[string]any{"max_classes": 0}, "max_classes: found 0, must be from 1 to 10000"},
		{"two at once", map[string]any{"budget": -1, "max_classes": -1}, "max_classes: found -1"},
		{"unknown", map[string]any{"budgets": 1}, "budgets"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := createDefaultConfig()
			err := confmap.NewFromStringMap(test.settings).Unmarshal(cfg)
			if err == nil {
				err = cfg.(*Config).Validate()
			}
			if test.want == "" {
				assert.NoError(t, err)
			} else {
				require.Error(t, err)
				assert.Contains(t, err.Error(), test.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	assert.Equal(t, math.Inf(1), cfg.limits().ClassBudget)
	cfg.ClassBudget = 5
	assert.Equal(t, 5.0, cfg.limits().ClassBudget)
	assert.Equal(t, 0.03, cfg.limits().BaselineShare)
	assert.Equal(t, 800*time.Millisecond, cfg.LatencyThreshold)
}

var settingMeanings = map[string]string{
	"budget":              "traces per second to keep in total",
	"class_budget":        "most traces per second to keep of one class; not set or 0: its share of the budget",
	"baseline_percentage": "largest share of traces without a signal to keep, in percent, 0 to 100",
	"latency_threshold":   "traces that take longer, from first start to last end, have the signal `slow`; 0: none",
	"keep_all":            "signals whose traces are always kept, outside the budget",
	"max_classes":         "number of classes with a rate of their own; further classes share one for each signal",
}

// TestReadme fails where the table of settings differs from the code. `go test -update` writes it.
func TestReadme(t *testing.T) {
	golden.EqualSchema(t, "config.schema.json", createDefaultConfig(), settingMeanings)
	golden.EqualSections(t, "README.md", map[string]string{
		"settings": golden.SettingsTable(t, createDefaultConfig(), settingMeanings),
	})
}
