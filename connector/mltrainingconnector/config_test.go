package mltrainingconnector

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/confmap"
)

func TestConfigErrors(t *testing.T) {
	for name, test := range map[string]struct {
		settings map[string]any
		says     string
	}{
		"complete":              {map[string]any{"to": []any{"traces/training"}}, ""},
		"no pipeline":           {map[string]any{}, "to: is empty"},
		"a pipeline of metrics": {map[string]any{"to": []any{"metrics/x"}}, `to: "metrics/x" is not a pipeline of traces`},
		"no expression":         {map[string]any{"to": []any{"traces/training"}, "pipeline_name": "("}, `pipeline_name: "(" is not a regular expression`},
		"no memory":             {map[string]any{"to": []any{"traces/training"}, "traces": 0}, "traces: 0 is too few"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := createDefaultConfig().(*Config)
			assert.NoError(t, confmap.NewFromStringMap(test.settings).Unmarshal(cfg))
			err := cfg.Validate()
			if test.says == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, test.says)
			}
		})
	}
}

func TestDefaultPipelineName(t *testing.T) {
	expression := regexp.MustCompile(defaultPipelineName)
	for name, trains := range map[string]bool{
		"training": true, "churn-training": true, "train_ranker": true, "Retraining.daily": true, "ranker/train/eu": true,
		"nightly retrain": true, "TRAIN": true,
		"recommendation": false, "constraint-solver": false, "trains-timetable": false, "pretrained-ranker": false, "": false,
	} {
		assert.Equal(t, trains, expression.MatchString(name), name)
	}
}
