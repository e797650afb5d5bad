package configcheck

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
			errors: `processors::mltailsampling::policies[0]::not::not_sub_policy::type: found "latencies", must be one of always_sample, and, ` +
				`boolean_attribute, bytes_limiting, composite, drop, latency, not, numeric_attribute, ottl_condition, probabilistic, rate_limiting, ` +
				`span_count, status_code, string_attribute, trace_flags, trace_state, or an extension in service::extensions; did you mean "latency"?`,
		},
		"a signal as a string": {
			settings: policy(`{ name: a, type: string_attribute, string_attribute: { key: ml.signal.queue_bound, values: ["true"] } }`),
			errors: `processors::mltailsampling::policies[0]::string_attribute::key: found ml.signal.queue_bound, which is a bool, must be a string; ` +
				`write type: boolean_attribute and boolean_attribute: { key: ml.signal.queue_bound, value: true }`,
		},
		"a double as a number": {
			settings: policy(`{ name: a, type: numeric_attribute, numeric_attribute: { key: ml.inference.queue_wait_ms, min_value: 300 } }`),
			warns: `processors::mltailsampling::policies[0]::numeric_attribute::key: found ml.inference.queue_wait_ms, which is a double, must be of type int, ` +
				`and numeric_attribute matches nothing else; use a signal, as docs/sampling.md says, ` +
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
			errors: `processors::mltailsampling::policies[0]::type: found "mlsampling", must be one of always_sample, and, boolean_attribute, bytes_limiting, ` +
				`composite, drop, latency, not, numeric_attribute, ottl_condition, probabilistic, rate_limiting, span_count, status_code, ` +
				`string_attribute, trace_flags, trace_state, or an extension in service::extensions`,
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
		"no wait": {
			settings: `processors: { mltailsampling: { decision_wait: 0s } }`,
			errors: `processors::mltailsampling::decision_wait: found 0s, must be at least 100ms; write the time from a trace's first span to its decision, ` +
				`such as 10s`,
		},
		"half a second of contrib's sampler": {
			settings: `{ processors: { tail_sampling: { decision_wait: 1500ms } }, service: { pipelines: { traces/sample: { processors: [tail_sampling] } } } }`,
			warns:    `processors::tail_sampling::decision_wait: found 1500ms, must be whole seconds: tail_sampling cuts the rest; write 2s`,
		},
		"a backend without scheme": {
			settings: `{ exporters: { otlp_http/backend: { endpoint: "tempo:4318" } }, service: { pipelines: { traces/sample: { exporters: [otlp_http/backend] } } } }`,
			errors:   `exporters::otlp_http/backend::endpoint: found "tempo:4318", must be a URL that begins with http:// or https://; write http://tempo:4318`,
		},
		"a backend without address": {
			settings: `{ exporters: { otlp_http/backend: { endpoint: } }, service: { pipelines: { traces/sample: { exporters: [otlp_http/backend] } } } }`,
			errors: `exporters::otlp_http/backend::endpoint: found no value, must be a URL such as http://tempo:4318; ` +
				`set the environment variable or the key that it comes from`,
		},
		"a component that nothing uses": {settings: `exporters: { otlp_http/other: { endpoint: "tempo:4318" } }`},
	} {
		t.Run(name, func(t *testing.T) {
			r := Check(merged(t, "otelcol.yaml", test.settings))
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
		case strings.Contains(content, "--config otelcol.yaml --config "+path):
			content = strings.ReplaceAll(content, "${env:OTELCOL_ML_OTLP_ENDPOINT}", "http://tempo:4318")
			settings = merged(t, "otelcol.yaml", content)
		default:
			settings = merged(t, path)
		}
		r := Check(settings)
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
		assert.Equal(t, want, Check(merged(t, "otelcol.yaml", settings)).Kept, settings)
	}
}

// TestEnvironment: an empty variable counts as unset, and a variable that no file reads is a warning.
func TestEnvironment(t *testing.T) {
	t.Setenv("OTELCOL_ML_DATA_DIR", "")
	t.Setenv("OTELCOL_ML_GRPC_ENDPOINT", "localhost:1")
	t.Setenv("OTELCOL_ML_OTLP_ENDPONT", "http://tempo:4318")
	t.Setenv("OTELCOL_ML_OTLP_ENDPOINT", "http://tempo:4318")
	require.NoError(t, UnsetEmpty())
	_, isSet := os.LookupEnv("OTELCOL_ML_DATA_DIR")
	assert.False(t, isSet)

	environment := &Environment{}
	provider := environment.Watch(confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return fixed{} })).
		Create(confmap.ProviderSettings{})
	_, err := provider.Retrieve(t.Context(), "env:OTELCOL_ML_GRPC_ENDPOINT:-localhost:4317", nil)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"OTELCOL_ML_OTLP_ENDPOINT: found a variable that no file of the configuration reads, must be one that it reads; " +
			"add the file that reads it: --config deploy/backend/otelcol.yaml",
		"OTELCOL_ML_OTLP_ENDPONT: found a variable that no file of the configuration reads, must be one that it reads; " +
			`did you mean "OTELCOL_ML_OTLP_ENDPOINT"?`,
	}, environment.unread())
}

type fixed struct{ confmap.Provider }

func (fixed) Scheme() string { return "env" }
func (fixed) Retrieve(context.Context, string, confmap.WatcherFunc) (*confmap.Retrieved, error) {
	return confmap.NewRetrieved("x")
}

// TestFiles: every variable that only a file of deploy/ reads is known, and the file does read it.
func TestFiles(t *testing.T) {
	shipped, err := os.ReadFile("../../otelcol.yaml")
	require.NoError(t, err)
	paths, err := filepath.Glob("../../deploy/*/*.yaml")
	require.NoError(t, err)
	var read []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\$\{env:(OTELCOL_ML_\w+)`).FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(string(shipped), "env:"+m[1]) {
				read = append(read, m[1])
			}
		}
	}
	slices.Sort(read)
	assert.Equal(t, slices.Compact(read), sorted(files))
	for name, said := range files {
		path, _, _ := strings.Cut(said, " or ")
		text, err := os.ReadFile("../../" + path)
		require.NoError(t, err)
		assert.Contains(t, string(text), name)
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

// TestServiceLinks checks that what Kubernetes sets for the Service otelcol-ml is no mistake, and a mistake beside it still is.
func TestServiceLinks(t *testing.T) {
	for _, name := range []string{
		"OTELCOL_ML_SERVICE_HOST", "OTELCOL_ML_SERVICE_PORT", "OTELCOL_ML_SERVICE_PORT_OTLP_GRPC", "OTELCOL_ML_PORT", "OTELCOL_ML_PORT_4317_TCP",
		"OTELCOL_ML_PORT_4317_TCP_ADDR", "OTELCOL_ML_COLLECTOR_SERVICE_HOST", "OTELCOL_ML_COLLECTOR_PORT_4318_TCP_PROTO",
	} {
		t.Setenv(name, "set")
	}
	t.Setenv("OTELCOL_ML_METRICS_PORT", "9464")
	environment := &Environment{}
	warnings := environment.unread()
	require.Len(t, warnings, 1)
	assert.Contains(t, warnings[0], "OTELCOL_ML_METRICS_PORT: ")
}
