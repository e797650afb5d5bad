package mlsignalsprocessor

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

func load(t *testing.T, yaml string) (*Config, error) {
	t.Helper()
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(yaml))
	require.NoError(t, err)
	conf, err := retrieved.AsConf()
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	if err := conf.Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}

func TestDefaultConfigNeedsNoSetting(t *testing.T) {
	cfg, err := load(t, "{}")
	require.NoError(t, err)
	assert.Equal(t, createDefaultConfig(), cfg)
}

func TestConfigIsRead(t *testing.T) {
	cfg, err := load(t, `
signals:
  queue_bound: {ratio: 2}
  high_queue_wait: {threshold: 1s, enabled: false}
  feature_cascade: {db_share: 0.8}
  features_unavailable: {enabled: false}
  revalidated: {attempts: 3}
  cold_start: {min_duration: 0s, span_names: ["boot_*"]}
dialects: [ml]
reload_memory: {max_components: 5}
join: {max_spans: 7, ttl: 1m}
custom_dialects:
  - name: mine
    rules:
      - {name: all, match: {span_names: [x]}, stage: inference}
`)
	require.NoError(t, err)
	assert.Equal(t, QueueBoundConfig{SwitchConfig{true}, 2}, cfg.Signals.QueueBound)
	assert.Equal(t, HighQueueWaitConfig{SwitchConfig{false}, time.Second}, cfg.Signals.HighQueueWait)
	assert.Equal(t, 0.8, cfg.Signals.FeatureCascade.DBShare)
	assert.False(t, cfg.Signals.FeaturesUnavailable.Enabled)
	assert.Equal(t, 3, cfg.Signals.Revalidated.Attempts)
	assert.Equal(t, []string{"boot_*"}, cfg.Signals.ColdStart.SpanNames)
	assert.Empty(t, cfg.Signals.ColdStart.Components)
	assert.Equal(t, []string{"ml"}, cfg.Dialects)
	assert.Equal(t, JoinConfig{7, time.Minute}, cfg.Join)
	use, custom, err := cfg.inUse()
	require.NoError(t, err)
	assert.Len(t, use, 2)
	assert.Equal(t, 1, custom)
}

