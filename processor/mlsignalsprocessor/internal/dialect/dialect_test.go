package dialect

import (
	"strings"
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

// rule is a dialect of one rule.
func rule(text string) string { return "name: d\nrules:\n  - name: r\n    " + text }

const match = "match: {span_names: [x]}\n    "

// Every mistake is reported with the file, the rule, the key, the value found and what is allowed.
func TestMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		yaml string
		says []string
	}{
		"not YAML":          {"name: [", []string{"d.yaml"}},
		"no name":           {"rules: [{name: r, match: {span_names: [x]}, stage: inference}]", []string{"d.yaml", "name: found no value, must be a short name"}},
		"no rules":          {"name: d", []string{"rules: found no rules, must have at least one"}},
		"rule without name": {"name: d\nrules: [{match: {span_names: [x]}, stage: inference}]", []string{"rules[0]::name"}},
		"same name twice": {"name: d\nrules: [{name: r, match: {span_names: [x]}, stage: inference}, {name: r, match: {span_names: [y]}, stage: inference}]",
			[]string{"rules[1] (r)", "twice"}},
		"unknown key":          {rule(match + "stag: inference"), []string{"stag"}},
		"no match":             {rule("stage: inference"), []string{"rules[0] (r)", "match", "every span"}},
		"kind alone":           {rule("match: {kinds: [server]}\n    stage: inference"), []string{"match: found kinds only", "every span of kind server", "span_names"}},
		"empty name":           {rule("match: {span_names: [\"\"]}\n    stage: inference"), []string{"match::span_names[0]", `""`}},
		"star in the middle":   {rule("match: {span_names: [\"a*b\"]}\n    stage: inference"), []string{"match::span_names[0]", "a*b", "only at the beginning or at the end"}},
		"star alone":           {rule("match: {scopes: [\"*\"]}\n    stage: inference"), []string{"match::scopes[0]", `found "*"`, "match every name"}},
		"unknown kind":         {rule("match: {span_names: [x], kinds: [SERVER]}\n    stage: inference"), []string{"match::kinds[0]", `"SERVER"`, "server"}},
		"condition of a kind":  {rule("match: {attributes: {a: {mn: 1}}}\n    stage: inference"), []string{"match::attributes::a", `"mn"`, "min and max"}},
		"empty range":          {rule("match: {attributes: {a: {min: 2, max: 1}}}\n    stage: inference"), []string{"match::attributes::a", "min 2", "max 1"}},
		"empty list":           {rule("match: {resource_attributes: {a: []}}\n    stage: inference"), []string{"match::resource_attributes::a", "empty"}},
		"null condition":       {rule("match: {attributes: {a: }}\n    stage: inference"), []string{"match::attributes::a", `"*"`}},
		"unknown stage":        {rule(match + "stage: infer"), []string{"stage", `"infer"`, "inference"}},
		"two stages":           {rule(match + "stage: inference\n    stage_from: {}"), []string{"stage_from: found beside stage", "must be the only one"}},
		"word of no stage":     {rule(match + "stage_from: {words: {bake: oven}}"), []string{"stage_from::words::bake", `"oven"`}},
		"derives nothing":      {rule(match), []string{"derives nothing"}},
		"unknown attribute":    {rule(match + "set: [{to: ml.queue, attribute: a}]"), []string{"set[0]::to", `"ml.queue"`, "vocabulary"}},
		"stage by set":         {rule(match + "set: [{to: ml.stage, value: inference}]"), []string{"set[0]::to", "stage"}},
		"signal by set":        {rule(match + "set: [{to: ml.signal.revalidated, value: true}]"), []string{"set[0]::to", "signals"}},
		"no source":            {rule(match + "set: [{to: ml.model.name}]"), []string{"set[0]", "found 0 sources", "exactly one"}},
		"two sources":          {rule(match + "set: [{to: ml.model.name, attribute: a, value: b}]"), []string{"set[0]", "2 sources"}},
		"event alone":          {rule(match + "set: [{to: ml.model.name, event: e, value: b}]"), []string{"set[0]::event", "attribute"}},
		"unknown unit":         {rule(match + "set: [{to: ml.inference.queue_wait_ms, attribute: a, units: [sec]}]"), []string{"set[0]::units[0]", `"sec"`, "ns, us, ms, s"}},
		"no unit":              {rule(match + "set: [{to: ml.inference.queue_wait_ms, attribute: waited_us}]"), []string{"set[0]::units: found no value", "ml.inference.queue_wait_ms", "ns, us, ms, s"}},
		"unit of a gap":        {rule(match + "set: [{to: ml.inference.queue_wait_ms, gap: [start, end], units: [s]}]"), []string{"set[0]::units"}},
		"unit of a text":       {rule(match + "set: [{to: ml.model.name, attribute: a, units: [s]}]"), []string{"set[0]::units", "[s]", "must be for a time", "ml.model.name"}},
		"minus alone":          {rule(match + "set: [{to: ml.inference.queue_wait_ms, span_duration: true, minus: a}]"), []string{"set[0]::minus"}},
		"one moment":           {rule(match + "set: [{to: ml.inference.queue_wait_ms, gap: [start]}]"), []string{"set[0]::gap", "two"}},
		"unknown moment":       {rule(match + "set: [{to: ml.inference.queue_wait_ms, gap: [begin, end]}]"), []string{"set[0]::gap[0]", `"begin"`, "start, end"}},
		"other without a join": {rule(match + "set: [{to: ml.inference.queue_wait_ms, gap: [other.start, end]}]"), []string{"set[0]::gap[0]", "join"}},
		"value of a kind":      {rule(match + "set: [{to: ml.model.name, value: [a]}]"), []string{"set[0]::value"}},
		"unknown signal":       {rule(match + "signals: [queue]"), []string{"signals[0]", `"queue"`, "queue_bound"}},
		"two components":       {rule(match + "cold_start: {component: a, component_from: b}"), []string{"cold_start: found component and component_from"}},
		"load without source":  {rule(match + "cold_start: {duration: {}}"), []string{"cold_start::duration", "0 sources"}},
		"unknown relation":     {rule(match + "join: {relation: child, match: {span_names: [y]}}"), []string{"join::relation", `"child"`, "parent, sibling or resource"}},
		"resource of nothing":  {rule(match + "join: {relation: resource, one_cold_start: true, match: {span_names: [y]}}"), []string{"same_resource_attribute", "relation: resource"}},
		"same and a parent":    {rule(match + "join: {relation: parent, same_resource_attribute: faas.name, match: {span_names: [y]}, set: [{to: ml.inference.queue_wait_ms, gap: [other.start, start]}]}"), []string{"same_resource_attribute"}},
		"one start and a set":  {rule(match + "join: {relation: resource, same_resource_attribute: faas.name, one_cold_start: true, match: {span_names: [y]}, set: [{to: ml.inference.queue_wait_ms, gap: [other.start, start]}]}"), []string{"one_cold_start", "set"}},
		"unknown attempts":     {rule(match + "attempts: twice"), []string{"attempts", `"twice"`, "failed_siblings or child_calls"}},
		"star in any spelling": {rule("match: {any_spelling: [\"load-*\"]}\n    stage: inference"), []string{"any_spelling[0]", `"load-*"`}},
		"nothing to spell":     {rule("match: {any_spelling: [\"--\"]}\n    stage: inference"), []string{"any_spelling[0]", `"--"`}},
		"event of no name":     {rule("match: {span_names: [x], event_attributes: {a: b}}\n    stage: inference"), []string{"event_attributes", "events"}},
		"event's empty list":   {rule("match: {events: [x], event_attributes: {a: []}}\n    stage: inference"), []string{"event_attributes::a"}},
		"json of nothing":      {rule(match + "set: [{to: ml.model.name, json: model, value: x}]"), []string{"set[0]", "json: found without attribute"}},
		"unknown text":         {rule(match + "set: [{to: ml.output.tokens, attribute: a, unknown: [none]}]"), []string{"set[0]", "unknown[0]", "finite number"}},
		"unknown number":       {rule(match + "set: [{to: ml.model.name, attribute: a, unknown: [1]}]"), []string{"set[0]", "unknown[0]", "text"}},
		"unknown bool":         {rule(match + "set: [{to: ml.output.valid, attribute: a, unknown: [1]}]"), []string{"set[0]", "unknown[0]", "bool"}},
		"values of a number":   {rule(match + "set: [{to: ml.output.valid, attribute: a, values: {passed: 3}}]"), []string{"set[0]", "values::passed", "true or false"}},
		"values of nothing":    {rule(match + "set: [{to: ml.output.valid, value: true, values: {passed: true}}]"), []string{"set[0]", "values", "attribute"}},
		"times of a time":      {rule(match + "set: [{to: ml.inference.queue_wait_ms, attribute: a, times: 2, units: [s]}]"), []string{"set[0]", "times", "units"}},
		"times of less than 0": {rule(match + "set: [{to: ml.batch.size, attribute: a, times: -2}]"), []string{"set[0]", "times: found -2"}},
		"left alone and set":   {rule(match + "leave_alone: true\n    stage: inference"), []string{"leave_alone"}},
		"pattern of nothing":   {rule("match: {attribute_patterns: {a: [\"*\"]}}\n    stage: inference"), []string{"attribute_patterns::a[0]", `"*"`}},
		"star of a moment":     {rule(match + "set: [{to: ml.inference.time_to_first_token_ms, gap: [start, \"attribute.first*\"]}]"), []string{"gap[1]", "first*"}},
		"parent after":         {rule(match + "join: {relation: parent, after: true, match: {span_names: [y]}}"), []string{"join::after", "sibling"}},
		"join without match":   {rule(match + "join: {relation: parent}"), []string{"join::match"}},
		"attribute in a join":  {rule(match + "join: {relation: parent, match: {span_names: [y]}, set: [{to: ml.model.name, attribute: a}]}"), []string{"join::set[0]", "must be gap or value"}},
		"reserved name":        {"name: none\nrules: [{name: r, match: {span_names: [x]}, stage: inference}]", []string{`name: found "none"`, "another name"}},
		"kind alone of a join": {rule(match + "join: {relation: parent, match: {kinds: [client, server]}, set: [{to: ml.inference.queue_wait_ms, gap: [other.start, start]}]}"), []string{"join::match: found kinds only", "client, server", "span_names"}},
		"star of the value":    {rule("match: {attributes: {http.route: /v1/*}}\n    stage: inference"), []string{"match::attributes::http.route", `"/v1/*"`, "or match span_names"}},
		"star behind a value":  {rule("match: {attributes: {mode: \"fast*\"}}\n    stage: inference"), []string{"match::attributes::mode", `"fast*"`, "span_names"}},
		"star in a list":       {rule("match: {attributes: {mode: [slow, \"*fast\"]}}\n    stage: inference"), []string{"match::attributes::mode", `"*fast"`}},
		"any value in a list":  {rule("match: {attributes: {mode: [\"*\"]}}\n    stage: inference"), []string{"match::attributes::mode", `"*"`, "without a list"}},
		"star in a key":        {rule("match: {attributes: {\"my.*\": 1}}\n    stage: inference"), []string{"match::attributes", `"my.*"`, "whole name"}},
		"empty key":            {rule("match: {resource_attributes: {\"\": 1}}\n    stage: inference"), []string{"match::resource_attributes", `found "", must be a name`}},
		"star in any key":      {rule("match: {any_attribute: [\"my.*\"]}\n    stage: inference"), []string{"match::any_attribute[0]", `"my.*"`}},
		"any of one":           {rule("match: {any_of: {a: 1}}\n    stage: inference"), []string{"match::any_of: found one condition, must be at least two; add one, or write attributes"}},
		"any of with a star":   {rule("match: {any_of: {a: \"x*\", b: 1}}\n    stage: inference"), []string{"match::any_of::a: found \"x*\""}},
		"empty key of several": {rule("match: {any_attribute: [\"\"]}\n    stage: inference"), []string{"match::any_attribute[0]", `""`}},
		"star in an event":     {rule("match: {events: [\"gpu_*\"]}\n    stage: inference"), []string{"match::events[0]", `"gpu_*"`}},
		"empty event":          {rule("match: {events: [\"\"]}\n    stage: inference"), []string{"match::events[0]", `""`}},
		"range of nothing":     {rule("match: {attributes: {a: {}}}\n    stage: inference"), []string{"match::attributes::a", "min, max"}},
		"range without end":    {rule("match: {attributes: {a: {min: .nan}}}\n    stage: inference"), []string{"match::attributes::a::min", "NaN"}},
		"no number":            {rule("match: {attributes: {a: .inf}}\n    stage: inference"), []string{"match::attributes::a", "+Inf"}},
		"number in quotes":     {rule("match: {attributes: {a: {min: \"1\"}}}\n    stage: inference"), []string{"match::attributes::a::min", `found "1", must be a number`}},
		"bound without value":  {rule("match: {attributes: {a: {min: }}}\n    stage: inference"), []string{"match::attributes::a::min: found no value, must be a number"}},
		"bound of a list":      {rule("match: {attributes: {a: {max: [1]}}}\n    stage: inference"), []string{"match::attributes::a::max: found a list, must be a number"}},
		"any of no value":      {rule("match: {any_of: {lib: , library: a}}\n    stage: inference"), []string{"match::any_of::lib: found no value", `"*"`}},
		"no value in a list":   {rule("match: {attributes: {a: [b, null]}}\n    stage: inference"), []string{"match::attributes::a: found no value", "strings, numbers and bools"}},
		"list of any of":       {rule("match: {any_of: [a, b]}\n    stage: inference"), []string{"match::any_of: found a list", "{name: value}"}},
		"list of attributes":   {rule("match: {attributes: [a, b]}\n    stage: inference"), []string{"match::attributes: found a list", "{name: value}"}},
		"text for attributes":  {rule("match: {resource_attributes: a}\n    stage: inference"), []string{`match::resource_attributes: found "a"`, "{name: value}"}},
		"date":                 {rule("match: {attributes: {a: 2024-01-01}}\n    stage: inference"), []string{"match::attributes::a", "quotes"}},
		"list in a list":       {rule("match: {attributes: {a: [[b]]}}\n    stage: inference"), []string{"match::attributes::a: found a list", "strings, numbers and bools"}},
		"upper case word":      {rule(match + "stage_from: {words: {Bake: training}}"), []string{"stage_from::words", `"Bake"`, "write bake"}},
		"two words":            {rule(match + "stage_from: {words: {bake-cake: training}}"), []string{"stage_from::words", `"bake-cake"`, "write bake or cake"}},
		"word of no letter":    {rule(match + "stage_from: {words: {\"-\": training}}"), []string{"stage_from::words", `"-"`, "remove it"}},
		"name with a star":     {rule(match + "stage_from: {attribute: \"task*\"}"), []string{"stage_from::attribute", `"task*"`}},
		"too many moments": {rule(match + "join: {relation: parent, match: {span_names: [y]}, set: [{to: ml.inference.queue_wait_ms, gap: [event.a, event.b]}, {to: ml.inference.forward_pass_ms, gap: [event.c, event.d]}, {to: ml.inference.time_to_first_token_ms, gap: [event.e, other.start]}]}"),
			[]string{"join::set: found 5 points in time of one span (event.a, event.b, event.c, event.d, event.e)", "at most 4"}},
		"join that gives nothing": {rule(match + "join: {relation: sibling, match: {span_names: [y]}}"), []string{"join: found no set", "ml.inference.queue_wait_ms", "ml.inference.forward_pass_ms"}},
		"behind a constant": {rule(match + "set: [{to: ml.model.name, value: a}, {to: ml.model.name, attribute: b}]"),
			[]string{"set[1]", "set[0]", "ml.model.name", "constant last"}},
		"signal beside its load": {rule(match + "signals: [cold_start]\n    cold_start: {}"), []string{"signals[0]", "cold_start", "remove it"}},
		"load without a value":   {rule(match + "stage: inference\n    cold_start:"), []string{"rules[0]::cold_start: found no value", "{}"}},
		"condition of no value":  {rule("match: {span_names: [x], attributes: {}}\n    stage: inference"), []string{"rules[0]::match::attributes: found no value"}},
		"list of nothing":        {rule("match: {span_names: [], events: [x]}\n    stage: inference"), []string{"rules[0]::match::span_names", "empty list"}},
		"two names in a text":    {rule("match: {span_names: \"load, init\"}\n    stage: inference"), []string{"rules[0]::match::span_names", `found "load, init", must be a list`, `["load, init"]`}},
		"key twice":              {rule("match: {span_names: [x], span_names: [y]}\n    stage: inference"), []string{"d.yaml", "span_names", "already defined"}},
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

// What a set reads must fit the attribute that it writes: otherwise nothing would be written, or a wrong number.
func TestSourcesThatDoNotFitTheirAttribute(t *testing.T) {
	for name, tc := range map[string]struct {
		set  string
		says []string
	}{
		"text for a count":          {"{to: ml.output.tokens, value: many}", []string{"value", `"many"`, "must be a whole number from 0 to 1000000000000 for ml.output.tokens"}},
		"fraction for a count":      {"{to: ml.output.tokens, value: 1.5}", []string{"value", "1.5", "a whole number"}},
		"unit in a value":           {"{to: ml.inference.queue_wait_ms, value: 5ms}", []string{"value", `"5ms"`, "a number of ms from 0 to 315360000000 for ml.inference.queue_wait_ms; write 5"}},
		"other unit in a value":     {"{to: ml.inference.queue_wait_ms, value: 1.5s}", []string{"write 1500"}},
		"negative time":             {"{to: ml.inference.queue_wait_ms, value: -1}", []string{"value", "-1", "from 0 to 315360000000"}},
		"percent for a rate":        {"{to: ml.features.cache_hit_rate, value: 80}", []string{"value", "80", "a number from 0 to 1"}},
		"no number":                 {"{to: ml.evaluation.loss, value: .nan}", []string{"value", "NaN", "must be a number"}},
		"beyond int64":              {"{to: ml.inference.queue_wait_ms, value: 1e400}", []string{"value"}},
		"number for a bool":         {"{to: ml.output.valid, value: 1}", []string{"value", "found 1", "must be true or false for ml.output.valid"}},
		"yes for a bool":            {"{to: ml.output.valid, value: yes}", []string{"value", `"yes"`, "true or false"}},
		"number for a text":         {"{to: ml.model.version, value: 1.10}", []string{"value", "1.1", "text for ml.model.version; put it in quotes here"}},
		"date for a text":           {"{to: ml.model.version, value: 2024-01-01}", []string{"value", "text for ml.model.version; put it in quotes here"}},
		"units of a count":          {"{to: ml.output.tokens, attribute: q, units: [s]}", []string{"units", "[s]", "must be for a time", "ml.output.tokens", "_ms"}},
		"units of memory":           {"{to: ml.gpu.memory_allocated_mb, attribute: q, units: [s]}", []string{"units", "must be for a time", "ml.gpu.memory_allocated_mb"}},
		"units of a constant":       {"{to: ml.inference.queue_wait_ms, value: 5, units: [s]}", []string{"units: found [s], must be beside attribute"}},
		"unit twice":                {"{to: ml.inference.queue_wait_ms, attribute: q, units: [s, s]}", []string{"units[1]", "found s twice"}},
		"larger unit last":          {"{to: ml.inference.queue_wait_ms, attribute: q, units: [ms, ns, s]}", []string{"units[2]", "found s after a smaller unit", "largest unit first"}},
		"duration of a count":       {"{to: ml.output.tokens, span_duration: true}", []string{"span_duration: found for ml.output.tokens", "_ms"}},
		"duration of a text":        {"{to: ml.model.name, span_duration: true}", []string{"span_duration: found for ml.model.name"}},
		"gap of a count":            {"{to: ml.output.tokens, gap: [start, event.a]}", []string{"gap: found for ml.output.tokens", "must be for a time in ms", "_ms"}},
		"gap of a text":             {"{to: ml.model.name, gap: [start, event.a]}", []string{"gap: found for ml.model.name"}},
		"gap of a bool":             {"{to: ml.output.valid, gap: [start, event.a]}", []string{"gap: found for ml.output.valid"}},
		"events as a text":          {"{to: ml.model.name, count_events: retry}", []string{"count_events", "ml.model.name, which is a string", "type int"}},
		"events as a bool":          {"{to: ml.output.required_repair, count_events: retry}", []string{"count_events", "ml.output.required_repair, which is a bool"}},
		"events as a time":          {"{to: ml.inference.queue_wait_ms, count_events: retry}", []string{"count_events", "ml.inference.queue_wait_ms, which is a double"}},
		"the wrong way round":       {"{to: ml.inference.forward_pass_ms, gap: [end, start]}", []string{"gap", "[end, start]", "write [start, end]"}},
		"from a moment to itself":   {"{to: ml.inference.forward_pass_ms, gap: [event.a, event.a]}", []string{"gap", "[event.a, event.a]", "two different points in time"}},
		"plus of a constant":        {"{to: ml.batch.size, value: 1, plus: 1}", []string{"plus", "found 1", "as value"}},
		"plus of a part":            {"{to: ml.batch.size, attribute: q, plus: 0.5}", []string{"plus", "0.5", "whole number"}},
		"plus without end":          {"{to: ml.inference.queue_wait_ms, attribute: q, units: [s], plus: .inf}", []string{"plus", "+Inf", "finite"}},
		"plus of a text":            {"{to: ml.model.name, attribute: q, plus: 1}", []string{"plus", "ml.model.name, which is a string"}},
		"minus of a bool":           {"{to: ml.output.valid, attribute: q, minus: r}", []string{"minus", "ml.output.valid, which is a bool"}},
		"minus itself":              {"{to: ml.output.tokens, attribute: q, minus: q}", []string{"minus", `"q"`, "another key"}},
		"unknown events":            {"{to: ml.batch.size, count_events: a, unknown: [-1]}", []string{"unknown: found without attribute"}},
		"unknown of no number":      {"{to: ml.batch.size, attribute: a, unknown: [.nan]}", []string{"unknown[0]", "NaN"}},
		"the attribute itself":      {"{to: ml.inference.queue_wait_ms, attribute: ml.inference.queue_wait_ms, units: [s]}", []string{"attribute: found ml.inference.queue_wait_ms", "never overwritten"}},
		"star in an attribute":      {`{to: ml.model.name, attribute: "model.*"}`, []string{"attribute", `"model.*"`, "whole name"}},
		"star in an event":          {`{to: ml.batch.size, event: "batch*", attribute: size}`, []string{"event", `"batch*"`}},
		"star in counted events":    {`{to: ml.batch.size, count_events: "*"}`, []string{"count_events", `"*"`}},
		"star in a moment":          {`{to: ml.inference.queue_wait_ms, gap: [start, "event.gpu*"]}`, []string{"gap[1]", `"gpu*"`}},
		"attribute without a value": {`{to: ml.model.name, attribute: a, event: ""}`, []string{"rules[0]::set[0]::event", `""`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("d.yaml", []byte(rule(match+"set: ["+tc.set+"]")))
			require.ErrorContains(t, err, "set[0]")
			for _, text := range tc.says {
				assert.ErrorContains(t, err, text)
			}
			assert.Equal(t, 1, strings.Count(err.Error(), "rules[0]"), "one mistake is reported once: %v", err)
		})
	}
}

// A gap must be in order if its points in time have a fixed order.
func TestOrderOfTimePoints(t *testing.T) {
	for _, tc := range []struct {
		gap, join string
		says      string
	}{
		{"[other.end, other.start]", "relation: parent", "write [other.start, other.end]"},
		{"[start, other.start]", "relation: parent", "write [other.start, start]"},
		{"[end, other.start]", "relation: parent", "write [other.start, end]"},
		{"[start, other.end]", "relation: sibling, after: true", "write [other.end, start]"},
		{"[start, start]", "relation: sibling", "two different points in time"},
		{"[start, other.end]", "relation: parent", ""},
		{"[other.end, start]", "relation: parent", ""},
		{"[start, other.start]", "relation: sibling", ""},
		{"[other.event.a, event.a]", "relation: parent", ""},
		{"[event.a, start]", "relation: sibling, after: true", ""},
		{"[start, end]", "relation: sibling, after: true", ""},
	} {
		yaml := rule(match + "join: {" + tc.join + ", match: {span_names: [y]}, set: [{to: ml.inference.queue_wait_ms, gap: " + tc.gap + "}]}")
		_, err := Parse("d.yaml", []byte(yaml))
		if tc.says == "" {
			require.NoError(t, err, tc)
		} else {
			require.ErrorContains(t, err, "join::set[0]::gap: found "+tc.gap)
			require.ErrorContains(t, err, tc.says)
		}
	}
}

// A join without a set is of use where the rule's span has a wait or a compute,
// be it by its own or by what another rule of the dialect sets or finds.
func TestJoinsWithoutASet(t *testing.T) {
	const (
		join  = "join: {relation: sibling, match: {span_names: [y]}}"
		joins = "  - {name: joins, match: {span_names: [x], kinds: [server], scopes: [s]}, " + join + "}\n"
	)
	for name, tc := range map[string]struct {
		rules string
		ok    bool
	}{
		"sets the compute":    {"  - {name: r, match: {span_names: [x]}, set: [{to: ml.inference.forward_pass_ms, span_duration: true}], " + join + "}", true},
		"sets the wait":       {"  - {name: r, match: {span_names: [x]}, set: [{to: ml.inference.queue_wait_ms, span_duration: true}], " + join + "}", true},
		"has the compute":     {"  - {name: r, match: {attributes: {ml.inference.forward_pass_ms: \"*\"}}, " + join + "}", true},
		"may have the wait":   {"  - {name: r, match: {any_attribute: [ml.inference.queue_wait_ms, q]}, " + join + "}", true},
		"any of it":           {"  - {name: r, match: {any_of: {ml.inference.queue_wait_ms: \"*\", q: \"*\"}}, " + join + "}", true},
		"sets something else": {"  - {name: r, match: {span_names: [x]}, set: [{to: ml.batch.size, value: 1}], " + join + "}", false},
		"sets it before":      {"  - {name: a, match: {span_names: [x]}, set: [{to: ml.inference.queue_wait_ms, span_duration: true}]}\n" + joins, true},
		"sets it after":       {joins + "  - {name: a, match: {span_names: [\"*x*\"]}, set: [{to: ml.inference.queue_wait_ms, span_duration: true}]}", true},
		"sets it elsewhere":   {joins + "  - {name: a, match: {attributes: {k: v}}, set: [{to: ml.inference.forward_pass_ms, span_duration: true}]}", true},
		"finds it":            {joins + "  - {name: a, match: {attributes: {ml.inference.forward_pass_ms: \"*\"}}, stage: inference}", true},
		"by a join":           {joins + "  - {name: a, match: {span_names: [x]}, join: {relation: parent, match: {span_names: [z]}, set: [{to: ml.inference.queue_wait_ms, gap: [other.start, start]}]}}", true},
		"by a join's other":   {joins + "  - {name: a, match: {span_names: [z]}, join: {relation: parent, match: {span_names: [x]}, set: [{to: ml.inference.queue_wait_ms, gap: [other.start, start]}]}}", true},
		"of another name":     {joins + "  - {name: a, match: {span_names: [z]}, set: [{to: ml.inference.queue_wait_ms, span_duration: true}]}", false},
		"of another kind":     {joins + "  - {name: a, match: {span_names: [x], kinds: [client]}, set: [{to: ml.inference.queue_wait_ms, span_duration: true}]}", false},
		"of another scope":    {joins + "  - {name: a, match: {scopes: [t]}, set: [{to: ml.inference.queue_wait_ms, span_duration: true}]}", false},
		"of the other span":   {joins + "  - {name: a, match: {span_names: [y]}, set: [{to: ml.inference.queue_wait_ms, span_duration: true}]}", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("d.yaml", []byte("name: d\nrules:\n"+tc.rules))
			if tc.ok {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, "join: found no set, must have one, or a rule that sets ml.inference.queue_wait_ms on one span and ml.inference.forward_pass_ms on the other")
		})
	}
}

