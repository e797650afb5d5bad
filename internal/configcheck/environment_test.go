package configcheck

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

// TestEnvironment: an empty variable counts as unset, and a variable that no file reads is a warning.
func TestEnvironment(t *testing.T) {
	t.Setenv("OTELCOL_ML_DATA_DIR", "")
	t.Setenv("OTELCOL_ML_GRPC_ENDPOINT", "localhost:1")
	t.Setenv("OTELCOL_ML_OTLP_ENDPONT", "http://tempo:4318")
	t.Setenv("OTELCOL_ML_OTLP_ENDPOINT", "http://tempo:4318")
	t.Setenv("OTELCOL_DATA_DIR", "/x")
	t.Setenv("otelcol_ml_data_dir", "/x")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://x:4318") // of SDKs
	t.Setenv("OTELCOL_OPTIONS", "--config x")                // of the systemd unit
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
			"deploy/backend/otelcol.yaml reads it: add that file, or unset the variable",
		"OTELCOL_ML_OTLP_ENDPONT: found a variable that no file of the configuration reads, must be one that it reads; " +
			`did you mean "OTELCOL_ML_OTLP_ENDPOINT"?`,
		`OTELCOL_DATA_DIR: found a variable that no file of the configuration reads, must be one that it reads; did you mean "OTELCOL_ML_DATA_DIR"?`,
		`otelcol_ml_data_dir: found a variable that no file of the configuration reads, must be one that it reads; did you mean "OTELCOL_ML_DATA_DIR"?`,
	}, environment.unread())
}

type fixed struct{ confmap.Provider }

func (fixed) Scheme() string { return "env" }
func (fixed) Retrieve(context.Context, string, confmap.WatcherFunc) (*confmap.Retrieved, error) {
	return confmap.NewRetrieved("x")
}

// TestReaders: every variable that a file of the project reads is known, with a file that reads it, and what it must be
// where it has no default.
func TestReaders(t *testing.T) {
	paths, err := filepath.Glob("../../deploy/*/*.yaml")
	require.NoError(t, err)
	read, required := map[string]bool{}, map[string]bool{}
	for _, path := range append(paths, "../../otelcol.yaml") {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\$\{env:(OTELCOL_ML_\w+)(:-)?`).FindAllStringSubmatch(string(text), -1) {
			read[m[1]] = true
			if m[2] == "" {
				required[m[1]] = true
			}
		}
	}
	assert.Equal(t, sorted(read), sorted(readers))
	assert.Equal(t, sorted(required), sorted(needs))
	for name, said := range readers {
		path, _, _ := strings.Cut(said, " or ")
		text, err := os.ReadFile("../../" + path)
		require.NoError(t, err)
		assert.Contains(t, string(text), name)
	}
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

// TestPreset: a variable with the value that the image or the systemd unit sets is no mistake where no file reads it.
func TestPreset(t *testing.T) {
	found := map[string][]string{}
	for path, setting := range map[string]string{
		"../../tools/package/image/main.go":       `"(OTELCOL_ML_\w+)=([^"]*)"`,
		"../../deploy/systemd/otelcol-ml.service": `(?m)^Environment=(OTELCOL_ML_\w+)=(.*)$`,
	} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(setting).FindAllStringSubmatch(string(text), -1) {
			found[m[1]] = append(found[m[1]], m[2])
		}
	}
	require.Len(t, found, len(preset))
	for name, values := range found {
		assert.ElementsMatch(t, values, preset[name], name)
	}
	t.Setenv("OTELCOL_ML_DATA_DIR", "/data")
	t.Setenv("OTELCOL_ML_METRICS_ENDPOINT", "0.0.0.0:9999")
	warnings := (&Environment{}).unread()
	require.Len(t, warnings, 1)
	assert.Contains(t, warnings[0], "OTELCOL_ML_METRICS_ENDPOINT: found a variable that no file of the configuration reads")
	assert.Contains(t, warnings[0], "otelcol.yaml reads it")
}

// TestVariables: a message about a setting names the variable that the setting comes from, and one that must be set and is
// not is an error.
func TestVariables(t *testing.T) {
	e := &Environment{}
	provider := e.Watch(confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return files{} })).
		Create(confmap.ProviderSettings{})
	for _, path := range []string{"otelcol.yaml", "deploy/open-network/tls.yaml"} {
		_, err := provider.Retrieve(t.Context(), "file:"+path, nil)
		require.NoError(t, err)
	}
	settings := merged(t, "otelcol.yaml", "receivers: { otlp: { protocols: { grpc: { tls: { cert_file: , key_file: } } } } }")
	e.settle(settings)
	var errs []string
	for _, err := range Check(settings, e).Errors {
		errs = append(errs, e.named(err.Error()))
	}
	assert.Equal(t, []string{
		"receivers::otlp::protocols::grpc::tls::cert_file (OTELCOL_ML_TLS_CERT): found no value, must be the path of the server's certificate, a PEM file; " +
			"set the environment variable OTELCOL_ML_TLS_CERT",
		"receivers::otlp::protocols::grpc::tls::key_file (OTELCOL_ML_TLS_KEY): found no value, must be the path of the key of the server's certificate, " +
			"a PEM file; set the environment variable OTELCOL_ML_TLS_KEY",
	}, errs)
	for message, want := range map[string]string{
		"processors::mltailsampling::decision_wait: found 0s":                              "processors::mltailsampling::decision_wait (OTELCOL_ML_DECISION_WAIT): found 0s",
		"processors::mltailsampling: decision_wait: found 0s":                              "processors::mltailsampling::decision_wait (OTELCOL_ML_DECISION_WAIT): found 0s",
		"service::telemetry::metrics::readers[0]::pull::exporter::prometheus::port: found": "service::telemetry::metrics::readers[0]::pull::exporter::prometheus::port (OTELCOL_ML_TELEMETRY_PORT): found",
		"processors::mltailsampling::num_traces: found 0":                                  "processors::mltailsampling::num_traces: found 0",
		"service::telemetry::metrics::readers[7]::pull: found":                             "service::telemetry::metrics::readers[7]::pull: found",
		"no path": "no path",
	} {
		assert.Equal(t, want, e.named(message))
	}
}

// TestErased: a key without a value in a later file, which removes all settings below it, is a warning.
func TestErased(t *testing.T) {
	e := &Environment{}
	provider := e.Watch(confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return inline{} })).
		Create(confmap.ProviderSettings{})
	for _, text := range []string{
		"processors: { mltailsampling: { num_traces: 5, pass_on: { max_traces: 1 } }, mldiagnosis: }",
		"processors: { mltailsampling: { num_traces: , pass_on: }, mldiagnosis: , mlsignals: }",
	} {
		_, err := provider.Retrieve(t.Context(), text, nil)
		require.NoError(t, err)
	}
	e.settle(nil)
	require.Len(t, e.erased, 1)
	assert.Contains(t, e.erased[0], "processors::mltailsampling::pass_on: found no value in processors: {")
}

// inline reads the text of the URI itself.
type inline struct{ confmap.Provider }

func (inline) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	return confmap.NewRetrievedFromYAML([]byte(uri))
}

// files reads files of the repository.
type files struct{ confmap.Provider }

func (files) Scheme() string { return "file" }
func (files) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	text, err := os.ReadFile(filepath.Join("..", "..", strings.TrimPrefix(uri, "file:")))
	if err != nil {
		return nil, err
	}
	return confmap.NewRetrievedFromYAML(text)
}
