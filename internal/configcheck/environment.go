package configcheck

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-ml/otelcol-ml/internal/suggest"
)

// prefix starts the names of the environment variables that the files of this project read.
const prefix = "OTELCOL_ML_"

// UnsetEmpty unsets variables of this project that are set to nothing, so that
// they have their defaults. The collector's library would put the empty text
// into the configuration: a random port on all interfaces, a file in the root.
func UnsetEmpty() error {
	for _, name := range set() {
		if os.Getenv(name) == "" {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// set returns the names of the variables of this project that are set.
func set() (names []string) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// files are the files of deploy/ that read a variable which otelcol.yaml does not.
var files = map[string]string{
	"OTELCOL_ML_TLS_CLIENT_CA":            "deploy/open-network/client-certificates.yaml",
	"OTELCOL_ML_CONTENT_HASH":             "deploy/privacy/otelcol.yaml",
	"OTELCOL_ML_CONTENT_KEY":              "deploy/privacy/otelcol.yaml",
	"OTELCOL_ML_HTPASSWD":                 "deploy/open-network/basic.yaml",
	"OTELCOL_ML_KAFKA_BROKERS":            "deploy/kafka/gateway.yaml or sampler.yaml",
	"OTELCOL_ML_KAFKA_TOPIC":              "deploy/kafka/gateway.yaml or sampler.yaml",
	"OTELCOL_ML_LOGS_ENDPOINT":            "deploy/victorialogs/otelcol.yaml or deploy/loki/otelcol.yaml",
	"OTELCOL_ML_OTLP_ENDPOINT":            "deploy/backend/otelcol.yaml",
	"OTELCOL_ML_PROMETHEUS_OTLP_ENDPOINT": "deploy/prometheus-otlp/otelcol.yaml",
	"OTELCOL_ML_SAMPLERS":                 "deploy/two-tier/gateway-static.yaml",
	"OTELCOL_ML_SAMPLERS_PORT":            "deploy/two-tier/gateway-dns.yaml",
	"OTELCOL_ML_TLS_CERT":                 "deploy/open-network/tls.yaml",
	"OTELCOL_ML_TLS_KEY":                  "deploy/open-network/tls.yaml",
	"OTELCOL_ML_TOKEN_FILE":               "deploy/open-network/bearer.yaml",
	"OTELCOL_ML_TRACE_BUDGET":             "deploy/adaptive-sampling/otelcol.yaml",
}

// Environment notes which variables the configuration reads.
type Environment struct {
	mu   sync.Mutex
	read map[string]bool
}

// Watch returns a factory of the same providers, of which the environment's notes what it reads.
func (e *Environment) Watch(factory confmap.ProviderFactory) confmap.ProviderFactory {
	return confmap.NewProviderFactory(func(settings confmap.ProviderSettings) confmap.Provider {
		provider := factory.Create(settings)
		if provider.Scheme() != "env" {
			return provider
		}
		return watched{provider, e}
	})
}

type watched struct {
	confmap.Provider
	environment *Environment
}

// Retrieve notes the variable and retrieves its value.
func (w watched) Retrieve(ctx context.Context, uri string, watcher confmap.WatcherFunc) (*confmap.Retrieved, error) {
	name, _, _ := strings.Cut(strings.TrimPrefix(uri, "env:"), ":-")
	w.environment.mu.Lock()
	if w.environment.read == nil {
		w.environment.read = map[string]bool{}
	}
	w.environment.read[name] = true
	w.environment.mu.Unlock()
	return w.Provider.Retrieve(ctx, uri, watcher)
}

// unread returns a warning for each variable of this project that is set and not read.
func (e *Environment) unread() (warnings []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var known []string
	for _, name := range append(sorted(e.read), sorted(files)...) {
		known = append(known, strings.TrimPrefix(name, prefix))
	}
	names := set()
	for _, name := range names {
		if e.read[name] || serviceLink(name, names) {
			continue
		}
		help := "; add the file that reads it: --config " + files[name]
		if files[name] == "" {
			help = suggest.Hint(strings.TrimPrefix(name, prefix), known)
			help = strings.Replace(help, `"`, `"`+prefix, 1)
		}
		warnings = append(warnings, fmt.Sprintf("%s: found a variable that no file of the configuration reads, must be one that it reads%s", name, help))
	}
	return warnings
}

// serviceLink reports whether Kubernetes set a variable to say where a Service is,
// such as OTELCOL_ML_SERVICE_HOST and OTELCOL_ML_PORT of the Service otelcol-ml.
func serviceLink(name string, set []string) bool {
	for _, other := range set {
		service, ok := strings.CutSuffix(other, "_SERVICE_HOST")
		if rest, of := strings.CutPrefix(name, service); ok && of && (rest == "_PORT" || strings.HasPrefix(rest, "_PORT_") || strings.HasPrefix(rest, "_SERVICE_")) {
			return true
		}
	}
	return false
}