// Values that differ from those above in what makes them right.
func TestSourcesThatFit(t *testing.T) {
	for _, set := range []string{
		"{to: ml.output.tokens, value: 7.0}", `{to: ml.output.tokens, value: "7"}`, "{to: ml.inference.queue_wait_ms, value: 0}",
		"{to: ml.features.cache_hit_rate, value: 0.8}", "{to: ml.evaluation.loss, value: -3.5}",
		"{to: ml.output.valid, value: true}", `{to: ml.output.valid, value: "true"}`, `{to: ml.model.version, value: "1.10"}`,
		"{to: ml.inference.queue_wait_ms, attribute: q, units: [s, ms, us, ns, duration]}", "{to: ml.inference.queue_wait_ms, attribute: q, units: [ns, s]}",
		"{to: ml.inference.forward_pass_ms, gap: [event.a, start]}", "{to: ml.inference.forward_pass_ms, gap: [end, event.a]}",
		"{to: ml.inference.queue_wait_ms, attribute: q, units: [s], plus: 0.5}", "{to: ml.output.tokens, attribute: q, minus: r, plus: 1}",
		"{to: ml.batch.size, event: e, attribute: ml.batch.size}", "{to: ml.model.name, resource_attribute: ml.model.name}",
	} {
		_, err := Parse("d.yaml", []byte(rule(match+"set: ["+set+"]")))
		assert.NoError(t, err, set)
	}
}

func TestNumbersAreComparedAsNumbers(t *testing.T) {
	for _, tc := range []struct {
		want  any
		value any
		holds bool
	}{
		{1e6, int64(1_000_000), true},
		{1e6, 1e6, true},
		{1e6, "1000000", true},
		{1_000_000, 1e6, true},
		{1.5, 1.5, true},
		{1.5, int64(1), false},
		{0.1, 0.1, true},
		{1e300, 1e300, true},
		{9007199254740993, int64(9007199254740993), true},
		{9007199254740993, int64(9007199254740992), false},
		{"1000000", int64(1_000_000), true},
		{"1.5", 1.5, true},
		{"1.50", 1.5, false},
		{"007", int64(7), false},
		{[]any{"a", 1e6}, int64(1_000_000), true},
		{true, int64(1), false},
		{1, true, false},
	} {
		c, err := ParseCondition(tc.want)
		require.NoError(t, err)
		v := pcommon.NewValueEmpty()
		require.NoError(t, v.FromRaw(tc.value))
		assert.Equal(t, tc.holds, c.Holds(v), "%v %v", tc.want, tc.value)
		assert.Zero(t, testing.AllocsPerRun(10, func() { c.Holds(v) }), "%v %v", tc.want, tc.value)
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
