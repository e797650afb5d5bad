package configcheck

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

var variable = regexp.MustCompile(`\$\{env:\w+(:-([^}]*))?\}`)

// merged is a file of the repository, with its variables unset, and settings over it.
func merged(t *testing.T, path string, settings ...string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", path))
	require.NoError(t, err)
	conf := confmap.New()
	for _, s := range append([]string{string(text)}, settings...) {
		s = variable.ReplaceAllString(s, "$2")
		retrieved, err := confmap.NewRetrievedFromYAML([]byte(s))
		require.NoError(t, err, s)
		over, err := retrieved.AsConf()
		require.NoError(t, err, s)
		require.NoError(t, conf.Merge(over))
	}
	return conf.ToStringMap()
}

// TestMistakes has each mistake that was silent, and what is said of it.
func TestMistakes(t *testing.T) {
	policy := func(p string) string { return "processors: { mltailsampling: { policies: [" + p + "] } }" }
	receive := func(p string) string { return "service: { pipelines: { traces/receive: {" + p + "} } }" }
	for name, test := range map[string]struct {
		settings string
		errors   string // the error, empty for none
		warns    string
	}{
		"a policy on a misspelt signal": {
			settings: policy(`{ name: a, type: boolean_attribute, boolean_attribute: { key: ml.signal.queue_bounded, value: true } }`),
			errors: `processors::mltailsampling::policies[0]::boolean_attribute::key: found "ml.signal.queue_bounded", which nothing sets, ` +
				`must be one of ml.signal.queue_bound, ml.signal.high_queue_wait, ml.signal.feature_cascade, ml.signal.features_unavailable, ` +
				`ml.signal.revalidated, ml.signal.cold_start; did you mean "ml.signal.queue_bound"?`,
		},
		"a signal of the user's own": {
			settings: `
processors:
  transform: { trace_statements: ['set(span.attributes["ml.signal.ours"], true)'] }
  mltailsampling: { policies: [{ name: a, type: boolean_attribute, boolean_attribute: { key: ml.signal.ours, value: true } }] }
service: { pipelines: { traces/receive: { processors: [memory_limiter, mlsignals, transform] } } }`,
		},
		"below and, in an OTTL condition": {
			settings: policy(`{ name: a, type: and, and: { and_sub_policy: [{ name: b, type: ottl_condition, ` +
				`ottl_condition: { span: ['attributes["ml.signal.cold_startt"] == true'] } }] } }`),
			errors: `processors::mltailsampling::policies[0]::and::and_sub_policy[0]::ottl_condition::span[0]: found "ml.signal.cold_startt", which nothing sets, ` +
				`must be one of ml.signal.queue_bound, ml.signal.high_queue_wait, ml.signal.feature_cascade, ml.signal.features_unavailable, ` +
				`ml.signal.revalidated, ml.signal.cold_start; did you mean "ml.signal.cold_start"?`,
		},
		"below not": {
			settings: policy(`{ name: a, type: not, not: { not_sub_policy: { name: b, type: latencies } } }`),
			errors: `processors::mltailsampling::policies[0]::not::not_sub_policy::type: found "latencies", must be one of always_sample, ` +
				`boolean_attribute, bytes_limiting, latency, numeric_attribute, ottl_condition, probabilistic, rate_limiting, ` +
				`span_count, status_code, string_attribute, trace_flags, trace_state, or the extension mlsampling; did you mean "latency"?`,
		},
		"a signal as a string": {
			settings: policy(`{ name: a, type: string_attribute, string_attribute: { key: ml.signal.queue_bound, values: ["true"] } }`),
			errors: `processors::mltailsampling::policies[0]::string_attribute::key: found ml.signal.queue_bound, which is a bool, must be a string; ` +
				`write type: boolean_attribute and boolean_attribute: { key: ml.signal.queue_bound, value: true }`,
		},
		"a double as a number": {
			settings: policy(`{ name: a, type: numeric_attribute, numeric_attribute: { key: ml.inference.queue_wait_ms, min_value: 300 } }`),
			warns: `processors::mltailsampling::policies[0]::numeric_attribute::key: found ml.inference.queue_wait_ms, which is a double, must be of type int, ` +
				`and numeric_attribute matches nothing else; use a signal, ` +
				`or write type: ottl_condition and span: ['span.attributes["ml.inference.queue_wait_ms"] > ...']`,
		},
		"a misspelt attribute": {
			settings: policy(`{ name: a, type: string_attribute, string_attribute: { key: ml.model.nam, values: [x] } }`),
			warns:    `processors::mltailsampling::policies[0]::string_attribute::key: found "ml.model.nam", which mlsignals does not write; did you mean "ml.model.name"?`,
		},
		"settings of another type": {
			settings: policy(`{ name: a, type: latency, status_code: { status_codes: [ERROR] } }`),
			errors: `processors::mltailsampling::policies[0]::status_code: found settings of another type, must be those of the policy's type, latency; ` +
				`write type: status_code, or remove them`,
		},
		"an unknown key in a policy": {
			settings: policy(`{ name: a, type: boolean_attribute, boolean_atttribute: { key: ml.signal.queue_bound, value: true } }`),
			errors: `processors::mltailsampling::policies[0]::boolean_atttribute: found an unknown key, must be name, type or boolean_attribute; ` +
				`did you mean "boolean_attribute"?`,
		},
		"a signal that is switched off": {
			settings: `processors: { mlsignals: { signals: { cold_start: { enabled: false } } } }`,
			warns: `processors::mltailsampling::policies[8]::boolean_attribute::key: found ml.signal.cold_start, which mlsignals does not set; ` +
				`remove the policy, or processors::mlsignals::signals::cold_start::enabled: false`,
		},
		"a policy whose extension does not start": {
			settings: policy(`{ name: a, type: mlsampling }`),
			errors: `processors::mltailsampling::policies[0]::type: found mlsampling, must be an extension that starts; ` +
				`add it to service::extensions, which has mladmission, health_check`,
		},
		"an extension that makes no policies": {
			settings: policy(`{ name: a, type: health_check }`),
			errors: `processors::mltailsampling::policies[0]::type: found "health_check", must be one of always_sample, and, boolean_attribute, bytes_limiting, ` +
				`composite, drop, latency, not, numeric_attribute, ottl_condition, probabilistic, rate_limiting, span_count, status_code, ` +
				`string_attribute, trace_flags, trace_state, or the extension mlsampling`,
		},
		"a misspelt class of mlsampling": {
			settings: `{ extensions: { mlsampling: { keep_all: [eror, ours] } }, service: { extensions: [mladmission, health_check, mlsampling] } }`,
			warns:    `extensions::mlsampling::keep_all[0]: found "eror", which mlsignals does not set; did you mean "error"?`,
		},
		"an extension that does not start": {
			settings: `{ exporters: { file/kept: { auth: { authenticator: basicauth/server } } } }`,
			errors: `exporters::file/kept::auth::authenticator: found "basicauth/server", must be an extension that starts; ` +
				`add it to service::extensions, which has mladmission, health_check`,
		},
		"mladmission left out": {
			settings: `{ service: { extensions: [health_check] } }`,
			errors: `receivers::otlp::protocols::grpc::middlewares[0]::id: found "mladmission", must be an extension that starts; ` +
				`add it to service::extensions, which has health_check
receivers::otlp::protocols::http::middlewares[0]::id: found "mladmission", must be an extension that starts; ` +
				`add it to service::extensions, which has health_check`,
		},
		"mlmetrics behind the sampler": {
			settings: `
service:
  pipelines:
    traces/receive: { exporters: [forward/sample] }
    traces/sample: { exporters: [file/kept, mlmetrics] }`,
			warns: `service::pipelines::traces/sample::exporters: found mlmetrics behind mltailsampling, must be ahead of it, or it counts kept traces alone; ` +
				`export to it from the pipeline that receives`,
		},
		"mlsignals missing": {
			settings: receive("processors: [memory_limiter]"),
			warns: `service::pipelines::traces/receive::processors: found no mlsignals ahead of mlmetrics, must have one, or spans of serving engines and ` +
				`all signals are missing from the metrics; add mlsignals`,
		},
		"mlsignals behind the sampler": {
			settings: `
service:
  pipelines:
    traces/receive: { processors: [memory_limiter], exporters: [forward/sample] }
    traces/sample: { processors: [mltailsampling, mlsignals, mldiagnosis] }`,
			warns: `service::pipelines::traces/sample::processors: found mlsignals behind mltailsampling, must be ahead of it, or no signal decides what is kept; ` +
				`move it ahead`,
		},
		"mldiagnosis ahead of the sampler": {
			settings: `service: { pipelines: { traces/sample: { processors: [mldiagnosis, mltailsampling] } } }`,
			warns: `service::pipelines::traces/sample::processors: found mldiagnosis ahead of mltailsampling, must be behind it, where traces are whole; ` +
				`move it behind`,
		},
		"a namespace": {
			settings: `exporters: { prometheus: { namespace: acme } }`,
			warns: `exporters::prometheus::namespace: found "acme", must be none: the rules, dashboards and queries of this project ask for other names; ` +
				`remove it`,
		},
		"a namespace for the metrics of services": {settings: `exporters: { prometheus/services: { namespace: acme } }`},
		"names as they are in OTLP": {
			settings: `exporters: { prometheus: { translation_strategy: NoTranslation } }`,
			warns: `exporters::prometheus::translation_strategy: found NoTranslation, must be UnderscoreEscapingWithSuffixes: ` +
				`the rules, dashboards and queries of this project ask for other names; remove it`,
		},
		"remote write without suffixes": {
			settings: `{ exporters: { prometheus_remote_write: { endpoint: "http://x", add_metric_suffixes: false } }, ` +
				`service: { pipelines: { metrics: { exporters: [prometheus_remote_write] } } } }`,
			warns: `exporters::prometheus_remote_write::add_metric_suffixes: found false, must be true: ` +
				`the rules, dashboards and queries of this project ask for other names; remove it`,
		},
		"a label that is there already": {
			settings: `exporters: { prometheus: { const_labels: { service_name: x, team: ml } } }`,
			errors: `exporters::prometheus::const_labels::service_name: found a label that the metrics have already, must be another one, ` +
				`or no metric can be scraped; rename it`,
		},
		"a number for a duration": {
			settings: `{ processors: { mltailsampling: { decision_wait: 10 } }, exporters: { prometheus: { metric_expiration: 5 } } }`,
			errors: `exporters::prometheus::metric_expiration: found 5 without a unit, which is 5ns, must be a duration; write it with its unit, such as 5s
processors::mltailsampling::decision_wait: found 10 without a unit, which is 10ns, must be a duration; write it with its unit, such as 10s`,
		},
		"a number for a threshold": {
			settings: `processors: { mlsignals: { signals: { high_queue_wait: { threshold: 300 } } } }`,
			errors: `processors::mlsignals::signals::high_queue_wait::threshold: found 300 without a unit, which is 300ns, must be a duration; ` +
				`write it with its unit, such as 300ms`,
		},
		"memory_limiter behind others": {
			settings: receive("processors: [mlsignals, memory_limiter]"),
			warns: `service::pipelines::traces/receive::processors: found memory_limiter behind mlsignals, must be the first, or it refuses spans after the work ` +
				`on them; move it ahead`,
		},
		"mldiagnosis without a sampler": {
			settings: `service: { pipelines: { traces/sample: { processors: [mldiagnosis], exporters: [file/kept] } } }`,
			warns: `service::pipelines::traces/sample::processors: found mldiagnosis and no sampler ahead of it, must have one, or it diagnoses parts of traces; ` +
				`put mltailsampling ahead of it`,
		},
		"mlexemplars ahead of the sampler": {
			settings: receive("exporters: [mlmetrics, forward/sample, mlexemplars]"),
			warns: `service::pipelines::traces/receive::exporters: found mlexemplars ahead of the sampler, must be behind it, or exemplars lead to traces ` +
				`that are not kept; export to it from the pipeline that samples`,
		},
		"one file for two exporters": {
			settings: `{ exporters: { file/two: { path: ./data/kept-traces.jsonl } }, service: { pipelines: { traces/sample: { exporters: [file/kept, file/two] } } } }`,
			errors:   `exporters::file/two::path: found ./data/kept-traces.jsonl, which exporters::file/kept::path is too, must be a file of its own; choose another name`,
		},
		"a home folder": {
			settings: `exporters: { file/kept: { path: ~/kept.jsonl } }`,
			warns:    `exporters::file/kept::path: found ~/kept.jsonl, which is a folder with the name ~ here, must be a path without it; write the whole path`,
		},
		"no wait": {
			settings: `processors: { mltailsampling: { decision_wait: 0s } }`,
			errors: `processors::mltailsampling::decision_wait: found 0s, must be at least 100ms; write the time from a trace's first span to its decision, ` +
				`such as 10s`,
		},
		"half a second of contrib's sampler": {
			settings: `{ processors: { tail_sampling: { decision_wait: 1500ms, policies: [{ name: a, type: always_sample }] } }, service: { pipelines: { traces/sample: { processors: [tail_sampling] } } } }`,
			warns:    `processors::tail_sampling::decision_wait: found 1500ms, must be whole seconds: tail_sampling cuts the rest; write 2s`,
		},
		"a backend without scheme": {
			settings: `{ exporters: { otlp_http/backend: { endpoint: "tempo:4318" } }, service: { pipelines: { traces/sample: { exporters: [otlp_http/backend] } } } }`,
			errors:   `exporters::otlp_http/backend::endpoint: found "tempo:4318", must be a URL that begins with http:// or https://; write http://tempo:4318`,
		},
		"a backend with half a scheme": {
			settings: `{ exporters: { otlp_http/backend: { endpoint: "http:/tempo:4318" } }, service: { pipelines: { traces/sample: { exporters: [otlp_http/backend] } } } }`,
			errors:   `exporters::otlp_http/backend::endpoint: found "http:/tempo:4318", must be a URL that begins with http:// or https://; write http://tempo:4318`,
		},
		"a backend with a mistyped scheme": {
			settings: `{ exporters: { otlp_http/backend: { endpoint: "htps://tempo:4318" } }, service: { pipelines: { traces/sample: { exporters: [otlp_http/backend] } } } }`,
			errors:   `exporters::otlp_http/backend::endpoint: found "htps://tempo:4318", must be a URL that begins with http:// or https://; write https://tempo:4318`,
		},
		"a backend without address": {
			settings: `{ exporters: { otlp_http/backend: { endpoint: } }, service: { pipelines: { traces/sample: { exporters: [otlp_http/backend] } } } }`,
			errors: `exporters::otlp_http/backend::endpoint: found no value, must be a URL such as http://tempo:4318; ` +
				`set the environment variable or the key that it comes from`,
		},
		"a code that is no status": {
			settings: policy(`{ name: a, type: status_code, status_code: { status_codes: [error, 2] } }`),
			errors: `processors::mltailsampling::policies[0]::status_code::status_codes[0]: found "error", must be one of ERROR, OK, UNSET; did you mean "ERROR"?
processors::mltailsampling::policies[0]::status_code::status_codes[1]: found "2", must be one of ERROR, OK, UNSET`,
		},
		"no code": {
			settings: policy(`{ name: a, type: status_code, status_code: { status_codes: [] } }`),
			errors:   `processors::mltailsampling::policies[0]::status_code::status_codes: found none, must be at least one of ERROR, OK, UNSET; write [ERROR]`,
		},
		"two policies of one name": {
			settings: policy(`{ name: a, type: always_sample }, { name: a, type: always_sample }`),
			errors:   `processors::mltailsampling::policies[1]::name: found "a", which policies[0] has too, must be a name of its own; rename one of them`,
		},
		"a policy without a name": {
			settings: policy(`{ type: always_sample }`),
			errors:   `processors::mltailsampling::policies[0]::name: found no value, must be a name of its own; add one`,
		},
		"a policy without settings": {
			settings: policy(`{ name: a, type: latency }`),
			errors:   `processors::mltailsampling::policies[0]::latency: found no settings, must have those of the type; add them below this key`,
		},
		"a policy that is no block": {
			settings: policy(`errors`),
			errors:   `processors::mltailsampling::policies[0]: found "errors", must be a block; write name: and type: below it`,
		},
		"no policy": {
			settings: `processors: { mltailsampling: { policies: [] } }`,
			warns:    `processors::mltailsampling::policies: found none, must be at least one, or no trace is kept; add one, such as { name: all, type: always_sample }`,
		},
		"a type that cannot stand below and": {
			settings: policy(`{ name: a, type: and, and: { and_sub_policy: [{ name: b, type: drop, drop: {} }] } }`),
			errors: `processors::mltailsampling::policies[0]::and::and_sub_policy[0]::type: found drop, which cannot stand here, must be one of always_sample, ` +
				`boolean_attribute, bytes_limiting, latency, not, numeric_attribute, ottl_condition, probabilistic, rate_limiting, span_count, status_code, ` +
				`string_attribute, trace_flags, trace_state; write it as a policy of its own`,
		},
		"and of nothing": {
			settings: policy(`{ name: a, type: and, and: { and_sub_policy: [] } }`),
			errors: `processors::mltailsampling::policies[0]::and::and_sub_policy: found no policy, must have at least one; ` +
				`write it like { name: a, type: always_sample }`,
		},
		"an OTTL condition that cannot be parsed": {
			settings: policy(`{ name: a, type: ottl_condition, ottl_condition: { span: ["IsRoot()"] } }`),
			errors: `processors::mltailsampling::policies[0]: found a policy that tail_sampling cannot load, must be one that it can: ` +
				`unable to parse OTTL condition "IsRoot()": undefined function "IsRoot"; correct it`,
		},
		"no condition": {
			settings: policy(`{ name: a, type: ottl_condition, ottl_condition: { error_mode: ignore } }`),
			errors: `processors::mltailsampling::policies[0]::ottl_condition: found no condition, must have one below span or spanevent; ` +
				`write it like span: ['IsRootSpan()']`,
		},
		"an expression that cannot be parsed": {
			settings: policy(`{ name: a, type: string_attribute, string_attribute: { key: k, values: ["("], enabled_regex_matching: true } }`),
			errors: "processors::mltailsampling::policies[0]: found a policy that tail_sampling cannot load, must be one that it can: " +
				"invalid regex `(`: error parsing regexp: missing closing ): `(`; correct it",
		},
		"no attribute, no value": {
			settings: policy(`{ name: a, type: string_attribute, string_attribute: { enabled_regex_matching: true } }`),
			errors: `processors::mltailsampling::policies[0]::string_attribute::key: found no value, must be the key of an attribute; write it like key: ml.stage
processors::mltailsampling::policies[0]::string_attribute::values: found none, must be at least one; write them like values: [a, b]`,
		},
		"a signal that is false": {
			settings: policy(`{ name: a, type: boolean_attribute, boolean_attribute: { key: ml.signal.cold_start, value: false } }`),
			errors: `processors::mltailsampling::policies[0]::boolean_attribute::value: found false, must be true, the only value that mlsignals sets ` +
				`ml.signal.cold_start to; write value: true, and invert_match: true for the traces without it`,
		},
		"a signal compared with a string": {
			settings: policy(`{ name: a, type: ottl_condition, ottl_condition: { span: ['attributes["ml.signal.cold_start"] == "true"'] } }`),
			errors: `processors::mltailsampling::policies[0]::ottl_condition::span[0]: found attributes["ml.signal.cold_start"] == "true", ` +
				`which never compares as meant, must be compared with a bool; write attributes["ml.signal.cold_start"] == true`,
		},
		"a signal compared with false, from the other side": {
			settings: policy(`{ name: a, type: ottl_condition, ottl_condition: { span: ['false == span.attributes["ml.signal.cold_start"]'] } }`),
			errors: `processors::mltailsampling::policies[0]::ottl_condition::span[0]: found false == span.attributes["ml.signal.cold_start"], ` +
				`which never compares as meant, must be compared with true, for mlsignals sets signals to nothing else; ` +
				`write span.attributes["ml.signal.cold_start"] != true`,
		},
		"a number compared with a string": {
			settings: policy(`{ name: a, type: ottl_condition, ottl_condition: { span: ['attributes["ml.inference.queue_wait_ms"] > "300"'] } }`),
			errors: `processors::mltailsampling::policies[0]::ottl_condition::span[0]: found attributes["ml.inference.queue_wait_ms"] > "300", ` +
				`which never compares as meant, must be compared with a number; write attributes["ml.inference.queue_wait_ms"] > 300`,
		},
		"comparisons that can be true": {
			settings: policy(`{ name: a, type: ottl_condition, ottl_condition: { span: ['attributes["ml.signal.cold_start"] != true and ` +
				`attributes["ml.inference.queue_wait_ms"] > 300 and attributes["ml.model.name"] == "a" and attributes["x"] == "true"'] } }`),
		},
		"a comparison in another processor": {
			settings: "{ processors: { filter: { traces: { span: ['attributes[\"ml.signal.cold_start\"] == \"true\"'] } } }, " +
				receive("processors: [mlsignals, filter]") + " }",
			warns: `processors::filter::traces::span[0]: found attributes["ml.signal.cold_start"] == "true", which never compares as meant, ` +
				`must be compared with a bool; write attributes["ml.signal.cold_start"] == true`,
		},
		"a misspelt segment": {
			settings: policy(`{ name: a, type: string_attribute, string_attribute: { key: ml.pipelin.name, values: [x] } }`),
			warns:    `processors::mltailsampling::policies[0]::string_attribute::key: found "ml.pipelin.name", which mlsignals does not write; did you mean "ml.pipeline.name"?`,
		},
		"a misspelt beginning, in OTTL": {
			settings: policy(`{ name: a, type: ottl_condition, ottl_condition: { span: ['resource.attributes["mll.pipeline.name"] == "x"'] } }`),
			warns:    `processors::mltailsampling::policies[0]::ottl_condition::span[0]: found "mll.pipeline.name", which mlsignals does not write; did you mean "ml.pipeline.name"?`,
		},
		"underscores for dots": {
			settings: policy(`{ name: a, type: string_attribute, string_attribute: { key: ml_model_name, values: [x] } }`),
			warns:    `processors::mltailsampling::policies[0]::string_attribute::key: found "ml_model_name", which mlsignals does not write; did you mean "ml.model.name"?`,
		},
		"attributes of the user's own": {
			settings: policy(`{ name: a, type: string_attribute, string_attribute: { key: user.tier, values: [x] } }, ` +
				`{ name: b, type: string_attribute, string_attribute: { key: ml.team.owner, values: [x] } }`),
		},
		"a misspelt attribute of pass_on and of a metric": {
			settings: `{ processors: { mltailsampling: { pass_on: { any: [{ attribute: ml.stages, values: [x] }] } } }, ` +
				`connectors: { mlmetrics: { metrics: { x: { kind: counter, attribute: ml.output.token } } } } }`,
			warns: `connectors::mlmetrics::metrics::x::attribute: found "ml.output.token", which mlsignals does not write; did you mean "ml.output.tokens"?
processors::mltailsampling::pass_on::any[0]::attribute: found "ml.stages", which mlsignals does not write; did you mean "ml.stage"?`,
		},
		"more than all": {
			settings: policy(`{ name: a, type: probabilistic, probabilistic: { sampling_percentage: 300 } }`),
			errors: `processors::mltailsampling::policies[0]::probabilistic::sampling_percentage: found 300, must be a percentage from 0 to 100; ` +
				`write 100 to keep all traces`,
		},
		"a share for a percentage": {
			settings: policy(`{ name: a, type: probabilistic, probabilistic: { sampling_percentage: 0.03 } }`),
			warns: `processors::mltailsampling::policies[0]::probabilistic::sampling_percentage: found 0.03, which is 30 of 100,000 traces: ` +
				`it is a percentage; for 3 % write 3`,
		},
		"bounds that exclude all": {
			settings: policy(`{ name: a, type: span_count, span_count: { min_spans: 10, max_spans: 5 } }, { name: b, type: latency, latency: { threshold_ms: -5 } }, ` +
				`{ name: c, type: rate_limiting, rate_limiting: {} }`),
			errors: `processors::mltailsampling::policies[0]::span_count::min_spans: found 10, must be at most max_spans, which is 5, or nothing matches; exchange them
processors::mltailsampling::policies[1]::latency::threshold_ms: found -5, must be at least 0; remove the minus
processors::mltailsampling::policies[2]::rate_limiting::spans_per_second: found 0, must be at least 1, or nothing is kept; raise it`,
		},
		"shares of no policy": {
			settings: policy(`{ name: a, type: composite, composite: { max_total_spans_per_second: 9, policy_order: [c], ` +
				`composite_sub_policy: [{ name: b, type: always_sample }], rate_allocation: [{ policy: b, percent: 120 }] } }`),
			warns: `processors::mltailsampling::policies[0]::composite::policy_order[0]: found "c", must be one of b
processors::mltailsampling::policies[0]::composite::rate_allocation: found 120 percent in all, must be at most 100; lower them`,
		},
		"a number for no wait": {
			settings: `processors: { mltailsampling: { decision_wait: 0 } }`,
			errors: `processors::mltailsampling::decision_wait: found 0s, must be at least 100ms; write the time from a trace's first span to its decision, ` +
				`such as 10s`,
		},
		"the port of gRPC": {
			settings: `{ exporters: { otlp_http/backend: { endpoint: "http://tempo:4317" } }, service: { pipelines: { traces/sample: { exporters: [otlp_http/backend] } } } }`,
			warns: `exporters::otlp_http/backend::endpoint: found http://tempo:4317, whose port is OTLP over gRPC at most backends, must be that of HTTP; ` +
				`write port 4318, or use the exporter otlp_grpc`,
		},
		"the port of HTTP": {
			settings: `{ exporters: { otlp: { endpoint: "tempo:4318" } }, service: { pipelines: { traces/sample: { exporters: [otlp] } } } }`,
			warns: `exporters::otlp::endpoint: found tempo:4318, whose port is OTLP over HTTP at most backends, must be that of gRPC; ` +
				`write port 4317, or use the exporter otlp_http`,
		},
		"a backend over gRPC without a port": {
			settings: `{ exporters: { otlp_grpc: { endpoint: tempo } }, service: { pipelines: { traces/sample: { exporters: [otlp_grpc] } } } }`,
			errors:   `exporters::otlp_grpc::endpoint: found "tempo", must be host:port; add the port, like tempo:4317`,
		},
		"a pipeline of no signal": {
			settings: `service: { pipelines: { trace/more: { receivers: [otlp], exporters: [nop] } } }`,
			errors: `service::pipelines::trace/more: found a pipeline of an unknown signal, must be one of logs, metrics, traces, with a name like traces/sample; ` +
				`did you mean "traces"?`,
		},
		"a path that is added": {
			settings: `{ exporters: { otlp_http: { endpoint: "http://tempo:4318/v1/traces" } }, service: { pipelines: { traces/sample: { exporters: [otlp_http] } } } }`,
			warns:    `exporters::otlp_http::endpoint: found http://tempo:4318/v1/traces, to which the exporter adds /v1/traces, must be without; write http://tempo:4318`,
		},
		"a URL without a host": {
			settings: `{ exporters: { otlp_http: { endpoint: "http://" } }, service: { pipelines: { traces/sample: { exporters: [otlp_http] } } } }`,
			errors:   `exporters::otlp_http::endpoint: found "http://", must be a URL with a host and without spaces; write it like http://tempo:4318`,
		},
		"a proxy that is no URL": {
			settings: `exporters: { file/kept: { proxy_url: "proxy:3128" } }`,
			errors:   `exporters::file/kept::proxy_url: found "proxy:3128", must be a URL; write it like http://proxy:3128`,
		},
		"samplers and brokers": {
			settings: `{ exporters: { load_balancing: { resolver: { static: { hostnames: "http://a:1,b:4318,c:x" }, dns: { hostname: "d:4317", port: x } } }, ` +
				`kafka: { brokers: [e] } }, service: { pipelines: { traces/sample: { exporters: [load_balancing, kafka] } } } }`,
			errors: `exporters::load_balancing::resolver::static::hostnames: found "http://a:1", must be host:port and without scheme; write a:1
exporters::load_balancing::resolver::static::hostnames: found "c:x", must have a port from 1 to 65535; write it like 10.0.0.1:4317
exporters::load_balancing::resolver::dns::hostname: found "d:4317", must be a host without port; write d, and the port below port
exporters::load_balancing::resolver::dns::port: found "x", must be a number from 1 to 65535; write it like 4317
exporters::kafka::brokers: found "e", must be host:port; add the port, like localhost:9092`,
			warns: `exporters::load_balancing::resolver::static::hostnames: found b:4318, whose port is OTLP over HTTP, must be that of gRPC; write port 4317`,
		},
		"an encoding of Kafka's messages": {
			settings: `{ exporters: { kafka: { traces: { encoding: otlp_protos } } }, service: { pipelines: { traces/sample: { exporters: [kafka] } } } }`,
			errors: `exporters::kafka::traces::encoding: found "otlp_protos", must be one of otlp_proto, otlp_json, jaeger_proto, jaeger_json, zipkin_proto, ` +
				`zipkin_json; did you mean "otlp_proto"?`,
		},
		"extensions of another kind": {
			settings: `{ receivers: { otlp: { protocols: { grpc: { auth: { authenticator: health_check }, middlewares: [{ id: health_check }] } } } }, ` +
				`exporters: { file/kept: { sending_queue: { storage: mladmission } } } }`,
			errors: `exporters::file/kept::sending_queue::storage: found "mladmission", must be an extension of type file_storage; name another one
receivers::otlp::protocols::grpc::auth::authenticator: found "health_check", must be an extension of type basicauth, bearertokenauth; name another one
receivers::otlp::protocols::grpc::middlewares[0]::id: found "health_check", must be an extension of type mladmission; name another one`,
		},
		"passwords of senders for a backend": {
			settings: `{ extensions: { basicauth: { htpasswd: { inline: "a:b" } } }, exporters: { file/kept: { auth: { authenticator: basicauth } } }, ` +
				`service: { extensions: [mladmission, health_check, basicauth] } }`,
			errors: `exporters::file/kept::auth::authenticator: found "basicauth", which has htpasswd, must be one with client_auth; configure another basicauth`,
		},
		"a protocol of the collector's own metrics": {
			settings: `service: { telemetry: { metrics: { readers: [{ periodic: { exporter: { otlp: { protocol: http } } } }] } } }`,
			errors:   `service::telemetry::metrics::readers[0]::periodic::exporter::otlp::protocol: found "http", must be one of grpc, http/protobuf`,
		},
		"a log of another kind": {
			settings: `service: { telemetry: { logs: { encoding: jsonn } } }`,
			errors:   `service::telemetry::logs::encoding: found "jsonn", must be one of console, json; did you mean "json"?`,
		},
		"a misspelt block": {
			settings: `{ processor: { batch: {} }, service: { pipeline: {} } }`,
			errors: `processor: found an unknown key, must be one of connectors, exporters, extensions, processors, receivers, service; did you mean "processors"?
service::pipeline: found an unknown key, must be one of extensions, pipelines, telemetry; did you mean "pipelines"?`,
		},
		"components that are not configured": {
			settings: `{ service: { extensions: [mladmision], pipelines: { traces/sample: { processors: [mldiagnosys], exporters: [otlp] } } } }`,
			errors: `service::pipelines::traces/sample::processors: found "mldiagnosys", must be one that is configured in processors, which has ` +
				`delta_to_cumulative, memory_limiter, memory_limiter/services, mldiagnosis, mlsignals, mltailsampling; did you mean "mldiagnosis"?
service::pipelines::traces/sample::exporters: found "otlp", must be one that is configured in exporters or connectors, which has ` +
				`file/kept, forward/sample, mlexemplars, mlmetrics, mlview, nop, prometheus, prometheus/services
service::extensions: found "mladmision", must be one that is configured in extensions, which has health_check, mladmission; did you mean "mladmission"?`,
		},
		"one mlmetrics ahead of the sampler and behind it": {
			settings: `service: { pipelines: { traces/sample: { exporters: [file/kept, mlmetrics] } } }`,
			warns: `service::pipelines::traces/sample::exporters: found mlmetrics, which counts ahead of mltailsampling too, must be another one, ` +
				`or kept traces are counted twice; write mlmetrics/kept`,
		},
		"a second mlmetrics for kept traces": {
			settings: `{ connectors: { mlmetrics/kept: {} }, exporters: { prometheus/kept: { endpoint: "localhost:9467" } }, service: { pipelines: { ` +
				`traces/sample: { exporters: [file/kept, mlmetrics/kept] }, metrics/kept: { receivers: [mlmetrics/kept], exporters: [prometheus/kept] } } } }`,
		},
		"two mlmetrics in one exporter": {
			settings: `{ connectors: { mlmetrics/kept: {} }, service: { pipelines: { ` +
				`traces/sample: { exporters: [file/kept, mlmetrics/kept] }, metrics: { receivers: [mlmetrics, mlmetrics/kept] } } } }`,
			warns: `exporters::prometheus: found the metrics of mlmetrics and mlmetrics/kept, must be those of one, or they overwrite each other; ` +
				`export those of mlmetrics/kept with an exporter of their own`,
		},
		"a component that nothing uses": {settings: `exporters: { otlp_http/other: { endpoint: "tempo:4318" } }`},
	} {
		t.Run(name, func(t *testing.T) {
			r := Check(merged(t, "otelcol.yaml", test.settings), nil)
			err := errors.Join(r.Errors...)
			if test.errors == "" {
				assert.NoError(t, err)
			} else {
				assert.EqualError(t, err, test.errors)
			}
			assert.Equal(t, test.warns, strings.Join(r.Warnings, "\n"))
		})
	}
}

