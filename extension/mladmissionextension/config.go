package mladmissionextension

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
	"github.com/otelcol-ml/otelcol-ml/internal/processmemory"
)

// Config is the configuration of the extension.
type Config struct {
	// MaxDepth is the largest depth of nested lists and maps in an attribute value. 1 to 1000, default 100, as upstream.
	MaxDepth int `mapstructure:"max_depth"`
	// MaxRequestBytes is the largest estimated memory of one decoded request, in bytes. At least 1 MiB, default 256 MiB.
	MaxRequestBytes int64 `mapstructure:"max_request_bytes"`
	// MaxInFlightBytes is the largest estimated memory of all requests that are being read or processed, in bytes.
	// At least MaxRequestBytes. 0 (default): a tenth of the memory that the process may use.
	MaxInFlightBytes int64 `mapstructure:"max_in_flight_bytes"`
	// RequestTimeout is the longest time from the start of a gRPC request to its response, and from the opening of a gRPC
	// connection to its first bytes. At least 1s, default 10s.
	RequestTimeout time.Duration `mapstructure:"request_timeout"`
}

// Unmarshal decodes the settings. A mistyped key is an error that names the keys that are allowed.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return knownkeys.Unmarshal(conf, c) }

func createDefaultConfig() component.Config {
	return &Config{
		MaxDepth:        100,
		MaxRequestBytes: 256 << 20,
		RequestTimeout:  10 * time.Second,
	}
}

// Validate returns everything that is wrong.
func (c *Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.MaxDepth >= 1 && c.MaxDepth <= 1000, "max_depth: found %d, must be 1 to 1000; 100 is upstream's", c.MaxDepth)
	check(c.MaxRequestBytes >= 1<<20, "max_request_bytes: found %d, must be %d (1 MiB) or more", c.MaxRequestBytes, 1<<20)
	check(c.MaxInFlightBytes == 0 || c.MaxInFlightBytes >= c.MaxRequestBytes, "max_in_flight_bytes: found %d, must be 0 or at least max_request_bytes, %d; 0 is a tenth of the memory", c.MaxInFlightBytes, c.MaxRequestBytes)
	check(c.RequestTimeout >= time.Second, "request_timeout: found %v, must be 1s or more; write a duration with its unit", c.RequestTimeout)
	return errors.Join(errs...)
}

// memoryShare is the part of the process's memory for requests where max_in_flight_bytes is not set.
const memoryShare = 10

// maxInFlight returns the bound of the memory of all requests. It may be less
// than max_request_bytes: a request that is alone is taken.
func (c *Config) maxInFlight() (int64, error) {
	if c.MaxInFlightBytes > 0 {
		return c.MaxInFlightBytes, nil
	}
	total, err := processmemory.Total()
	if err != nil {
		return 0, fmt.Errorf("max_in_flight_bytes: found 0, must be set, because the memory of the machine cannot be read; write a number of bytes: %w", err)
	}
	return total / memoryShare, nil
}
