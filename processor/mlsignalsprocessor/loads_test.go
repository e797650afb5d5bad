package mlsignalsprocessor

import (
	"strings"
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

// What a dialect sets of a cold start is a cold start too.
func TestDisabledColdStartsDeriveNothingOfThem(t *testing.T) {
	cfg := defaultConfig()
	cfg.Signals.ColdStart.Enabled = false
	cfg.CustomDialects = []dialect.Dialect{{Name: "house", Rules: []dialect.Rule{{
		Name: "swap", Match: dialect.Match{SpanNames: []string{"swap"}}, Signals: []string{"cold_start"},
		Set: []dialect.Set{{To: vocab.ColdStartDuration, Source: dialect.Source{SpanDuration: true}}},
		Join: &dialect.Join{Relation: dialect.Parent, Match: dialect.Match{SpanNames: []string{"fetch"}},
			Set: []dialect.Set{{To: vocab.ColdStartComponent, Source: dialect.Source{Value: "weights"}}}},
	}}}}
	p := newTestProcessor(t, cfg)
	function := map[string]any{"service.name": "embed", "faas.name": "embed", "faas.instance": "1"}
	td := traces(t, function,
		testSpan{name: "embed", attrs: map[string]any{"faas.coldstart": true}, duration: time.Second},
		testSpan{name: "tokenizer_init", duration: time.Second},
		testSpan{name: "fetch", id: 1}, testSpan{name: "swap", id: 2, duration: time.Second})
	spansOf(td)[3].SetParentSpanID(spansOf(td)[2].SpanID())
	for _, span := range spansOf(process(t, p, td)) {
		for key := range span.Attributes().All() {
			assert.False(t, key == vocab.SignalColdStart || strings.HasPrefix(key, "ml.cold_start."), "%s: %s", span.Name(), key)
		}
	}
	sent := map[string]any{"faas.coldstart": true, vocab.ColdStartComponent: "mine"}
	assert.Empty(t, derived(t, p, function, testSpan{name: "embed", attrs: sent}), "what the service says stays")
	assert.EqualValues(t, 1, p.joins.Stats().Hits)
}
