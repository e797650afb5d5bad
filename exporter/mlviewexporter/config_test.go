package mlviewexporter

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct {
		settings map[string]any
		want     string
	}{
		{map[string]any{"endpoint": "localhost"}, `endpoint: found "localhost", must be host:port; write it like localhost:9465`},
		{map[string]any{"endpoint": "localhost:"}, `endpoint: found "localhost:", must be host:port; write it like localhost:9465`},
		{map[string]any{"memory_mib": 1}, "memory_mib: found 1, must be a whole number from 4 to 65536; leave it out for 64"},
		{map[string]any{"trace_url": "http://tempo:3200"}, `trace_url: found "http://tempo:3200", must be an http or https address with {trace_id} in it; write it like http://localhost:16686/trace/{trace_id}`},
		{map[string]any{"trace_url": "javascript:alert({trace_id})"}, `trace_url: found "javascript:alert({trace_id})", must be an http or https address`},
		{map[string]any{"telemetry_endpoint": "localhost:8888"}, `telemetry_endpoint: found "localhost:8888", must be an http or https address; write it like http://localhost:8888/metrics`},
		{map[string]any{"hosts": []any{"https://ml.example.com"}}, `hosts[0]: found "https://ml.example.com", must be the name of a host alone; write it like ml.example.com`},
		{map[string]any{"auth": map[string]any{"authenticator": "basic auth"}}, `auth::authenticator: found "basic auth", must be the ID of an extension; write it like basicauth/server`},
		{map[string]any{"tls": map[string]any{"cert_file": "a"}}, `tls: found cert_file "a" and key_file "", must be both or neither; set the one that is missing`},
		{map[string]any{"memory": 64}, "memory: found an unknown key"},
		{map[string]any{"memory_mib": "much"}, "memory_mib: found"},
	} {
		cfg := createDefaultConfig().(*Config)
		err := cfg.Unmarshal(confmap.NewFromStringMap(c.settings))
		if err == nil {
			err = cfg.Validate()
		}
		assert.ErrorContains(t, err, c.want)
	}
}

func TestGoodConfigs(t *testing.T) {
	for _, settings := range []map[string]any{
		{}, {"endpoint": ":9465"}, {"endpoint": "[::1]:0"}, {"telemetry_endpoint": ""}, {"hosts": []any{"a.example", "b"}},
		{"trace_url": "https://grafana.example/explore?left=%7B{trace_id}%7D"}, {"auth": map[string]any{"authenticator": "oidc"}}, {"memory_mib": 1024},
	} {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, cfg.Unmarshal(confmap.NewFromStringMap(settings)))
		assert.NoError(t, cfg.Validate(), "%v", settings)
	}
}

// TestREADME fails where the page differs from the code. `go test -update` writes it.
func TestREADME(t *testing.T) {
	golden.EqualSchema(t, "config.schema.json", createDefaultConfig(), settingMeanings)
	golden.EqualSections(t, "README.md", map[string]string{
		"settings": golden.SettingsTable(t, createDefaultConfig(), settingMeanings),
	})
}

// settingMeanings has a line for each setting of the README.
var settingMeanings = map[string]string{
	"endpoint":            "address of the page, host:port",
	"memory_mib":          "memory for traces (three quarters) and metrics (a quarter); the oldest traces are evicted first",
	"trace_url":           "URL of a trace in Tempo or Jaeger, with `{trace_id}` for its ID; the page of a trace links to it",
	"telemetry_endpoint":  "URL of the collector's own metrics, for \"What arrives\"; `\"\"`: none",
	"hosts":               "host names that requests may use, besides `localhost`, IP addresses and the endpoint's host; not needed with `auth`",
	"auth::authenticator": "extension that authenticates requests, such as `basicauth/server`",
	"tls::cert_file":      "TLS certificate, a PEM file",
	"tls::key_file":       "key of the certificate, a PEM file",
}
