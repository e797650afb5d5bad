package rules

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/join"
)

const start = pcommon.Timestamp(1_700_000_000_000_000_000)

func parse(t *testing.T, yaml string) *dialect.Dialect {
	t.Helper()
	d, err := dialect.Parse("test.yaml", []byte(yaml))
	require.NoError(t, err)
	return d
}

func compile(t *testing.T, custom int, yamls ...string) *Compiled {
	t.Helper()
	var all []*dialect.Dialect
	for _, y := range yamls {
		all = append(all, parse(t, y))
	}
	return Compile(all, Options{Custom: custom})
}

// newSpan returns a span of 2 s.
func newSpan(t *testing.T, name string, attrs map[string]any) ptrace.Span {
	t.Helper()
	span := ptrace.NewSpan()
	span.SetName(name)
	span.SetTraceID(pcommon.TraceID{1})
	span.SetSpanID(pcommon.SpanID{1})
	span.SetStartTimestamp(start)
	span.SetEndTimestamp(start + pcommon.Timestamp(2*time.Second))
	require.NoError(t, span.Attributes().FromRaw(attrs))
	return span
}

// apply returns what the rules add to a span, and the outcome.
func apply(t *testing.T, s *Compiled, span ptrace.Span) (map[string]any, *Outcome, *Scratch) {
	t.Helper()
	sc, out := s.NewScratch(), &Outcome{}
	s.Resource(pcommon.NewMap(), sc)
	s.Scope("", sc)
	s.Apply(span, sc, out)
	had := span.Attributes().AsRaw()
	sc.Write(span.Attributes())
	adds := span.Attributes().AsRaw()
	for key := range had {
		delete(adds, key)
	}
	return adds, out, sc
}

const reader = `
name: reader
rules:
  - name: r
    match: {span_names: [x]}
    set:
`

