package dialect

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

const whole = `
name: mine
title: My server
about: In-house.
versions: "3"
sources: [a page]
rules:
  - name: request
    match:
      span_names: [serve, "serve *"]
      scopes: [my-server]
      kinds: [server]
      attributes: {my.queue_s: "*", my.mode: [fast, slow], my.size: {min: 1}}
      any_attribute: [a, b]
      resource_attributes: {service.name: my-server}
      events: [done]
    stage: inference
    set:
      - {to: ml.inference.queue_wait_ms, attribute: my.queue_s, units: [s], unknown: [-1]}
      - {to: ml.inference.forward_pass_ms, attribute: my.total_s, minus: my.queue_s, units: [s]}
      - {to: ml.inference.time_to_first_token_ms, gap: [start, event.first_token]}
      - {to: ml.model.name, resource_attribute: my.model}
      - {to: ml.output.valid, value: true}
      - {to: ml.post_processing.validation_attempts, count_events: retry, plus: 1}
    signals: [revalidated]
    cold_start: {component_from: my.model, duration: {attribute: my.load_s, units: [s]}}
    wait_only: true
    join:
      relation: parent
      match: {span_names: [outer]}
      set:
        - {to: ml.inference.queue_wait_ms, gap: [other.event.queued, start]}
  - name: task
    match: {attributes: {my.task: "*"}}
    stage_from: {attribute: my.task, words: {bake: training}}
`

func TestParseWhole(t *testing.T) {
	d, err := Parse("mine.yaml", []byte(whole))
	require.NoError(t, err)
	assert.Equal(t, "mine", d.Name)
	require.Len(t, d.Rules, 2)
	assert.Equal(t, []string{"s"}, d.Rules[0].Set[0].Units)
	assert.Equal(t, []string{"other.event.queued", "start"}, d.Rules[0].Join.Set[0].Gap)
	assert.Equal(t, "training", d.Rules[1].StageFrom.Words["bake"])
}

// Every mistake is told with the file, the rule, the key, the value found and what is allowed.
func TestMistakes(t *testing.T) {
	rule := func(text string) string {
		return "name: d\nrules:\n  - name: r\n    " + text
	}
	const match = "match: {span_names: [x]}\n    "
	for name, tc := range map[string]struct {
		yaml string
		says []string
	}{
		"not YAML":          {"name: [", []string{"d.yaml"}},
		"no name":           {"rules: [{name: r, match: {span_names: [x]}, stage: inference}]", []string{"d.yaml", "name: must not be empty"}},
		"no rules":          {"name: d", []string{"rules: must have at least one"}},
		"rule without name": {"name: d\nrules: [{match: {span_names: [x]}, stage: inference}]", []string{"rules[0]: name"}},
		"same name twice": {"name: d\nrules: [{name: r, match: {span_names: [x]}, stage: inference}, {name: r, match: {span_names: [y]}, stage: inference}]",
			[]string{"rules[1] (r)", "twice"}},
		"unknown key":          {rule(match + "stag: inference"), []string{"stag"}},
		"no match":             {rule("stage: inference"), []string{"rules[0] (r)", "match", "every span"}},
		"kind alone":           {rule("match: {kinds: [server]}\n    stage: inference"), []string{"match: must have at least one condition"}},
		"empty name":           {rule("match: {span_names: [\"\"]}\n    stage: inference"), []string{"match: span_names[0]", `""`}},
		"star in the middle":   {rule("match: {span_names: [\"a*b\"]}\n    stage: inference"), []string{"match: span_names[0]", "a*b", "middle"}},
		"star alone":           {rule("match: {scopes: [\"*\"]}\n    stage: inference"), []string{"match: scopes[0]", "everything"}},
		"unknown kind":         {rule("match: {span_names: [x], kinds: [SERVER]}\n    stage: inference"), []string{"match: kinds[0]", `"SERVER"`, "server"}},
		"condition of a kind":  {rule("match: {attributes: {a: {mn: 1}}}\n    stage: inference"), []string{"match: attributes: a", `"mn"`, "min and max"}},
		"empty range":          {rule("match: {attributes: {a: {min: 2, max: 1}}}\n    stage: inference"), []string{"match: attributes: a", "min 2", "max 1"}},
		"empty list":           {rule("match: {resource_attributes: {a: []}}\n    stage: inference"), []string{"match: resource_attributes: a", "empty"}},
		"null condition":       {rule("match: {attributes: {a: }}\n    stage: inference"), []string{"match: attributes: a", `"*"`}},
		"unknown stage":        {rule(match + "stage: infer"), []string{"stage", `"infer"`, "inference"}},
		"two stages":           {rule(match + "stage: inference\n    stage_from: {}"), []string{"stage_from", "not both"}},
		"word of no stage":     {rule(match + "stage_from: {words: {bake: oven}}"), []string{"stage_from: words: bake", `"oven"`}},
		"derives nothing":      {rule(match), []string{"derives nothing"}},
		"unknown attribute":    {rule(match + "set: [{to: ml.queue, attribute: a}]"), []string{"set[0]: to", `"ml.queue"`, "vocabulary"}},
		"stage by set":         {rule(match + "set: [{to: ml.stage, value: inference}]"), []string{"set[0]: to", "stage"}},
		"signal by set":        {rule(match + "set: [{to: ml.signal.revalidated, value: true}]"), []string{"set[0]: to", "signals"}},
		"no source":            {rule(match + "set: [{to: ml.model.name}]"), []string{"set[0]", "0 sources", "exactly one"}},
		"two sources":          {rule(match + "set: [{to: ml.model.name, attribute: a, value: b}]"), []string{"set[0]", "2 sources"}},
		"event alone":          {rule(match + "set: [{to: ml.model.name, event: e, value: b}]"), []string{"set[0]: event", "attribute"}},
		"unknown unit":         {rule(match + "set: [{to: ml.inference.queue_wait_ms, attribute: a, units: [sec]}]"), []string{"set[0]: units[0]", `"sec"`, "ns, us, ms, s"}},
		"no unit":              {rule(match + "set: [{to: ml.inference.queue_wait_ms, attribute: waited_us}]"), []string{"set[0]: units: missing", "ml.inference.queue_wait_ms", "ns, us, ms, s"}},
		"unit of a gap":        {rule(match + "set: [{to: ml.inference.queue_wait_ms, gap: [start, end], units: [s]}]"), []string{"set[0]: units"}},
		"unit of a text":       {rule(match + "set: [{to: ml.model.name, attribute: a, units: [s]}]"), []string{"set[0]", "ml.model.name is a string"}},
		"minus alone":          {rule(match + "set: [{to: ml.inference.queue_wait_ms, span_duration: true, minus: a}]"), []string{"set[0]: minus"}},
		"one moment":           {rule(match + "set: [{to: ml.inference.queue_wait_ms, gap: [start]}]"), []string{"set[0]: gap", "two"}},
		"unknown moment":       {rule(match + "set: [{to: ml.inference.queue_wait_ms, gap: [begin, end]}]"), []string{"set[0]: gap[0]", `"begin"`, "start, end"}},
		"other without a join": {rule(match + "set: [{to: ml.inference.queue_wait_ms, gap: [other.start, end]}]"), []string{"set[0]: gap[0]", "join"}},
		"value of a kind":      {rule(match + "set: [{to: ml.model.name, value: [a]}]"), []string{"set[0]: value"}},
		"unknown signal":       {rule(match + "signals: [queue]"), []string{"signals[0]", `"queue"`, "queue_bound"}},
		"two components":       {rule(match + "cold_start: {component: a, component_from: b}"), []string{"cold_start", "not both"}},
		"load without source":  {rule(match + "cold_start: {duration: {}}"), []string{"cold_start: duration", "0 sources"}},
		"unknown relation":     {rule(match + "join: {relation: child, match: {span_names: [y]}}"), []string{"join: relation", `"child"`, "parent or sibling"}},
		"parent after":         {rule(match + "join: {relation: parent, after: true, match: {span_names: [y]}}"), []string{"join: after", "sibling"}},
		"join without match":   {rule(match + "join: {relation: parent}"), []string{"join: match"}},
		"attribute in a join":  {rule(match + "join: {relation: parent, match: {span_names: [y]}, set: [{to: ml.model.name, attribute: a}]}"), []string{"join: set[0]", "gap or a value"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("d.yaml", []byte(tc.yaml))
			require.Error(t, err)
			for _, text := range tc.says {
				assert.ErrorContains(t, err, text)
			}
		})
	}
}

