package mlexemplarsconverter

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exemplars is the user's setting of rules in YAML's flow style.
func exemplars(rules string) string { return "connectors: {mlmetrics: {exemplars: {" + rules + "}}}" }

const usual = slow + `,` + failed + `,` + queued + `,` + trained + `,` + baseline

// TestRulesOfTheUser are left as they are where they are no wider than the policies.
func TestRulesOfTheUser(t *testing.T) {
	followed := m{"signals": []any{"queue_bound"}, "stages": []any{"training", "evaluation"}, "errors": true, "latency_threshold": "800ms", "sampling_percentage": 3.0, "hash_seed": "", "decision_wait": "10s"}
	for name, test := range map[string]struct {
		policies, rules string
		want            m
	}{
		"the same":                {usual, `signals: [ml.signal.queue_bound], stages: [evaluation, training], errors: true, latency_threshold: 800ms, sampling_percentage: 3, decision_wait: 10s`, m{"signals": []any{"ml.signal.queue_bound"}, "stages": []any{"evaluation", "training"}, "sampling_percentage": 3}},
		"stricter":                {usual, `signals: [], stages: [training], errors: false, latency_threshold: 900ms, sampling_percentage: 0.5, decision_wait: 9s`, m{"signals": []any{}, "stages": []any{"training"}, "errors": false, "latency_threshold": "900ms", "sampling_percentage": 0.5, "decision_wait": "9s"}},
		"parts of a ms":           {usual, `latency_threshold: 800900us`, m{"latency_threshold": "800900us"}},
		"none of a kind":          {usual, `latency_threshold: 0s, sampling_percentage: 0, hash_seed: other`, m{"latency_threshold": "0s", "sampling_percentage": 0, "hash_seed": "other"}},
		"the default seed":        {usual, `hash_seed: default-hash-seed`, m{"hash_seed": "default-hash-seed"}},
		"seed of a smaller share": {usual + `, {name: b, type: probabilistic, probabilistic: {sampling_percentage: 1, hash_salt: pepper}}`, `hash_seed: pepper`, m{"hash_seed": "pepper", "sampling_percentage": 1.0}},
		"seed without a share":    {slow + "," + failed + "," + queued + "," + trained, `hash_seed: pepper`, m{"hash_seed": "pepper", "sampling_percentage": 0.0}},
		"null":                    {usual, `errors: , signals: `, m{}},
		"wrong names, which the connector refuses": {usual, `signals: [sign], stages: [stage], latency_threshold: -1s, sampling_percentage: -1`, m{"signals": []any{"sign"}, "stages": []any{"stage"}, "latency_threshold": "-1s", "sampling_percentage": -1}},
	} {
		t.Run(name, func(t *testing.T) {
			conf, warnings, err := resolve(t, one, sampling(test.policies), exemplars(test.rules))
			require.NoError(t, err)
			assert.Equal(t, none(followed, test.want), rules(t, conf, "mlmetrics"))
			assert.Empty(t, warnings)
		})
	}
}

