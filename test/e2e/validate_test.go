package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestValidateAgreesWithStart gives each configuration to `validate` and to a start. Both refuse it or neither does, and
// what validate says names the key, and the variable where the value comes from one.
func TestValidateAgreesWithStart(t *testing.T) {
	t.Parallel()
	policy := func(p string) string { return "yaml:processors: { mltailsampling: { policies: [" + p + "] } }" }
	overlay := func(path string) string { return "deploy/" + path }
	for name, test := range map[string]struct {
		settings []string
		env      []string
		says     string // of the error, empty where the collector starts
	}{
		"as shipped":                  {},
		"an overlay":                  {settings: []string{overlay("backend/otelcol.yaml")}, env: []string{"OTELCOL_ML_OTLP_ENDPOINT=http://localhost:1"}},
		"a share for a percentage":    {settings: []string{policy("{ name: a, type: probabilistic, probabilistic: { sampling_percentage: 0.03 } }")}},
		"unset variable of a backend": {settings: []string{overlay("backend/otelcol.yaml")}, says: "exporters::otlp_http/backend::endpoint (OTELCOL_ML_OTLP_ENDPOINT): found no value"},
		"unset variables of TLS":      {settings: []string{overlay("open-network/tls.yaml")}, says: "receivers::otlp::protocols::grpc::tls::cert_file (OTELCOL_ML_TLS_CERT): found no value"},
		"unset variable of a token":   {settings: []string{overlay("open-network/bearer.yaml")}, says: "extensions::bearertokenauth/senders::filename (OTELCOL_ML_TOKEN_FILE): found no value"},
		"unset variable of passwords": {settings: []string{overlay("open-network/basic.yaml")}, says: "extensions::basicauth/senders::htpasswd::file (OTELCOL_ML_HTPASSWD): found no value"},
		"unset authority":             {settings: []string{overlay("open-network/client-certificates.yaml")}, says: "tls::client_ca_file (OTELCOL_ML_TLS_CLIENT_CA): found no value"},
		"unknown hash": {
			settings: []string{overlay("privacy/otelcol.yaml")}, env: []string{"OTELCOL_ML_CONTENT_HASH=sha256"},
			says: "processors::redaction/contents::hash_function (OTELCOL_ML_CONTENT_HASH): unknown HashFunction sha256",
		},
		"a budget that is no number": {
			settings: []string{overlay("adaptive-sampling/otelcol.yaml")}, env: []string{"OTELCOL_ML_TRACE_BUDGET=100/s"},
			says: `extensions::mlsampling::budget (OTELCOL_ML_TRACE_BUDGET): found "100/s", must be a number`,
		},
		"a budget of none": {
			settings: []string{overlay("adaptive-sampling/otelcol.yaml")}, env: []string{"OTELCOL_ML_TRACE_BUDGET=0"},
			says: "extensions::mlsampling::budget (OTELCOL_ML_TRACE_BUDGET): found 0, must be above 0",
		},
		"gRPC without a port":          {env: []string{"OTELCOL_ML_GRPC_ENDPOINT=localhost"}, says: `grpc::endpoint (OTELCOL_ML_GRPC_ENDPOINT): found "localhost", must be host:port`},
		"HTTP with a scheme":           {env: []string{"OTELCOL_ML_HTTP_ENDPOINT=http://localhost:1"}, says: `http::endpoint (OTELCOL_ML_HTTP_ENDPOINT): found "http://localhost:1", must be host:port`},
		"metrics on a port alone":      {env: []string{"OTELCOL_ML_METRICS_ENDPOINT=9464"}, says: `prometheus::endpoint (OTELCOL_ML_METRICS_ENDPOINT): found "9464", must be host:port`},
		"services on no number":        {env: []string{"OTELCOL_ML_SERVICES_ENDPOINT=localhost:x"}, says: "prometheus/services::endpoint (OTELCOL_ML_SERVICES_ENDPOINT): found"},
		"the page on a large port":     {env: []string{"OTELCOL_ML_VIEW_ENDPOINT=localhost:99999"}, says: "mlview::endpoint (OTELCOL_ML_VIEW_ENDPOINT): found"},
		"health with half a port":      {env: []string{"OTELCOL_ML_HEALTH_ENDPOINT=localhost:"}, says: `health_check::endpoint (OTELCOL_ML_HEALTH_ENDPOINT): found "localhost:"`},
		"telemetry's port":             {env: []string{"OTELCOL_ML_TELEMETRY_PORT=abc"}, says: `prometheus::port (OTELCOL_ML_TELEMETRY_PORT): found "abc", must be a number from 1 to 65535`},
		"telemetry's host":             {env: []string{"OTELCOL_ML_TELEMETRY_HOST=http://x"}, says: `prometheus::host (OTELCOL_ML_TELEMETRY_HOST): found "http://x"`},
		"no wait":                      {env: []string{"OTELCOL_ML_DECISION_WAIT=0"}, says: "decision_wait (OTELCOL_ML_DECISION_WAIT): found 0s"},
		"a wait without a unit":        {env: []string{"OTELCOL_ML_DECISION_WAIT=10"}, says: "decision_wait (OTELCOL_ML_DECISION_WAIT): found 10 without a unit"},
		"a wait in words":              {env: []string{"OTELCOL_ML_DECISION_WAIT=long"}, says: `decision_wait (OTELCOL_ML_DECISION_WAIT): found "long", must be a duration`},
		"neither true nor false":       {env: []string{"OTELCOL_ML_GENAI=yes"}, says: `genai_conventions (OTELCOL_ML_GENAI): found "yes", must be true or false`},
		"two listeners on one port":    {settings: []string{"yaml:receivers: { otlp: { protocols: { grpc: { endpoint: 'localhost:1999' }, http: { endpoint: '127.0.0.1:1999' } } } }"}, says: "must be an address of its own"},
		"status codes":                 {settings: []string{policy("{ name: a, type: status_code, status_code: { status_codes: [error] } }")}, says: `policies[0]::status_code::status_codes[0]: found "error"`},
		"two policies of one name":     {settings: []string{policy("{ name: a, type: always_sample }, { name: a, type: always_sample }")}, says: `policies[1]::name: found "a"`},
		"an OTTL condition":            {settings: []string{policy("{ name: a, type: ottl_condition, ottl_condition: { span: ['IsRoot()'] } }")}, says: `policies[0]: found a policy that tail_sampling cannot load`},
		"an expression":                {settings: []string{policy("{ name: a, type: string_attribute, string_attribute: { key: k, values: ['('], enabled_regex_matching: true } }")}, says: "invalid regex"},
		"not below not":                {settings: []string{policy("{ name: a, type: not, not: { not_sub_policy: { name: b, type: not, not: {} } } }")}, says: "not_sub_policy::type: found not, which cannot stand here"},
		"encoding of the log":          {settings: []string{"yaml:service::telemetry::logs::encoding: text"}, says: "service::telemetry::logs::encoding: found"},
		"a component not there":        {settings: []string{"yaml:service::extensions: [mladmission, health_check, zpages]"}, says: `service::extensions: found "zpages"`},
		"an extension of another kind": {settings: []string{"yaml:receivers: { otlp: { protocols: { grpc: { auth: { authenticator: health_check } } } } }"}, says: `auth::authenticator: found "health_check"`},
		"a path with a space":          {settings: []string{"yaml:receivers::otlp::protocols::http::traces_url_path: /a b"}, says: `traces_url_path: found "/a b"`},
		"two files in one":             {settings: []string{"yaml:{ exporters: { file/kept: { path: /tmp/kept }, file/two: { path: /tmp/kept } }, service: { pipelines: { traces/sample: { exporters: [file/kept, file/two] } } } }"}, says: "file/two::path: found /tmp/kept"},
		"a second mlmetrics":           {settings: []string{"yaml:{ connectors: { mlmetrics/kept: {} }, exporters: { prometheus/kept: { endpoint: 'localhost:0' } }, service: { pipelines: { traces/sample: { exporters: [file/kept, mlmetrics/kept] }, metrics/kept: { receivers: [mlmetrics/kept], exporters: [prometheus/kept] } } } }"}},
		"an unknown type":              {settings: []string{"yaml:processors: { ml_signals: {} }"}, says: `did you mean "mlsignals"?`},
		"an unknown block":             {settings: []string{"yaml:processor: {}"}, says: `processor: found an unknown key`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range test.settings {
				if !strings.HasPrefix(test.settings[i], "yaml:") {
					test.settings[i] = stack.Root(t, test.settings[i])
				}
			}
			options := stack.CollectorOptions(t, test.settings...)
			options.Env = append(options.Env, test.env...)

			args := []string{"validate"}
			for _, config := range options.Configs {
				args = append(args, "--config", config)
			}
			command := exec.Command(options.Binary, args...)
			command.Env = append(os.Environ(), test.env...)
			output, err := command.CombinedOutput()

			process, launched := collector.Launch(options)
			require.NoError(t, launched)
			t.Cleanup(func() { stack.Stop(t, process.Process) })
			ctx, cancel := context.WithTimeout(t.Context(), stack.Patience)
			defer cancel()
			const ready = "Everything is ready"
			started := process.Until(ctx, "it is ready or has ended", func(context.Context) error {
				if strings.Contains(process.Log(), ready) {
					return nil
				}
				return errors.New("not ready yet")
			}) == nil

			assert.Equal(t, err == nil, started, "validate: %s\nthe start: %s", output, process.Tail(10))
			assert.Equal(t, test.says == "", started, "%s", process.Tail(10))
			if test.says != "" {
				assert.Contains(t, string(output), test.says)
				assert.Contains(t, process.Log(), test.says)
			}
		})
	}
}