func TestPattern(t *testing.T) {
	for _, tc := range []struct {
		pattern, name string
		fits          bool
		capture       string
	}{
		{"a", "a", true, ""},
		{"a", "ab", false, ""},
		{"a*", "a", true, ""},
		{"a*", "abc", true, "bc"},
		{"*a", "cba", true, "cb"},
		{"*a", "ab", false, ""},
		{"*a*", "bab", true, ""},
		{"*a*", "bb", false, ""},
		{" Req *", " Req 1", true, "1"},
	} {
		p, err := ParsePattern(tc.pattern)
		require.NoError(t, err)
		assert.Equal(t, tc.fits, p.Matches(tc.name), "%q %q", tc.pattern, tc.name)
		assert.Equal(t, tc.capture, p.Capture(tc.name), "%q %q", tc.pattern, tc.name)
	}
}

func TestIndexFindsThePatternsThatFit(t *testing.T) {
	var patterns []Pattern
	for _, text := range []string{"*_init", "load_*", "*warm*", "boot", "*_init"} {
		p, err := ParsePattern(text)
		require.NoError(t, err)
		patterns = append(patterns, p)
	}
	index := NewIndex(patterns)
	for name, want := range map[string][]int{
		"a_init": {0, 4}, "load_a_init": {1, 0, 4}, "prewarming": {2}, "boot": {3}, "boots": nil, "": nil,
	} {
		var got []int
		index.Each(name, func(i int) { got = append(got, i) })
		assert.Equal(t, want, got, name)
	}
}

func TestCondition(t *testing.T) {
	for _, tc := range []struct {
		want  any
		value any
		holds bool
	}{
		{"*", "anything", true},
		{"*", nil, true},
		{"a", "a", true},
		{"a", "b", false},
		{"1", int64(1), true},
		{1, "1", true},
		{true, true, true},
		{true, "true", true},
		{false, true, false},
		{[]any{"a", 2}, int64(2), true},
		{[]any{"a", 2}, "b", false},
		{map[string]any{"min": 2}, int64(2), true},
		{map[string]any{"min": 2}, 1.9, false},
		{map[string]any{"min": 2}, "3", true},
		{map[string]any{"min": 2}, "many", false},
		{map[string]any{"min": 1, "max": 2.5}, 2.5, true},
		{map[string]any{"max": 2}, 3.0, false},
	} {
		c, err := ParseCondition(tc.want)
		require.NoError(t, err)
		v := pcommon.NewValueEmpty()
		require.NoError(t, v.FromRaw(tc.value))
		assert.Equal(t, tc.holds, c.Holds(v), "%v %v", tc.want, tc.value)
	}
}
