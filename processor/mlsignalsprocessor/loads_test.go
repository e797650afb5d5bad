package mlsignalsprocessor

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
)

// A task of an orchestrator that is named load_feature_scaler loads no component:
// only where no built-in dialect describes the span does its name mean a load.
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
		{"airflow task", map[string]any{"service.name": "Airflow"}, map[string]any{"airflow.task.task_id": "load_feature_scaler", "airflow.task.try_number": 1}, false},
		{"airflow task of a pipeline", pipeline, map[string]any{"airflow.task.task_id": "load_feature_scaler", "airflow.task.try_number": 1}, false},
		{"span of the vocabulary", map[string]any{"service.name": "s"}, map[string]any{"ml.features.cache_hits": 1}, true},
		{"span of a pipeline", pipeline, nil, true},
		{"span of the user's dialect", map[string]any{"service.name": "s"}, map[string]any{"house.scorer": "a"}, true},
		{"anybody's span", map[string]any{"service.name": "s"}, nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newTestProcessor(t, cfg)
			out := derived(t, p, tc.resource, testSpan{name: "load_feature_scaler", attrs: tc.attrs, duration: time.Second})
			assert.Equal(t, tc.cold, out[vocab.SignalColdStart] == true, "%v", out)
		})
	}
}

// aLoad is a span that loads something, and its resource.
type aLoad struct {
	resource map[string]any
	span     testSpan
	scope    string
	kind     ptrace.SpanKind
}

// reloads returns ml.cold_start.reload of loads that follow one another; nil where it is left out.
func reloads(t *testing.T, p *signalsProcessor, loads ...aLoad) []any {
	t.Helper()
	var all []any
	for i, l := range loads {
		l.span.start, l.span.id = time.Duration(i)*time.Minute, byte(i+1)
		l.span.duration = 2 * time.Second
		td := traces(t, l.resource, l.span)
		scope := td.ResourceSpans().At(0).ScopeSpans().At(0)
		scope.Scope().SetName(l.scope)
		scope.Spans().At(0).SetKind(l.kind)
		out := spansOf(process(t, p, td))[0].Attributes().AsRaw()
		require.Equal(t, true, out[vocab.SignalColdStart], "%d: no load: %v", i, out)
		all = append(all, out[vocab.ColdStartReload])
	}
	return all
}

