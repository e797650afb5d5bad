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
	for _, name := range all() {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

// all returns the names of all variables, sorted.
func all() (names []string) {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// readers are the files of the project that read a variable.
var readers = map[string]string{
	"OTELCOL_ML_CONTENT_HASH":             "deploy/privacy/otelcol.yaml",
	"OTELCOL_ML_CONTENT_KEY":              "deploy/privacy/otelcol.yaml",
	"OTELCOL_ML_DATA_DIR":                 "otelcol.yaml",
	"OTELCOL_ML_DECISION_WAIT":            "otelcol.yaml",
	"OTELCOL_ML_GENAI":                    "otelcol.yaml",
	"OTELCOL_ML_GRPC_ENDPOINT":            "otelcol.yaml",
	"OTELCOL_ML_HEALTH_ENDPOINT":          "otelcol.yaml",
	"OTELCOL_ML_HTPASSWD":                 "deploy/open-network/basic.yaml",
	"OTELCOL_ML_HTTP_ENDPOINT":            "otelcol.yaml",
	"OTELCOL_ML_KAFKA_BROKERS":            "deploy/kafka/gateway.yaml or sampler.yaml",
	"OTELCOL_ML_KAFKA_TOPIC":              "deploy/kafka/gateway.yaml or sampler.yaml",
	"OTELCOL_ML_LOGS_ENDPOINT":            "deploy/victorialogs/otelcol.yaml or deploy/loki/otelcol.yaml",
	"OTELCOL_ML_METRICS_ENDPOINT":         "otelcol.yaml",
	"OTELCOL_ML_OTLP_ENDPOINT":            "deploy/backend/otelcol.yaml",
	"OTELCOL_ML_PROMETHEUS_OTLP_ENDPOINT": "deploy/prometheus-otlp/otelcol.yaml",
	"OTELCOL_ML_SAMPLERS":                 "deploy/two-tier/gateway-static.yaml",
	"OTELCOL_ML_SAMPLERS_PORT":            "deploy/two-tier/gateway-dns.yaml",
	"OTELCOL_ML_SERVICES_ENDPOINT":        "otelcol.yaml",
	"OTELCOL_ML_TELEMETRY_HOST":           "otelcol.yaml",
	"OTELCOL_ML_TELEMETRY_PORT":           "otelcol.yaml",
	"OTELCOL_ML_TLS_CERT":                 "deploy/open-network/tls.yaml",
	"OTELCOL_ML_TLS_CLIENT_CA":            "deploy/open-network/client-certificates.yaml",
	"OTELCOL_ML_TLS_KEY":                  "deploy/open-network/tls.yaml",
	"OTELCOL_ML_TOKEN_FILE":               "deploy/open-network/bearer.yaml",
	"OTELCOL_ML_TRACE_BUDGET":             "deploy/adaptive-sampling/otelcol.yaml",
	"OTELCOL_ML_VIEW_ENDPOINT":            "otelcol.yaml",
}

// Environment notes which variables the configuration reads, and for which settings.
type Environment struct {
	mu   sync.Mutex
	read map[string]bool
	// last is the file that was read last.
	last string
	// files are the configurations that have been read and are not merged yet, and names where they are from.
	files []*confmap.Conf
	names []string
	// erased are warnings about settings that a later file removes.
	erased []string
	// sources is the last merged configuration with the names of variables, settings the same with their values.
	sources, settings map[string]any
}

// Watch returns a factory of the same providers, of which the environment notes what they read.
func (e *Environment) Watch(factory confmap.ProviderFactory) confmap.ProviderFactory {
	return confmap.NewProviderFactory(func(settings confmap.ProviderSettings) confmap.Provider {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.files, e.names = nil, nil // of a configuration that could not be read to its end
		return noted{factory.Create(settings), e}
	})
}

// noted is a provider of which the environment notes what it reads.
type noted struct {
	confmap.Provider
	environment *Environment
}

// Retrieve retrieves a configuration or the value of a variable and notes it.
func (n noted) Retrieve(ctx context.Context, uri string, watcher confmap.WatcherFunc) (*confmap.Retrieved, error) {
	e := n.environment
	if variable, of := strings.CutPrefix(uri, "env:"); of {
		name, _, _ := strings.Cut(variable, ":-")
		e.mu.Lock()
		if e.read == nil {
			e.read = map[string]bool{}
		}
		e.read[name] = true
		e.mu.Unlock()
	}
	retrieved, err := n.Provider.Retrieve(ctx, uri, watcher)
	if err != nil {
		return nil, err
	}
	if file, of := strings.CutPrefix(uri, "file:"); of || !strings.HasPrefix(uri, "env:") {
		e.mu.Lock()
		e.last = file
		e.mu.Unlock()
	}
	if conf, err := retrieved.AsConf(); err == nil && conf != nil { // not the value of a single setting
		e.mu.Lock()
		e.files, e.names = append(e.files, conf), append(e.names, strings.TrimPrefix(uri, "file:"))
		e.mu.Unlock()
	}
	return retrieved, nil
}

// preset are the variables that the image and the systemd unit set for otelcol.yaml. With their values they are nobody's
// mistake where another file is used.
var preset = map[string][]string{
	"OTELCOL_ML_DATA_DIR":          {"/data", "/var/lib/otelcol-ml"},
	"OTELCOL_ML_GRPC_ENDPOINT":     {"0.0.0.0:4317"},
	"OTELCOL_ML_HEALTH_ENDPOINT":   {"0.0.0.0:13133"},
	"OTELCOL_ML_HTTP_ENDPOINT":     {"0.0.0.0:4318"},
	"OTELCOL_ML_METRICS_ENDPOINT":  {"0.0.0.0:9464"},
	"OTELCOL_ML_SERVICES_ENDPOINT": {"0.0.0.0:9466"},
	"OTELCOL_ML_TELEMETRY_HOST":    {"0.0.0.0"},
}

// unread returns a warning for each variable of this project that is set and not read.
func (e *Environment) unread() (warnings []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var known []string
	for _, name := range append(sorted(e.read), sorted(readers)...) {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		known = append(known, strings.TrimPrefix(name, prefix))
	}
	names := set()
	for _, name := range names {
		if e.read[name] || serviceLink(name, names) || slices.Contains(preset[name], os.Getenv(name)) {
			continue
		}
		help := "; " + readers[name] + " reads it: add that file, or unset the variable"
		if readers[name] == "" {
			help = suggest.Hint(strings.TrimPrefix(name, prefix), known)
			help = strings.Replace(help, `"`, `"`+prefix, 1)
		}
		warnings = append(warnings, fmt.Sprintf("%s: found a variable that no file of the configuration reads, must be one that it reads%s", name, help))
	}
	// Those whose prefix is mistyped, such as OTELCOL_DATA_DIR and otelcol_ml_data_dir.
	for i, name := range known {
		known[i] = prefix + name
	}
	for _, name := range all() {
		if hint := suggest.Hint(name, known); hint != "" && !strings.HasPrefix(name, prefix) && !e.read[name] {
			warnings = append(warnings, fmt.Sprintf("%s: found a variable that no file of the configuration reads, must be one that it reads%s", name, hint))
		}
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
