package mlviewexporter

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/page"
	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
)

// Config is the configuration of the exporter. Every setting has a default.
type Config struct {
	// Endpoint is the address of the page, host:port. Default localhost:9465.
	Endpoint string `mapstructure:"endpoint"`
	// MemoryMiB limits the memory of traces and metrics, in MiB. 4 to 65,536, default 64.
	MemoryMiB int `mapstructure:"memory_mib"`
	// TraceURL is the URL of a trace in Tempo or Jaeger, with {trace_id} for its ID. Default: none.
	TraceURL string `mapstructure:"trace_url"`
	// TelemetryEndpoint is the URL of the collector's own metrics. Empty: none. Default http://localhost:8888/metrics.
	TelemetryEndpoint string `mapstructure:"telemetry_endpoint"`
	// Hosts are host names that requests may use, in addition to those of the machine itself. Default: none.
	Hosts []string `mapstructure:"hosts"`
	// Auth configures the authentication of requests.
	Auth AuthConfig `mapstructure:"auth"`
	// TLS configures encryption.
	TLS TLSConfig `mapstructure:"tls"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// AuthConfig configures the authentication of requests.
type AuthConfig struct {
	// Authenticator is the ID of an extension, such as basicauth/server. Empty (default): no authentication.
	Authenticator string `mapstructure:"authenticator"`
}

// TLSConfig configures encryption. Either both files are set or neither.
type TLSConfig struct {
	// CertFile and KeyFile are the paths of the certificate and its key, in PEM. Empty (default): no encryption.
	CertFile string `mapstructure:"cert_file"`
	KeyFile  string `mapstructure:"key_file"`
}

const (
	defaultEndpoint  = "localhost:9465"
	defaultMemoryMiB = 64
	leastMemoryMiB   = 4
	mostMemoryMiB    = 64 << 10
)

func createDefaultConfig() component.Config {
	return &Config{
		Endpoint: defaultEndpoint, MemoryMiB: defaultMemoryMiB,
		TelemetryEndpoint: "http://localhost:8888/metrics",
	}
}

// Unmarshal decodes the settings. The error for an unknown key names the allowed ones.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return knownkeys.Unmarshal(conf, c) }

// Validate returns an error that lists every mistake, each with the key, the value found and what is allowed.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if _, port, err := net.SplitHostPort(c.Endpoint); err != nil || port == "" {
		bad("endpoint: found %q, must be host:port; write it like %s", c.Endpoint, defaultEndpoint)
	}
	if c.MemoryMiB < leastMemoryMiB || c.MemoryMiB > mostMemoryMiB {
		bad("memory_mib: found %d, must be a whole number from %d to %d; leave it out for %d", c.MemoryMiB, leastMemoryMiB, mostMemoryMiB, defaultMemoryMiB)
	}
	if err := page.ValidTraceURL(c.TraceURL); err != nil {
		bad("trace_url: %w", err)
	}
	if e := c.TelemetryEndpoint; e != "" {
		if u, err := url.Parse(e); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			bad("telemetry_endpoint: found %q, must be an http or https address; write it like http://localhost:8888/metrics, or \"\" where there is none", e)
		}
	}
	for i, h := range c.Hosts {
		if h == "" || strings.ContainsAny(h, "/:* ") {
			bad("hosts[%d]: found %q, must be the name of a host alone; write it like ml.example.com, without scheme and port", i, h)
		}
	}
	if a := c.Auth.Authenticator; a != "" {
		if err := new(component.ID).UnmarshalText([]byte(a)); err != nil {
			bad("auth::authenticator: found %q, must be the ID of an extension; write it like basicauth/server", a)
		}
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		bad("tls: found cert_file %q and key_file %q, must be both or neither; set the one that is missing", c.TLS.CertFile, c.TLS.KeyFile)
	}
	return errors.Join(errs...)
}