// One name may stand for different things, and one resource for different
// processes. A load is then not called a reload.
func TestReloadIsToldOnlyWhereTheSameIsKnownToBeLoadedAgain(t *testing.T) {
	pod := map[string]any{"service.name": "s", "ml.pipeline.name": "p", "k8s.pod.name": "s-6d5c9b7c9-x2x4q"}
	with := func(more map[string]any) map[string]any {
		resource := maps.Clone(pod)
		maps.Copy(resource, more)
		return resource
	}
	named := map[string]any{"service.name": "s", "ml.pipeline.name": "p"}
	tokenizer := testSpan{name: "tokenizer_init"}
	model := func(name, version string) testSpan {
		return testSpan{name: "load_model", attrs: map[string]any{vocab.ModelName: name, vocab.ModelVersion: version}}
	}
	seldon := aLoad{resource: pod, kind: ptrace.SpanKindClient, span: testSpan{name: "inference.GRPCInferenceService/RepositoryModelLoad"}}
	activator := aLoad{resource: pod, span: testSpan{name: "throttler_try"}}
	worker := func(resource map[string]any) aLoad {
		return aLoad{resource: resource, scope: "vllm.worker", span: testSpan{name: "Loading (GPU)"}}
	}
	actor := func(resource map[string]any, attrs map[string]any) aLoad {
		all := map[string]any{"ray.remote": "actor", "ray.actor_class": "Scorer"}
		maps.Copy(all, attrs)
		return aLoad{resource: resource, span: testSpan{name: "Scorer.__init__ ray.remote_worker", attrs: all}}
	}

	for name, tc := range map[string]struct {
		loads []aLoad
		want  []any
	}{
		"a pod loads again":   {[]aLoad{{resource: pod, span: tokenizer}, {resource: pod, span: tokenizer}}, []any{false, true}},
		"nothing but a name":  {[]aLoad{{resource: named, span: tokenizer}, {resource: named, span: tokenizer}}, []any{nil, nil}},
		"no resource at all":  {[]aLoad{{span: tokenizer}, {span: tokenizer}}, []any{nil, nil}},
		"an empty instance":   {[]aLoad{{resource: map[string]any{"service.instance.id": ""}, span: tokenizer}}, []any{nil}},
		"process IDs, no pod": {[]aLoad{{resource: map[string]any{"service.name": "s", "process.pid": 7}, span: tokenizer}}, []any{nil}},
		"models A, B, A, A2": {[]aLoad{{resource: pod, span: model("A", "1")}, {resource: pod, span: model("B", "1")},
			{resource: pod, span: model("A", "1")}, {resource: pod, span: model("A", "2")}}, []any{false, false, true, false}},
		"Seldon's models have no name": {[]aLoad{seldon, seldon}, []any{nil, nil}},
		"the activator's services":     {[]aLoad{activator, activator}, []any{nil, nil}},
		"vLLM in two pods":             {[]aLoad{worker(with(map[string]any{"vllm.process_id": "77"})), worker(with(map[string]any{"vllm.process_id": "77", "k8s.pod.name": "s-6d5c9b7c9-b7k2p"}))}, []any{false, false}},
		"two workers of vLLM":          {[]aLoad{worker(with(map[string]any{"vllm.process_id": "77"})), worker(with(map[string]any{"vllm.process_id": "78"})), worker(with(map[string]any{"vllm.process_id": "78"}))}, []any{false, false, true}},
		"vLLM, process IDs alone":      {[]aLoad{worker(map[string]any{"service.name": "s", "vllm.process_id": "77"}), worker(map[string]any{"service.name": "s", "vllm.process_id": "77"})}, []any{nil, nil}},
		"two actors of Ray":            {[]aLoad{actor(named, map[string]any{"ray.worker_id": "a1"}), actor(named, map[string]any{"ray.worker_id": "a2"}), actor(named, map[string]any{"ray.worker_id": "a2"})}, []any{false, false, true}},
		"another version of Ray":       {[]aLoad{actor(named, map[string]any{"ray._private.worker_id": "a1"}), actor(named, map[string]any{"ray._private.worker_id": "a2"})}, []any{false, false}},
		"an actor on two workers":      {[]aLoad{actor(named, map[string]any{"ray.worker_id": "a1", "ray.actor_id": "d1"}), actor(named, map[string]any{"ray.worker_id": "a2", "ray.actor_id": "d1"})}, []any{false, false}},
		"actors without an ID":         {[]aLoad{actor(named, nil), actor(named, nil)}, []any{nil, nil}},
		"actors of a pod":              {[]aLoad{actor(pod, nil), actor(pod, nil)}, []any{nil, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, reloads(t, newTestProcessor(t, defaultConfig()), tc.loads...))
		})
	}
}

func TestALoadBelowTheMinimumIsNotRemembered(t *testing.T) {
	p := newTestProcessor(t, defaultConfig())
	resource := map[string]any{"service.instance.id": "a"}
	cached := testSpan{name: "tokenizer_init", duration: 9 * time.Millisecond, id: 9}
	assert.NotContains(t, derived(t, p, resource, cached), vocab.SignalColdStart)
	assert.Zero(t, p.memory.Len())
	tokenizer := aLoad{resource: resource, span: testSpan{name: "tokenizer_init"}}
	assert.Equal(t, []any{false, true}, reloads(t, p, tokenizer, tokenizer))
}

// What a dialect sets of a cold start is a cold start too.
func TestDisabledColdStartsDeriveNothingOfThem(t *testing.T) {
	cfg := defaultConfig()
	cfg.Signals.ColdStart.Enabled = false
	cfg.CustomDialects = []dialect.Dialect{{Name: "house", Rules: []dialect.Rule{{
		Name: "swap", Match: dialect.Match{SpanNames: []string{"swap"}}, Signals: []string{"cold_start"},
		Set: []dialect.Assignment{{To: vocab.ColdStartDuration, Source: dialect.Source{SpanDuration: true}}},
		Join: &dialect.Join{Relation: dialect.Parent, Match: dialect.Match{SpanNames: []string{"fetch"}},
			Set: []dialect.Assignment{{To: vocab.ColdStartComponent, Source: dialect.Source{Value: "weights"}}}},
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
	assert.EqualValues(t, 1, p.joins.Stats(time.Now()).Hits)
}
