package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// All that a match asks of an event must hold for one event.
func TestEventAttributes(t *testing.T) {
	s := compile(t, 0, `
name: d
rules:
  - name: r
    match: {events: [guard, check], event_attributes: {phase: after, action: [deny, stop], score: {min: 0.5}}}
    stage: post_processing
`)
	event := func(name, phase, action string, score float64) map[string]any {
		return map[string]any{"name": name, "phase": phase, "action": action, "score": score}
	}
	for _, tc := range []struct {
		name    string
		events  []map[string]any
		matches bool
	}{
		{"one", []map[string]any{event("guard", "after", "deny", 0.5)}, true},
		{"the other name", []map[string]any{event("check", "after", "stop", 1)}, true},
		{"the second of the name", []map[string]any{event("guard", "before", "deny", 1), event("guard", "after", "deny", 1)}, true},
		{"spread over two", []map[string]any{event("guard", "after", "allow", 1), event("guard", "before", "deny", 1)}, false},
		{"another name", []map[string]any{event("judge", "after", "deny", 1)}, false},
		{"too low", []map[string]any{event("guard", "after", "deny", 0.4)}, false},
		{"none", nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			span := newSpan(t, "x", nil)
			for _, e := range tc.events {
				added := span.Events().AppendEmpty()
				added.SetName(e["name"].(string))
				delete(e, "name")
				assert.NoError(t, added.Attributes().FromRaw(e))
			}
			adds, _, _ := apply(t, s, span)
			assert.Equal(t, tc.matches, adds["ml.stage"] == "post_processing")
		})
	}
}

func TestAnySpelling(t *testing.T) {
	s := compile(t, 0, "name: d\nrules: [{name: r, match: {any_spelling: [data-ingestion]}, stage: data_ingestion}]")
	for name, matches := range map[string]bool{
		"data-ingestion": true, "data_ingestion": true, "DataIngestion": true, "DATA INGESTION": true, "data.ingestion": true, "dataingestion": true,
		"data-ingestion-2": false, "ingestion": false, "data+ingestion": false, "": false, "-": false, "däta-ingestion": false,
		"data-ingestion" + string(make([]byte, 100)): false,
	} {
		adds, _, _ := apply(t, s, newSpan(t, name, nil))
		assert.Equal(t, matches, len(adds) > 0, "%q", name)
	}
}

// A rule that leaves spans alone holds back what is less specific, and nothing that is more.
func TestLeaveAlone(t *testing.T) {
	s := compile(t, 0, `
name: d
rules:
  - {name: all, match: {attributes: {op: chat}}, stage: inference}
  - {name: not prompts, match: {attributes: {op: chat, kind: prompt}}, leave_alone: true}
  - {name: but this, match: {attributes: {op: chat, kind: prompt, model: "*"}}, set: [{to: ml.model.name, attribute: model}]}
`)
	adds, _, _ := apply(t, s, newSpan(t, "x", map[string]any{"op": "chat"}))
	assert.Equal(t, map[string]any{"ml.stage": "inference"}, adds)
	adds, out, _ := apply(t, s, newSpan(t, "x", map[string]any{"op": "chat", "kind": "prompt"}))
	assert.Empty(t, adds)
	assert.Equal(t, 0, out.Dialect, "recognised")
	adds, _, _ = apply(t, s, newSpan(t, "x", map[string]any{"op": "chat", "kind": "prompt", "model": "m"}))
	assert.Equal(t, map[string]any{"ml.model.name": "m"}, adds)
}

