package mlexemplarsconverter

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// text is a provider: of YAML where its scheme is yaml, of environment variables where it is env.
type text string

func (s text) factory() confmap.ProviderFactory {
	return confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return s })
}

func (s text) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	value := strings.TrimPrefix(uri, string(s)+":")
	if s == "env" {
		name, otherwise, _ := strings.Cut(value, ":-")
		if value = os.Getenv(name); value == "" {
			value = otherwise
		}
	}
	return confmap.NewRetrievedFromYAML([]byte(value))
}

func (s text) Scheme() string               { return string(s) }
func (text) Shutdown(context.Context) error { return nil }

// resolve merges configurations as the collector does, converter and all, and returns what was warned of.
func resolve(t *testing.T, configs ...string) (*confmap.Conf, []string, error) {
	t.Helper()
	logs, seen := observer.New(zap.WarnLevel)
	set := confmap.ResolverSettings{
		ProviderFactories:  []confmap.ProviderFactory{text("yaml").factory(), text("env").factory()},
		ConverterFactories: []confmap.ConverterFactory{NewFactory()},
		ConverterSettings:  confmap.ConverterSettings{Logger: zap.New(logs)},
	}
	for _, config := range configs {
		set.URIs = append(set.URIs, "yaml:"+config)
	}
	resolver, err := confmap.NewResolver(set)
	require.NoError(t, err)
	conf, err := resolver.Resolve(t.Context())
	var warnings []string
	for _, entry := range seen.All() {
		warnings = append(warnings, entry.Message)
	}
	return conf, warnings, err
}

// rules are what the converter made of connectors::mlmetrics::exemplars, in the order of the README.
func rules(t *testing.T, conf *confmap.Conf, connector string) map[string]any {
	t.Helper()
	sub, err := conf.Sub("connectors::" + connector)
	require.NoError(t, err)
	exemplars, err := sub.Sub("exemplars")
	require.NoError(t, err)
	return exemplars.ToStringMap()
}

// one is a pipeline with one sampler.
const one = `
receivers: {otlp: {}}
exporters: {debug: {}, prometheus: {}}
connectors: {mlmetrics: {}, forward: {}}
processors: {mlsignals: {}, tail_sampling: {decision_wait: 10s}}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [mlsignals], exporters: [mlmetrics, forward]}
    traces/sample: {receivers: [forward], processors: [tail_sampling], exporters: [debug]}
    metrics: {receivers: [mlmetrics], exporters: [prometheus]}
`

// sampling is the setting of policies in YAML's flow style.
func sampling(policies string) string {
	return "processors: {tail_sampling: {policies: [" + policies + "]}}"
}

const (
	slow     = `{name: slow, type: latency, latency: {threshold_ms: 800}}`
	failed   = `{name: failed, type: status_code, status_code: {status_codes: [ERROR]}}`
	queued   = `{name: queued, type: boolean_attribute, boolean_attribute: {key: ml.signal.queue_bound, value: true}}`
	trained  = `{name: trained, type: string_attribute, string_attribute: {key: ml.stage, values: [training, evaluation]}}`
	baseline = `{name: baseline, type: probabilistic, probabilistic: {sampling_percentage: 3}}`
	foreign  = `{name: foreign, type: ottl_condition, ottl_condition: {span: ["true"]}}`
	rare     = `{name: rare, type: drop, drop: {drop_sub_policy: [` + failed + `]}}`
)

// none are the rules where nothing is kept for sure.
func none(changes ...map[string]any) map[string]any {
	m := map[string]any{
		"signals": []any{}, "stages": []any{}, "errors": false, "latency_threshold": "0s",
		"sampling_percentage": 0.0, "hash_seed": "", "decision_wait": "10s",
	}
	for _, change := range changes {
		for key, value := range change {
			m[key] = value
		}
	}
	return m
}

type m = map[string]any