func TestSources(t *testing.T) {
	for name, tc := range map[string]struct {
		set   string
		attrs map[string]any
		adds  any // the value of the one attribute added, nil for none
		bad   []string
	}{
		"seconds":             {"{to: ml.inference.queue_wait_ms, attribute: q, units: [s]}", map[string]any{"q": 0.0123}, 12.3, nil},
		"microseconds":        {"{to: ml.inference.queue_wait_ms, attribute: q, units: [us]}", map[string]any{"q": int64(1500)}, 1.5, nil},
		"nanoseconds":         {"{to: ml.inference.queue_wait_ms, attribute: q, units: [ns]}", map[string]any{"q": int64(12_300_000)}, 12.3, nil},
		"a number as text":    {"{to: ml.inference.time_to_first_token_ms, attribute: q, units: [ms]}", map[string]any{"q": "142.31"}, 142.31, nil},
		"Rust, milliseconds":  {"{to: ml.inference.queue_wait_ms, attribute: q, units: [duration]}", map[string]any{"q": "1.234567ms"}, 1.234567, nil},
		"Rust, microseconds":  {"{to: ml.inference.queue_wait_ms, attribute: q, units: [duration]}", map[string]any{"q": "45.678µs"}, 0.045678, nil},
		"Rust, nanoseconds":   {"{to: ml.inference.queue_wait_ms, attribute: q, units: [duration]}", map[string]any{"q": "812ns"}, 0.000812, nil},
		"Rust, seconds":       {"{to: ml.inference.queue_wait_ms, attribute: q, units: [duration]}", map[string]any{"q": "1.233456s"}, 1233.456, nil},
		"no duration":         {"{to: ml.inference.queue_wait_ms, attribute: q, units: [duration]}", map[string]any{"q": "soon"}, nil, []string{"q"}},
		"negative duration":   {"{to: ml.inference.queue_wait_ms, attribute: q, units: [duration]}", map[string]any{"q": "-1ms"}, nil, []string{"q"}},
		"duration as number":  {"{to: ml.inference.queue_wait_ms, attribute: q, units: [duration]}", map[string]any{"q": 5.0}, nil, []string{"q"}},
		"seconds that fit":    {"{to: ml.inference.queue_wait_ms, attribute: q, units: [s, ns]}", map[string]any{"q": 1.9}, 1900.0, nil},
		"just over the span":  {"{to: ml.inference.queue_wait_ms, attribute: q, units: [s, ns]}", map[string]any{"q": 2.05}, 2050.0, nil},
		"only ns fits":        {"{to: ml.inference.queue_wait_ms, attribute: q, units: [s, ns]}", map[string]any{"q": int64(1_900_000_000)}, 1900.0, nil},
		"few ns":              {"{to: ml.inference.queue_wait_ms, attribute: q, units: [s, ns]}", map[string]any{"q": int64(1500)}, 0.0015, nil},
		"no unit fits":        {"{to: ml.inference.queue_wait_ms, attribute: q, units: [s, ns]}", map[string]any{"q": int64(9e18)}, nil, []string{"q"}},
		"unknown":             {"{to: ml.inference.queue_wait_ms, attribute: q, units: [s], unknown: [-1]}", map[string]any{"q": int64(-1)}, nil, nil},
		"negative":            {"{to: ml.inference.queue_wait_ms, attribute: q, units: [s]}", map[string]any{"q": -0.5}, nil, []string{"q"}},
		"count without unit":  {"{to: ml.post_processing.validation_attempts, attribute: q, plus: 1}", map[string]any{"q": int64(2)}, int64(3), nil},
		"unknown count":       {"{to: ml.output.tokens, attribute: q, unknown: [-1]}", map[string]any{"q": int64(-1)}, nil, nil},
		"fraction of a count": {"{to: ml.output.tokens, attribute: q}", map[string]any{"q": 1.5}, nil, []string{"q"}},
		"difference":          {"{to: ml.inference.forward_pass_ms, attribute: e, minus: q, units: [s]}", map[string]any{"e": 0.9, "q": 0.4}, 500.0, nil},
		"difference below 0":  {"{to: ml.inference.forward_pass_ms, attribute: e, minus: q, units: [s]}", map[string]any{"e": 0.4, "q": 0.9}, nil, []string{"e"}},
		"difference and more": {"{to: ml.post_processing.validation_attempts, attribute: e, minus: q, plus: 1}", map[string]any{"e": int64(5), "q": int64(3)}, int64(3), nil},
		"nothing to subtract": {"{to: ml.inference.forward_pass_ms, attribute: e, minus: q, units: [s]}", map[string]any{"e": 0.9}, nil, nil},
		"span duration":       {"{to: ml.inference.forward_pass_ms, span_duration: true}", nil, 2000.0, nil},
		"gap":                 {"{to: ml.inference.queue_wait_ms, gap: [start, event.begin]}", nil, 250.0, nil},
		"gap to the end":      {"{to: ml.inference.forward_pass_ms, gap: [event.begin, end]}", nil, 1750.0, nil},
		"gap to nowhere":      {"{to: ml.inference.queue_wait_ms, gap: [start, event.none]}", nil, nil, nil},
		"backward gap":        {"{to: ml.inference.queue_wait_ms, gap: [event.begin, start]}", nil, nil, nil},
		"events":              {"{to: ml.post_processing.validation_attempts, count_events: begin, plus: 1}", nil, int64(3), nil},
		"no events":           {"{to: ml.post_processing.validation_attempts, count_events: none, plus: 1}", nil, nil, nil},
		"of the first event":  {"{to: ml.batch.size, event: begin, attribute: n}", nil, int64(7), nil},
		"text":                {"{to: ml.model.name, attribute: q}", map[string]any{"q": "llama"}, "llama", nil},
		"number as text":      {"{to: ml.model.version, attribute: q}", map[string]any{"q": int64(3)}, "3", nil},
		"empty text":          {"{to: ml.model.name, attribute: q}", map[string]any{"q": ""}, nil, nil},
		"bool":                {"{to: ml.output.valid, attribute: q}", map[string]any{"q": "true"}, true, nil},
		"no bool":             {"{to: ml.output.valid, attribute: q}", map[string]any{"q": "pass"}, nil, []string{"q"}},
		"constant":            {"{to: ml.output.valid, value: false}", nil, false, nil},
		"constant number":     {"{to: ml.batch.size, value: 1}", nil, int64(1), nil},
		"absent":              {"{to: ml.inference.queue_wait_ms, attribute: q, units: [s]}", nil, nil, nil},
		"out of range":        {"{to: ml.features.cache_hit_rate, attribute: q}", map[string]any{"q": 85.0}, nil, []string{"q"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := compile(t, 0, reader+"      - "+tc.set)
			span := newSpan(t, "x", tc.attrs)
			for i := range 2 {
				e := span.Events().AppendEmpty()
				e.SetName("begin")
				e.SetTimestamp(start + pcommon.Timestamp((250+time.Duration(i))*time.Millisecond))
				e.Attributes().PutInt("n", int64(7+i))
			}
			adds, _, sc := apply(t, s, span)
			if tc.adds == nil {
				assert.Empty(t, adds)
			} else {
				require.Len(t, adds, 1)
				for _, v := range adds {
					if f, ok := tc.adds.(float64); ok {
						assert.InDelta(t, f, v, 1e-9)
					} else {
						assert.Equal(t, tc.adds, v)
					}
				}
			}
			assert.ElementsMatch(t, tc.bad, sc.BadSources)
		})
	}
}