// TestShippedFiles: nothing is found in what is shipped.
func TestShippedFiles(t *testing.T) {
	files, err := filepath.Glob("../../deploy/*/*.yaml")
	require.NoError(t, err)
	checked := 0
	for _, file := range append(files, "../../otelcol.yaml") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		content, path := string(text), strings.TrimPrefix(file, "../../")
		var settings map[string]any
		switch {
		case !strings.Contains(content, "\nservice:"):
			continue // not a collector's, or without a pipeline
		case strings.Contains(content, "Overlay of otelcol.yaml"):
			content = strings.ReplaceAll(content, "${env:OTELCOL_ML_OTLP_ENDPOINT}", "http://tempo:4318")
			settings = merged(t, "otelcol.yaml", content)
		default:
			settings = merged(t, path)
		}
		r := Check(settings, nil)
		assert.Empty(t, r.Errors, path)
		assert.Empty(t, r.Warnings, path)
		checked++
	}
	assert.Greater(t, checked, 10)
}

func TestKept(t *testing.T) {
	for settings, want := range map[string]string{
		`{}`: "Kept traces go to file/kept (./data/kept-traces.jsonl)",
		`{ exporters: { otlp_http/backend: { endpoint: "http://tempo:4318" } }, service: { pipelines: { traces/sample: { exporters: [otlp_http/backend, file/kept] } } } }`: "" +
			"Kept traces go to file/kept (./data/kept-traces.jsonl) and to otlp_http/backend (http://tempo:4318)",
		`service: { pipelines: { traces/sample: { exporters: [mlview] } } }`: "Kept traces are stored nowhere",
		`service: { pipelines: { traces/sample: { processors: [] } } }`:      "",
	} {
		assert.Equal(t, want, Check(merged(t, "otelcol.yaml", settings), nil).Kept, settings)
	}
}

// TestConverter: errors stop, warnings and the way of kept traces are logged, and nothing is changed.
func TestConverter(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	settings := confmap.ConverterSettings{Logger: zap.New(core)}
	conf := confmap.NewFromStringMap(merged(t, "otelcol.yaml", "exporters: { prometheus: { namespace: acme } }"))
	before := conf.ToStringMap()
	require.NoError(t, Factory(nil, nil).Create(settings).Convert(t.Context(), conf))
	assert.Equal(t, before, conf.ToStringMap())
	require.Equal(t, 2, logs.Len())
	assert.Contains(t, logs.All()[0].Message, "exporters::prometheus::namespace")
	assert.Equal(t, "Kept traces go to file/kept (./data/kept-traces.jsonl)", logs.All()[1].Message)

	var warned []string
	require.NoError(t, Factory(nil, func(text string) { warned = append(warned, text) }).Create(settings).Convert(t.Context(), conf))
	assert.Len(t, warned, 1)

	conf = confmap.NewFromStringMap(merged(t, "otelcol.yaml", "processors: { mltailsampling: { decision_wait: 10 } }"))
	assert.ErrorContains(t, Factory(nil, nil).Create(settings).Convert(t.Context(), conf), "decision_wait")
}
