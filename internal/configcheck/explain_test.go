package configcheck

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

// TestExplain has messages of the library, as of v0.158.0, and what is made of them.
func TestExplain(t *testing.T) {
	e := &Environment{}
	provider := e.Watch(confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return files{} })).
		Create(confmap.ProviderSettings{})
	for _, path := range []string{"otelcol.yaml", "deploy/privacy/otelcol.yaml"} {
		_, err := provider.Retrieve(t.Context(), "file:"+path, nil)
		require.NoError(t, err)
	}
	e.settle(merged(t, "otelcol.yaml", "{ processors: { redaction/contents: { hash_function: sha256, hmac_key: short } }, "+
		"service: { pipelines: { traces/receive: { processors: [redaction/contents] } } } }"))
	e.last = "my.yaml"
	const (
		get      = "failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):\n\n"
		decoding = " decoding failed due to the following error(s):\n\n"
		noYAML   = "failed to get config: cannot resolve the configuration: retrieved value (type=string) cannot be used as a Conf: " +
			"assuming string type since contents are not valid YAML: yaml: "
	)
	for message, want := range map[string]string{
		get + "'processors' error reading configuration for \"mlsignals\":" + decoding + "'' genai_conventions: found \"yes\", must be true or false": "" +
			"processors::mlsignals::genai_conventions (OTELCOL_ML_GENAI): found \"yes\", must be true or false",
		get + "'service.telemetry.metrics'" + decoding + "'readers[0].pull.exporter.prometheus.port' expected type 'int', got unconvertible type 'string'": "" +
			"service::telemetry::metrics::readers[0]::pull::exporter::prometheus::port (OTELCOL_ML_TELEMETRY_PORT): expected type 'int', got unconvertible type 'string'",
		get + "'receivers' error reading configuration for \"otlp\":" + decoding + "'protocols'" + decoding + "'grpc.middlewares[0]' expected a map or struct, got \"string\"": "" +
			"receivers::otlp::protocols::grpc::middlewares[0]: expected a map or struct, got \"string\"; write a block of keys",
		get + "'processors' error reading configuration for \"redaction/contents\":" + decoding + "'hash_function' unknown HashFunction sha256": "" +
			"processors::redaction/contents::hash_function (OTELCOL_ML_CONTENT_HASH): unknown HashFunction sha256",
		"processors::redaction/contents: hmac_key must be at least 32 bytes long for \"hmac-sha256\", got 5 bytes": "" +
			"processors::redaction/contents: hmac_key must be at least 32 bytes long for \"hmac-sha256\", got 5 bytes\n" +
			"processors::redaction/contents::hmac_key comes from OTELCOL_ML_CONTENT_KEY",
		"cannot start pipelines: failed to start \"otlp\" receiver: listen tcp 127.0.0.1:4317: bind: address already in use": "" +
			"cannot start pipelines: failed to start \"otlp\" receiver: listen tcp 127.0.0.1:4317: bind: address already in use; " +
			"another program listens there, or this one runs already; stop it, or choose another port\n" +
			"receivers::otlp::protocols::grpc::endpoint comes from OTELCOL_ML_GRPC_ENDPOINT",
		get + "'processors' unknown type: \"ml_signals\" for id: \"ml_signals\" (valid values: [batch mlsignals])": "" +
			"processors: unknown type: \"ml_signals\" for id: \"ml_signals\" (valid values: [batch mlsignals]); did you mean \"mlsignals\"?",
		noYAML + "line 2: found character that cannot start any token": "" +
			"my.yaml: found text that is not YAML: line 2: found character that cannot start any token; indent with spaces, not with tabs",
		noYAML + "unmarshal errors:\n  line 4: mapping key \"a\" already defined at line 3": "" +
			"my.yaml: found text that is not YAML: unmarshal errors: line 4: mapping key \"a\" already defined at line 3; write the key once",
		"failed to get config: cannot resolve the configuration: retrieved value (type=[]interface {}) cannot be used as a Conf": "" +
			"my.yaml: found no block of keys, must have some of connectors, exporters, extensions, processors, receivers, service; " +
			"write each key with a colon and a space behind it",
		"failed to get config: cannot unmarshal the configuration: 'connectors' error reading configuration for \"mlmetrics\": '' exemplars: found settings that are gone": "" +
			"connectors::mlmetrics::exemplars: found settings that are gone",
		"no exporter configuration specified in config": "no exporter configuration specified in config: found a file that only changes settings of another; " +
			"give that one first, as in --config otelcol.yaml --config deploy/backend/otelcol.yaml",
		"anything else": "anything else",
	} {
		err := errors.New(message)
		explained := e.Explain(err)
		assert.EqualError(t, explained, want)
		assert.ErrorIs(t, explained, err)
	}
	require.NoError(t, e.Explain(nil))
	assert.EqualError(t, e.Explain(fmt.Errorf("failed to get config: %w", mistakes("processors::mlsignals: genai_conventions"))),
		"processors::mlsignals: genai_conventions", "what the checks say stays as it is")
}