func TestTheFirstEntryThatFindsAValueIsUsed(t *testing.T) {
	s := compile(t, 0, reader+`
      - {to: ml.model.name, attribute: new}
      - {to: ml.model.name, attribute: old}
`)
	adds, _, _ := apply(t, s, newSpan(t, "x", map[string]any{"new": "n", "old": "o"}))
	assert.Equal(t, "n", adds["ml.model.name"])
	adds, _, _ = apply(t, s, newSpan(t, "x", map[string]any{"old": "o"}))
	assert.Equal(t, "o", adds["ml.model.name"])
	adds, _, _ = apply(t, s, newSpan(t, "x", map[string]any{"ml.model.name": "own", "new": "n"}))
	assert.Empty(t, adds)
}

func TestConditions(t *testing.T) {
	s := compile(t, 0, `
name: d
rules:
  - name: all of them
    match:
      span_names: [x, "y*"]
      scopes: ["lib*"]
      kinds: [server, client]
      attributes: {mode: [a, b], size: {min: 2}}
      any_attribute: [p, q]
      any_of: {old: [1, 2], new: {max: 5}}
      resource_attributes: {service.name: serve}
      events: [done]
    stage: inference
`)
	whole := func() (ptrace.Span, map[string]any, string) {
		span := newSpan(t, "yes", map[string]any{"mode": "b", "size": int64(2), "q": "here", "new": int64(3)})
		span.SetKind(ptrace.SpanKindClient)
		span.Events().AppendEmpty().SetName("done")
		return span, map[string]any{"service.name": "serve"}, "library"
	}
	applies := func(span ptrace.Span, resource map[string]any, scope string) bool {
		attrs := pcommon.NewMap()
		require.NoError(t, attrs.FromRaw(resource))
		sc, out := s.NewScratch(), &Outcome{}
		s.Resource(attrs, sc)
		s.Scope(scope, sc)
		s.Apply(span, sc, out)
		return out.Dialect == 0
	}
	assert.True(t, applies(whole()))
	span, resource, scope := whole()
	span.Attributes().Remove("new")
	span.Attributes().PutInt("old", 1)
	assert.True(t, applies(span, resource, scope), "the other one of any_of")
	for name, spoil := range map[string]func(ptrace.Span, map[string]any, *string){
		"name":            func(s ptrace.Span, _ map[string]any, _ *string) { s.SetName("z") },
		"scope":           func(_ ptrace.Span, _ map[string]any, scope *string) { *scope = "other" },
		"kind":            func(s ptrace.Span, _ map[string]any, _ *string) { s.SetKind(ptrace.SpanKindInternal) },
		"value":           func(s ptrace.Span, _ map[string]any, _ *string) { s.Attributes().PutStr("mode", "c") },
		"range":           func(s ptrace.Span, _ map[string]any, _ *string) { s.Attributes().PutInt("size", 1) },
		"any of":          func(s ptrace.Span, _ map[string]any, _ *string) { s.Attributes().PutInt("new", 6) },
		"any attribute":   func(s ptrace.Span, _ map[string]any, _ *string) { s.Attributes().Remove("q") },
		"resource":        func(_ ptrace.Span, r map[string]any, _ *string) { r["service.name"] = "else" },
		"no resource":     func(_ ptrace.Span, r map[string]any, _ *string) { delete(r, "service.name") },
		"event":           func(s ptrace.Span, _ map[string]any, _ *string) { s.Events().At(0).SetName("begun") },
		"kind of no sort": func(s ptrace.Span, _ map[string]any, _ *string) { s.SetKind(99) },
		"negative kind":   func(s ptrace.Span, _ map[string]any, _ *string) { s.SetKind(-1) },
	} {
		t.Run(name, func(t *testing.T) {
			span, resource, scope := whole()
			spoil(span, resource, &scope)
			assert.False(t, applies(span, resource, scope))
		})
	}
}