// TestRulesWiderThanPolicies are refused, with what to write instead. Beside a policy that cannot be read they are warned of.
func TestRulesWiderThanPolicies(t *testing.T) {
	const remove, path = "remove it, the rule follows the policies, or write ", "connectors::mlmetrics::exemplars::"
	for name, test := range map[string]struct{ policies, rules, says string }{
		"latency": {usual, `latency_threshold: 500ms`,
			path + `latency_threshold is 500ms, but processors::tail_sampling keeps traces longer than 800ms (policy "slow"): remove it, the rule follows the policy, or write 800ms or more`},
		"no latency": {failed, `latency_threshold: 5s`,
			path + `latency_threshold is 5s, but no policy of processors::tail_sampling keeps traces for their latency: ` + remove + `0s`},
		"errors": {slow, `errors: true`,
			path + `errors is true, but no policy of processors::tail_sampling keeps traces with the status ERROR: ` + remove + `false`},
		"all signals": {usual, `signals: [all]`,
			path + `signals has high_queue_wait, feature_cascade, features_unavailable, revalidated, cold_start, but no policy of processors::tail_sampling keeps these: ` + remove + `[queue_bound]`},
		"one signal": {usual, `signals: [ml.signal.cold_start, queue_bound, cold_start]`,
			path + `signals has cold_start, but no policy of processors::tail_sampling keeps these: ` + remove + `[queue_bound]`},
		"a stage": {usual, `stages: [inference, training]`,
			path + `stages has inference, but no policy of processors::tail_sampling keeps these: ` + remove + `[training]`},
		"share": {usual, `sampling_percentage: 3.5`,
			path + `sampling_percentage is 3.5, but processors::tail_sampling keeps 3 % of all traces (policy "baseline"): remove it, the rule follows the policy, or write 3 or less`},
		"no share": {slow, `sampling_percentage: 1`,
			path + `sampling_percentage is 1, but no policy of processors::tail_sampling keeps a share of all traces: ` + remove + `0`},
		"seed": {usual, `hash_seed: pepper`,
			path + `hash_seed is "pepper", but processors::tail_sampling has the hash_salt "default-hash-seed" (policy "baseline"): remove it, the rule follows the policy, or write "default-hash-seed"`},
		"seed and share": {usual, `hash_seed: pepper, sampling_percentage: 1`,
			path + `hash_seed is "pepper", but processors::tail_sampling has the hash_salt "default-hash-seed"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, warnings, err := resolve(t, one, sampling(test.policies), exemplars(test.rules))
			require.ErrorContains(t, err, test.says)
			assert.Empty(t, warnings)

			_, warnings, err = resolve(t, one, sampling(test.policies+","+foreign), exemplars(test.rules))
			require.NoError(t, err)
			require.Len(t, warnings, 1)
			assert.Contains(t, warnings[0], test.says)
			assert.Contains(t, warnings[0], `unless policy "foreign" of type ottl_condition keeps these traces`)
		})
	}

	_, _, err := resolve(t, one, sampling(foreign), exemplars(`decision_wait: 11s`))
	require.ErrorContains(t, err, path+"decision_wait is 11s, but processors::tail_sampling may decide after 10s: remove it, the rule follows the processor, or write 10s or less")

	_, _, err = resolve(t, one, sampling(usual), exemplars(`errors: true, stages: [inference], latency_threshold: 1ms`))
	require.ErrorContains(t, err, "stages has")
	require.ErrorContains(t, err, "latency_threshold is", "all are named at once")
}

// TestRulesWiderThanOneOfTwoSamplers: each sampler is held against the rules by itself.
func TestRulesWiderThanOneOfTwoSamplers(t *testing.T) {
	two := `
processors: {tail_sampling: {policies: [` + slow + `, ` + baseline + `]}, tail_sampling/b: {policies: [` + failed + `, {name: b, type: probabilistic, probabilistic: {sampling_percentage: 9, hash_salt: pepper}}]}}
service: {pipelines: {traces/b: {receivers: [forward], processors: [tail_sampling/b], exporters: [debug]}}}`
	conf, _, err := resolve(t, one, two)
	require.NoError(t, err)
	assert.Equal(t, none(), rules(t, conf, "mlmetrics"))
	_, _, err = resolve(t, one, two, exemplars(`errors: true, latency_threshold: 1s, sampling_percentage: 1`))
	require.ErrorContains(t, err, "no policy of processors::tail_sampling keeps traces with the status ERROR")
	require.ErrorContains(t, err, "no policy of processors::tail_sampling/b keeps traces for their latency")
	require.ErrorContains(t, err, "sampling_percentage is 1, but the samplers of these spans do not keep the same share of them")
	_, _, err = resolve(t, one, two, exemplars(`hash_seed: pepper`))
	require.ErrorContains(t, err, `hash_seed is "pepper", but processors::tail_sampling has the hash_salt "default-hash-seed"`)
}

// TestVetoes are warned of: the rules follow the policies, what is dropped all the same is for the user to know.
func TestVetoes(t *testing.T) {
	conf, warnings, err := resolve(t, one, sampling(slow+","+rare), "processors: {tail_sampling: {maximum_trace_size_bytes: 1000}}")
	require.NoError(t, err)
	assert.Equal(t, none(m{"latency_threshold": "800ms"}), rules(t, conf, "mlmetrics"))
	assert.Equal(t, []string{
		`connectors::mlmetrics::exemplars: exemplars may point at traces that are not stored: policy "rare" of processors::tail_sampling drops traces that another policy keeps`,
		`connectors::mlmetrics::exemplars: exemplars may point at traces that are not stored: maximum_trace_size_bytes of processors::tail_sampling drops traces that another policy keeps`,
	}, warnings)

	conf, _, err = resolve(t, one, sampling(slow+","+rare), "processors: {tail_sampling: {sampling_strategy: span-ingest}}")
	require.NoError(t, err)
	assert.Equal(t, none(), rules(t, conf, "mlmetrics"), "it keeps nothing then")
}

// TestIncluded: a part that comes whole from a file or variable is read, and merged into.
func TestIncluded(t *testing.T) {
	t.Setenv("CONNECTORS", `{mlmetrics: {instance: {id: "${env:NUMBER}"}, exemplars: {errors: false}}, forward: {}}`)
	t.Setenv("POLICIES", "["+usual+"]")
	t.Setenv("CONNECTOR", `{instance: {id: "${env:NUMBER}"}, exemplars: {errors: false}}`)
	t.Setenv("RULES", "{errors: false}")
	t.Setenv("NUMBER", "0123")
	for name, config := range map[string]string{
		"connectors": "connectors: ${env:CONNECTORS}",
		"connector":  `connectors: {mlmetrics: "${env:CONNECTOR}"}`,
		"rules":      `connectors: {mlmetrics: {instance: {id: "${env:NUMBER}"}, exemplars: "${env:RULES}"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			conf, _, err := resolve(t, one, "processors: {tail_sampling: {policies: \"${env:POLICIES}\"}}", config)
			require.NoError(t, err)
			assert.Equal(t, m{"signals": []any{"queue_bound"}, "stages": []any{"training", "evaluation"}, "errors": false, "latency_threshold": "800ms", "sampling_percentage": 3.0, "hash_seed": "", "decision_wait": "10s"}, rules(t, conf, "mlmetrics"))
			sub, err := conf.Sub("connectors::mlmetrics::instance")
			require.NoError(t, err)
			var instance struct {
				ID string `mapstructure:"id"`
			}
			require.NoError(t, sub.Unmarshal(&instance))
			assert.Equal(t, "0123", instance.ID, "a number that is text stays text")
		})
	}
}