// Every mistake is timed with its key, the value found and what is allowed.
func TestMistakesInConfig(t *testing.T) {
	for name, tc := range map[string]struct {
		yaml string
		says []string
	}{
		"mistyped key":           {"signal: {}", []string{"signal: found an unknown key", "signals"}},
		"mistyped inner key":     {"signals: {queue_bound: {rato: 2}}", []string{"signals::queue_bound::rato: found an unknown key", "enabled, ratio"}},
		"text for a number":      {"signals: {queue_bound: {ratio: high}}", []string{`signals::queue_bound::ratio: found "high", must be a number`}},
		"negative ratio":         {"signals: {queue_bound: {ratio: -1}}", []string{"signals::queue_bound::ratio", "-1", "from 0"}},
		"ratio without value":    {"signals: {queue_bound: {ratio: .nan}}", []string{"signals::queue_bound::ratio", "NaN"}},
		"infinite ratio":         {"signals: {queue_bound: {ratio: .inf}}", []string{"signals::queue_bound::ratio", "+Inf"}},
		"no threshold":           {"signals: {high_queue_wait: {threshold: 0s}}", []string{"signals::high_queue_wait::threshold", "0s", "300ms"}},
		"threshold without unit": {"signals: {high_queue_wait: {threshold: 300}}", []string{"signals::high_queue_wait::threshold", "300ns", "300ms"}},
		"share above one":        {"signals: {feature_cascade: {db_share: 50}}", []string{"signals::feature_cascade::db_share", "50", "at most 1"}},
		"first attempt":          {"signals: {revalidated: {attempts: 1}}", []string{"signals::revalidated::attempts", "1", "at least 2"}},
		"negative duration":      {"signals: {cold_start: {min_duration: -1s}}", []string{"signals::cold_start::min_duration", "-1s"}},
		"component of two words": {`signals: {cold_start: {components: ["Model Weights"]}}`, []string{"signals::cold_start::components[0]", `"Model Weights"`, "kv_cache"}},
		"pattern of all":         {`signals: {cold_start: {span_names: ["*"]}}`, []string{"signals::cold_start::span_names[0]", `"*"`}},
		"no memory":              {"reload_memory: {max_components: 0}", []string{"reload_memory::max_components", "0", "at least 1"}},
		"no join":                {"join: {max_spans: 0, ttl: 0s}", []string{"join::max_spans", "join::ttl", "0s"}},
		"unknown dialect":        {"dialects: [ml, vlm]", []string{"dialects[1]", `"vlm"`, "one of", "ml"}},
		"dialect twice":          {"dialects: [ml, ml]", []string{"dialects[1]", "twice, must be unique"}},
		"custom dialect of a built-in's name": {
			"custom_dialects: [{name: ml, rules: [{name: a, match: {span_names: [x]}, stage: inference}]}]",
			[]string{"custom_dialects[0] (ml)", `"ml"`, "must be unique"}},
		"custom dialect without a name": {
			"custom_dialects: [{rules: [{name: a, match: {span_names: [x]}, stage: inference}]}]",
			[]string{"custom_dialects[0]", "name"}},
		"custom dialect with a wrong stage": {
			"custom_dialects: [{name: mine, rules: [{name: a, match: {span_names: [x]}, stage: infer}]}]",
			[]string{"custom_dialects[0] (mine)", "rules[0] (a)", "stage", `"infer"`, "inference"}},
		"custom dialect with a mistyped key": {
			"custom_dialects: [{name: mine, rules: [{name: a, mach: {span_names: [x]}, stage: inference}]}]",
			[]string{"custom_dialects[0]::rules[0]::mach: found an unknown key", "match"}},
		"custom dialect of the name of none": {
			"custom_dialects: [{name: none, rules: [{name: a, match: {span_names: [x]}, stage: inference}]}]",
			[]string{"custom_dialects[0] (none)::name", `"none"`, "another name"}},
		"key of a custom dialect without a value": {
			"custom_dialects: [{name: mine, rules: [{name: a, match: {span_names: [x]}, stage: inference, cold_start: }]}]",
			[]string{"custom_dialects[0]::rules[0]::cold_start: found no value", "{}"}},
		"custom dialect without anything": {"custom_dialects: [null]", []string{"custom_dialects[0]: found no value"}},
		"block for a list": {
			"custom_dialects: [{name: mine, rules: {name: a}}]",
			[]string{"custom_dialects[0]::rules: found a block of keys, must be a list"}},
		"number for a list": {
			"custom_dialects: [{name: mine, rules: [{name: a, match: {span_names: 5}, stage: inference}]}]",
			[]string{"custom_dialects[0]::rules[0]::match::span_names: found 5, must be a list, each entry text"}},
		"list for conditions": {
			"custom_dialects: [{name: mine, rules: [{name: a, match: {attributes: [x]}, stage: inference}]}]",
			[]string{"custom_dialects[0]::rules[0]::match::attributes: found a list, must be a block of names"}},
		"text for a truth": {
			"custom_dialects: [{name: mine, rules: [{name: a, match: {span_names: [x]}, set: [{to: ml.inference.queue_wait_ms, span_duration: please}]}]}]",
			[]string{`custom_dialects[0]::rules[0]::set[0]::span_duration: found "please", must be true or false`}},
		"number for an unquoted name": {
			"custom_dialects: [{name: mine, rules: [{name: 1, match: {span_names: [x]}, stage: inference}]}]",
			[]string{"custom_dialects[0]::rules[0]::name: found 1, must be text; put it in quotes"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tc.yaml)
			require.Error(t, err)
			for _, text := range tc.says {
				assert.ErrorContains(t, err, text)
			}
		})
	}
}

// YAML has several ways of writing one thing.
func TestListsOfOneEntryNeedNoBrackets(t *testing.T) {
	cfg, err := load(t, "custom_dialects: [{name: mine, rules: [{name: a, match: {span_names: x, kinds: server}, set: [{to: ml.inference.queue_wait_ms, attribute: q, units: s}]}]}]")
	require.NoError(t, err)
	rule := cfg.CustomDialects[0].Rules[0]
	assert.Equal(t, []string{"x"}, rule.Match.SpanNames)
	assert.Equal(t, []string{"server"}, rule.Match.Kinds)
	assert.Equal(t, []string{"s"}, rule.Set[0].Units)
}

// The collector validates every part of a configuration that has a method for it.
func TestAMistakeInADialectIsToldOnce(t *testing.T) {
	_, err := load(t, "custom_dialects: [{name: mine, rules: [{name: a, match: {span_names: [x]}, stage: infer}]}]")
	require.Error(t, err)
	assert.Equal(t, 1, strings.Count(err.Error(), `"infer"`), err.Error())
}

func TestEveryMistakeInADialectIsToldWithItsDialect(t *testing.T) {
	_, err := load(t, "custom_dialects: [{name: mine, rules: [{name: a, match: {span_names: [x]}, stage: infer, signals: [queue]}]}]")
	assert.ErrorContains(t, err, "custom_dialects[0] (mine)::rules[0] (a)::stage")
	assert.ErrorContains(t, err, "custom_dialects[0] (mine)::rules[0] (a)::signals[0]")
}