// A scope alone, or a resource alone, can trigger a rule.
func TestRulesOfWholeScopesAndResources(t *testing.T) {
	s := compile(t, 0, `
name: d
rules:
  - {name: scope, match: {scopes: [lib]}, stage: inference}
  - {name: resource, match: {resource_attributes: {role: train}}, stage: training}
`)
	sc, out := s.NewScratch(), &Outcome{}
	stage := func(resource map[string]any, scope string) string {
		attrs := pcommon.NewMap()
		require.NoError(t, attrs.FromRaw(resource))
		s.Resource(attrs, sc)
		s.Scope(scope, sc)
		span := newSpan(t, "x", nil)
		s.Apply(span, sc, out)
		sc.Write(span.Attributes())
		v, _ := span.Attributes().AsRaw()["ml.stage"].(string)
		return v
	}
	assert.Equal(t, "inference", stage(nil, "lib"))
	assert.Equal(t, "training", stage(map[string]any{"role": "train"}, ""))
	assert.Empty(t, stage(map[string]any{"role": "serve"}, "other"), "nothing of the scope before stays")
}

func TestTheMoreSpecificRuleWins(t *testing.T) {
	rule := func(dialect, match, model string) string {
		return "name: " + dialect + "\nrules: [{name: r, match: " + match + ", set: [{to: ml.model.name, value: " + model + "}]}]"
	}
	for name, tc := range map[string]struct {
		dialects []string
		custom   int
		wins     string
	}{
		"whole name over a part":           {[]string{rule("a", `{span_names: ["x*"]}`, "part"), rule("b", "{span_names: [xyz]}", "whole")}, 0, "whole"},
		"more conditions over fewer":       {[]string{rule("a", "{span_names: [xyz]}", "name"), rule("b", "{span_names: [xyz], attributes: {k: \"*\"}}", "both")}, 0, "both"},
		"a value over any value":           {[]string{rule("a", `{attributes: {k: "*"}}`, "any"), rule("b", "{attributes: {k: v}}", "value")}, 0, "value"},
		"the user's over a built-in":       {[]string{rule("a", "{span_names: [xyz]}", "builtin"), rule("z", "{span_names: [xyz]}", "custom")}, 1, "custom"},
		"but not over a more specific one": {[]string{rule("a", "{span_names: [xyz], attributes: {k: v}}", "builtin"), rule("z", "{span_names: [xyz]}", "custom")}, 1, "builtin"},
		"the earlier of two built-ins":     {[]string{rule("a", "{span_names: [xyz]}", "first"), rule("b", "{span_names: [xyz]}", "second")}, 0, "first"},
	} {
		t.Run(name, func(t *testing.T) {
			s := compile(t, tc.custom, tc.dialects...)
			adds, out, _ := apply(t, s, newSpan(t, "xyz", map[string]any{"k": "v"}))
			assert.Equal(t, tc.wins, adds["ml.model.name"])
			assert.NotEqual(t, None, out.Dialect)
		})
	}
}

