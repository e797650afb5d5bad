package mlsignalsprocessor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
)

// A task of an orchestrator that is named load_features loads no component:
// only where no built-in dialect describes the span does its name tell a load.
func TestNamesTellLoadsOnlyWhereNoDialectDescribesTheSpan(t *testing.T) {
	cfg := defaultConfig()
	cfg.CustomDialects = []dialect.Dialect{{Name: "house", Rules: []dialect.Rule{{
		Name: "scorer", Match: dialect.Match{Attributes: map[string]any{"house.scorer": "*"}}, Stage: vocab.StageInference,
	}}}}
	for _, tc := range []struct {
		name     string
		resource map[string]any
		attrs    map[string]any
		cold     bool
	}{
		{"airflow task", map[string]any{"service.name": "Airflow"}, map[string]any{"airflow.task.task_id": "load_features", "airflow.task.try_number": 1}, false},
		{"airflow task of a pipeline", pipeline, map[string]any{"airflow.task.task_id": "load_features", "airflow.task.try_number": 1}, false},
		{"span of the vocabulary", map[string]any{"service.name": "s"}, map[string]any{"ml.features.cache_hits": 1}, true},
		{"span of a pipeline", pipeline, nil, true},
		{"span of the user's dialect", map[string]any{"service.name": "s"}, map[string]any{"house.scorer": "a"}, true},
		{"anybody's span", map[string]any{"service.name": "s"}, nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newTestProcessor(t, cfg)
			out := derived(t, p, tc.resource, testSpan{name: "load_features", attrs: tc.attrs, duration: time.Second})
			assert.Equal(t, tc.cold, out[vocab.SignalColdStart] == true, "%v", out)
		})
	}
}