func TestRulesFollowPolicies(t *testing.T) {
	trainingStages := []any{"data_ingestion", "feature_engineering", "training", "evaluation", "model_registration", "deployment"}
	for name, test := range map[string]struct {
		config string
		want   m
	}{
		"no policy":                 {sampling(""), none()},
		"latency":                   {sampling(slow), none(m{"latency_threshold": "800ms"})},
		"the shorter latency":       {sampling(slow + `, {name: b, type: latency, latency: {threshold_ms: 300}}`), none(m{"latency_threshold": "300ms"})},
		"no threshold":              {sampling(`{name: a, type: latency}`), none(m{"latency_threshold": "1ms"})},
		"latency up to":             {sampling(`{name: a, type: latency, latency: {threshold_ms: 800, upper_threshold_ms: 900}}`), none()},
		"errors":                    {sampling(failed), none(m{"errors": true})},
		"other status":              {sampling(`{name: a, type: status_code, status_code: {status_codes: [OK, UNSET]}}`), none()},
		"a signal":                  {sampling(queued), none(m{"signals": []any{"queue_bound"}})},
		"a signal that is false":    {sampling(`{name: a, type: boolean_attribute, boolean_attribute: {key: ml.signal.queue_bound, value: false}}`), none()},
		"inverted signal":           {sampling(`{name: a, type: boolean_attribute, boolean_attribute: {key: ml.signal.queue_bound, value: true, invert_match: true}}`), none()},
		"another boolean":           {sampling(`{name: a, type: boolean_attribute, boolean_attribute: {key: vip, value: true}}`), none()},
		"stages":                    {sampling(trained), none(m{"stages": []any{"training", "evaluation"}})},
		"stages by expression":      {sampling(`{name: a, type: string_attribute, string_attribute: {key: ml.stage, values: ["^train", "in(f|g)e"], enabled_regex_matching: true}}`), none(m{"stages": []any{"inference", "data_ingestion", "training"}})},
		"expression, not matched":   {sampling(`{name: a, type: string_attribute, string_attribute: {key: ml.stage, values: ["^train"]}}`), none()},
		"inverted stages":           {sampling(`{name: a, type: string_attribute, string_attribute: {key: ml.stage, values: [training], invert_match: true}}`), none()},
		"another text":              {sampling(`{name: a, type: string_attribute, string_attribute: {key: service.name, values: [training]}}`), none()},
		"share":                     {sampling(baseline), none(m{"sampling_percentage": 3.0})},
		"share by salt":             {sampling(`{name: a, type: probabilistic, probabilistic: {sampling_percentage: 3, hash_salt: pepper}}`), none(m{"sampling_percentage": 3.0, "hash_seed": "pepper"})},
		"the largest share":         {sampling(baseline + `, {name: b, type: probabilistic, probabilistic: {sampling_percentage: 7.5, hash_salt: pepper}}, {name: c, type: probabilistic, probabilistic: {sampling_percentage: 5}}`), none(m{"sampling_percentage": 7.5, "hash_seed": "pepper"})},
		"share of all":              {sampling(`{name: a, type: probabilistic, probabilistic: {sampling_percentage: 100}}`), m{"sampling_percentage": 100.0}},
		"everything":                {sampling(slow + `, {name: a, type: always_sample}`), m{"sampling_percentage": 100.0}},
		"rate":                      {sampling(`{name: a, type: rate_limiting, rate_limiting: {spans_per_second: 1000}}`), none()},
		"composite":                 {sampling(`{name: a, type: composite, composite: {composite_sub_policy: [` + slow + `]}}`), none()},
		"not":                       {sampling(`{name: a, type: not, not: {not_sub_policy: ` + slow + `}}`), none()},
		"and of one":                {sampling(`{name: a, type: and, and: {and_sub_policy: [` + slow + `]}}`), none(m{"latency_threshold": "800ms"})},
		"and of none":               {sampling(`{name: a, type: and}`), none()},
		"and of two":                {sampling(`{name: a, type: and, and: {and_sub_policy: [` + slow + `, ` + failed + `]}}`), none()},
		"and with everything":       {sampling(`{name: a, type: and, and: {and_sub_policy: [{name: b, type: always_sample}, ` + baseline + `]}}`), none(m{"sampling_percentage": 3.0})},
		"and of the same":           {sampling(`{name: a, type: and, and: {and_sub_policy: [` + slow + `, {name: b, type: latency, latency: {threshold_ms: 900}}]}}`), none(m{"latency_threshold": "900ms"})},
		"together":                  {sampling(slow + `,` + failed + `,` + queued + `,` + trained + `,` + baseline + `,` + foreign), m{"signals": []any{"queue_bound"}, "stages": []any{"training", "evaluation"}, "errors": true, "latency_threshold": "800ms", "sampling_percentage": 3.0, "hash_seed": "", "decision_wait": "10s"}},
		"a wait of null":            {`processors: {tail_sampling: {decision_wait: }}`, none(m{"decision_wait": "1s"})},
		"parts of a second":         {`processors: {tail_sampling: {decision_wait: 1900ms}}`, none(m{"decision_wait": "1s"})},
		"less than a second":        {`processors: {tail_sampling: {decision_wait: 100ms}}`, none(m{"decision_wait": "1s"})},
		"wait after the root":       {`processors: {tail_sampling: {decision_wait_after_root_received: 4s}}`, none(m{"decision_wait": "4s"})},
		"hardly any":                {`processors: {tail_sampling: {decision_wait_after_root_received: 400ms}}`, none(m{"decision_wait": "1ms"})},
		"ml_sampling":               {"extensions: {ml_sampling: }\n" + sampling(`{name: a, type: ml_sampling}`), none(m{"stages": trainingStages})},
		"ml_sampling, keeps others": {"extensions: {ml_sampling/b: {keep_all: [error, slow, revalidated, acme], latency_threshold: 2s}}\n" + sampling(`{name: a, type: ml_sampling/b}`), none(m{"errors": true, "latency_threshold": "2s", "signals": []any{"revalidated"}})},
		"ml_sampling, keeps none":   {"extensions: {ml_sampling: {keep_all: []}}\n" + sampling(`{name: a, type: ml_sampling}`), none()},
		"drop on ingest":            {"processors: {tail_sampling: {sampling_strategy: span-ingest}}\n", none()},
	} {
		t.Run(name, func(t *testing.T) {
			conf, warnings, err := resolve(t, one, test.config)
			require.NoError(t, err)
			assert.Equal(t, test.want, rules(t, conf, "mlmetrics"))
			assert.Empty(t, warnings)
		})
	}
}