func TestLessSpecificRulesFillTheRest(t *testing.T) {
	s := compile(t, 0, `
name: d
rules:
  - {name: general, match: {span_names: ["x*"]}, stage: request, set: [{to: ml.client.id, attribute: who}]}
  - {name: special, match: {span_names: [xyz]}, stage: inference}
`)
	adds, _, _ := apply(t, s, newSpan(t, "xyz", map[string]any{"who": "me"}))
	assert.Equal(t, map[string]any{"ml.stage": "inference", "ml.client.id": "me"}, adds)
}

func TestStageFromNames(t *testing.T) {
	s := compile(t, 0, `
name: d
rules:
  - name: task
    match: {attributes: {task: "*"}}
    stage_from: {attribute: task, words: {bake: training}}
`)
	for task, stage := range map[string]any{
		"train_model": "training", "Train-Model": "training", "ingest": "data_ingestion", "train_features": "feature_engineering",
		"bake": "training", "restrain": nil, "": nil, "cleanup": nil, "deploy.canary2": "deployment", "model_registry": "model_registration",
	} {
		adds, _, _ := apply(t, s, newSpan(t, "x", map[string]any{"task": task}))
		assert.Equal(t, stage, adds["ml.stage"], task)
	}
}

func TestColdStartOfARule(t *testing.T) {
	s := compile(t, 0, `
name: d
rules:
  - {name: named, match: {span_names: [load]}, cold_start: {component_from: model, duration: {attribute: took, units: [s]}}}
  - {name: fixed, match: {span_names: [warm]}, cold_start: {component: engine}}
`)
	_, out, _ := apply(t, s, newSpan(t, "load", map[string]any{"model": "llama", "took": 1.5}))
	assert.Equal(t, []any{true, "llama", 1500.0}, []any{out.Cold, out.Component, out.ColdMS})
	_, out, _ = apply(t, s, newSpan(t, "load", nil))
	assert.Equal(t, []any{true, "load", 2000.0}, []any{out.Cold, out.Component, out.ColdMS}, "without its attributes: the span itself")
	_, out, _ = apply(t, s, newSpan(t, "warm", nil))
	assert.Equal(t, []any{true, "engine", 2000.0}, []any{out.Cold, out.Component, out.ColdMS})
}

func TestJoinMarksTheLaterSpanInEitherOrder(t *testing.T) {
	s := compile(t, 0, `
name: d
rules:
  - name: compute
    match: {span_names: [compute]}
    set: [{to: ml.inference.forward_pass_ms, span_duration: true}]
    join:
      relation: parent
      match: {span_names: [model]}
      set: [{to: ml.inference.queue_wait_ms, gap: [other.event.queued, start]}]
`)
	parent := newSpan(t, "model", nil)
	parent.SetSpanID(pcommon.SpanID{7})
	e := parent.Events().AppendEmpty()
	e.SetName("queued")
	e.SetTimestamp(start + 100)
	child := newSpan(t, "compute", nil)
	child.SetParentSpanID(pcommon.SpanID{7})
	child.SetStartTimestamp(start + pcommon.Timestamp(40*time.Millisecond) + 100)

	for name, order := range map[string][]ptrace.Span{"parent first": {parent, child}, "child first": {child, parent}} {
		t.Run(name, func(t *testing.T) {
			table := join.NewTables(16, 100, time.Minute)
			var waits []any
			for _, span := range order {
				// A scratch of its own for each span: they come in different batches.
				sc, out := s.NewScratch(), &Outcome{}
				s.Resource(pcommon.NewMap(), sc)
				s.Apply(span, sc, out)
				s.Join(span, sc, out, table, time.Unix(0, 0))
				copied := ptrace.NewSpan()
				span.CopyTo(copied)
				sc.Write(copied.Attributes())
				waits = append(waits, copied.Attributes().AsRaw()["ml.inference.queue_wait_ms"])
			}
			assert.Equal(t, []any{nil, 40.0}, waits, "once, on the later one")
			assert.EqualValues(t, 1, table.Stats(time.Unix(0, 0)).Hits)
		})
	}
}