// More texts, factors and timePoints that a source can read.
func TestReadings(t *testing.T) {
	at := time.Unix(0, int64(start)).Add(400 * time.Millisecond).UTC().Format(time.RFC3339Nano)
	for name, tc := range map[string]struct {
		set  string
		attr any
		adds any
	}{
		"member":                {`{to: ml.input.tokens, attribute: a, json: input}`, `{"input": 512}`, int64(512)},
		"nested member":         {`{to: ml.input.tokens, attribute: a, json: usage.input}`, `{"usage": {"input": 5}}`, int64(5)},
		"whole text":            {`{to: ml.model.name, attribute: a, json: .}`, `"m"`, "m"},
		"no member":             {`{to: ml.input.tokens, attribute: a, json: input}`, `{"output": 512}`, nil},
		"member of a list":      {`{to: ml.input.tokens, attribute: a, json: input}`, `[1]`, nil},
		"object for a number":   {`{to: ml.input.tokens, attribute: a, json: input}`, `{"input": {}}`, nil},
		"no JSON":               {`{to: ml.input.tokens, attribute: a, json: input}`, `{"input"`, nil},
		"longer than is read":   {`{to: ml.input.tokens, attribute: a, json: input}`, `{"x": "` + string(make([]byte, maxJSON)) + `", "input": 1}`, nil},
		"time of day":           {`{to: ml.inference.time_to_first_token_ms, gap: [start, attribute.a]}`, at, 400.0},
		"time of day in quotes": {`{to: ml.inference.time_to_first_token_ms, gap: [start, attribute.a]}`, `"` + at + `"`, 400.0},
		"no time of day":        {`{to: ml.inference.time_to_first_token_ms, gap: [start, attribute.a]}`, "noon", nil},
		"time of day before":    {`{to: ml.inference.time_to_first_token_ms, gap: [start, attribute.a]}`, "2001-01-01T00:00:00Z", nil},
		"number for a time":     {`{to: ml.inference.time_to_first_token_ms, gap: [start, attribute.a]}`, 5, nil},
		"stands for true":       {`{to: ml.output.valid, attribute: a, values: {passed: true, failed: false}}`, "passed", true},
		"stands for false":      {`{to: ml.output.valid, attribute: a, values: {passed: true, failed: false}}`, "failed", false},
		"stands for a number":   {`{to: ml.evaluation.assessment, attribute: a, json: ., values: {"yes": 1, "no": 0}}`, `"yes"`, 1.0},
		"is a number itself":    {`{to: ml.evaluation.assessment, attribute: a, json: ., values: {"yes": 1, "no": 0}}`, "0.4", 0.4},
		"stands for no number":  {`{to: ml.evaluation.assessment, attribute: a, json: ., values: {"yes": 1, "no": 0}}`, `"maybe"`, nil},
		"stands for nothing":    {`{to: ml.output.valid, attribute: a, values: {passed: true, failed: false}}`, "skipped", nil},
		"megabytes":             {`{to: ml.input.size_bytes, attribute: a, times: 1000000}`, 1.5, int64(1_500_000)},
		"no whole bytes":        {`{to: ml.input.size_bytes, attribute: a, times: 10}`, 0.25, nil},
		"unknown text":          {`{to: ml.model.name, attribute: a, unknown: [none, default]}`, "none", nil},
		"known text":            {`{to: ml.model.name, attribute: a, unknown: [none, default]}`, "nonesuch", "nonesuch"},
	} {
		t.Run(name, func(t *testing.T) {
			adds, _, _ := apply(t, compile(t, 0, reader+"      - "+tc.set), newSpan(t, "x", map[string]any{"a": tc.attr}))
			if tc.adds == nil {
				assert.Empty(t, adds)
				return
			}
			assert.Len(t, adds, 1)
			for _, v := range adds {
				if f, ok := tc.adds.(float64); ok {
					assert.InDelta(t, f, v, 1e-3)
				} else {
					assert.Equal(t, tc.adds, v)
				}
			}
		})
	}
}

// What is remembered of resources, scopes and the order of attributes does not change what applies.
func TestRemembersNothingWrong(t *testing.T) {
	s := compile(t, 0, `
name: d
rules:
  - {name: one, match: {scopes: ["a*"], resource_attributes: {r: [x]}, span_names: [s]}, stage: inference}
  - {name: two, match: {kinds: [server], attributes: {p: "1", q: "2"}}, set: [{to: ml.model.name, value: m}]}
`)
	sc, out := s.NewScratch(), &Outcome{}
	for round := range 3 {
		for i := range 3 * maxAround {
			resource := pcommon.NewMap()
			value := "y"
			if i%3 == 0 {
				value = "x"
			}
			resource.PutStr("r", value)
			s.Resource(resource, sc)
			scope := fmt.Sprintf("%c%d", 'a'+i%2, i)
			s.Scope(scope, sc)
			span := newSpan(t, "s", nil)
			keys := []string{"p", "q"}
			for j := range keys {
				key := keys[(j+i+round)%2]
				span.Attributes().PutStr(key, map[string]string{"p": "1", "q": "2"}[key])
			}
			span.SetKind(1)
			if i%5 == 0 {
				span.SetKind(2)
			}
			s.Apply(span, sc, out)
			sc.Write(span.Attributes())
			_, stage := span.Attributes().Get("ml.stage")
			_, model := span.Attributes().Get("ml.model.name")
			assert.Equal(t, i%3 == 0 && i%2 == 0, stage, "%d %s", i, scope)
			assert.Equal(t, i%5 == 0, model, "%d", i)
		}
		sc.Forget()
	}
}