func TestSiblingsInOrder(t *testing.T) {
	s := compile(t, 0, `
name: d
rules:
  - name: database
    match: {span_names: [db]}
    join:
      relation: sibling
      after: true
      match: {span_names: [cache]}
      set:
        - {to: ml.features.db_lookup_ms, gap: [start, end]}
        - {to: ml.features.cache_lookup_ms, gap: [other.start, other.end]}
`)
	sibling := func(name string, from, to time.Duration) ptrace.Span {
		span := newSpan(t, name, nil)
		span.SetSpanID(pcommon.SpanID{name[0]})
		span.SetParentSpanID(pcommon.SpanID{7})
		span.SetStartTimestamp(start + pcommon.Timestamp(from*time.Millisecond))
		span.SetEndTimestamp(start + pcommon.Timestamp(to*time.Millisecond))
		return span
	}
	later := func(spans ...ptrace.Span) map[string]any {
		table := join.NewTables(16, 100, time.Minute)
		sc, out := s.NewScratch(), &Outcome{}
		s.Resource(pcommon.NewMap(), sc)
		for _, span := range spans {
			s.Apply(span, sc, out)
			s.Join(span, sc, out, table, time.Unix(0, 0))
			sc.Write(span.Attributes())
		}
		return spans[len(spans)-1].Attributes().AsRaw()
	}
	both := map[string]any{"ml.features.db_lookup_ms": 80.0, "ml.features.cache_lookup_ms": 10.0}
	assert.Equal(t, both, later(sibling("cache", 0, 10), sibling("db", 10, 90)))
	assert.Equal(t, both, later(sibling("db", 10, 90), sibling("cache", 0, 10)), "in the other order of arrival")
	assert.Empty(t, later(sibling("cache", 0, 10), sibling("db", 9, 90)), "at the same time")
	assert.Empty(t, later(sibling("cache", 50, 60), sibling("db", 0, 40)), "the database first")
	other := sibling("db", 10, 90)
	other.SetParentSpanID(pcommon.SpanID{8})
	assert.Empty(t, later(sibling("cache", 0, 10), other), "of another parent")
	orphan := sibling("db", 10, 90)
	orphan.SetParentSpanID(pcommon.SpanID{})
	root := sibling("cache", 0, 10)
	root.SetParentSpanID(pcommon.SpanID{})
	assert.Empty(t, later(root, orphan), "without a parent")
}

func TestStampsThatWrapAround(t *testing.T) {
	s := compile(t, 0, reader+"      - {to: ml.model.name, attribute: q}")
	sc, out := s.NewScratch(), &Outcome{}
	s.Resource(pcommon.NewMap(), sc)
	s.Apply(newSpan(t, "x", map[string]any{"q": "old"}), sc, out)
	sc.values[0].stamp = 1
	sc.stamp = ^uint32(0)
	span := newSpan(t, "x", nil)
	s.Apply(span, sc, out)
	sc.Write(span.Attributes())
	assert.Zero(t, span.Attributes().Len(), "the value of a span of long ago is not this one's")
}
