package mldiagnosisprocessor

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/cause"
)

// Config is the configuration of the processor. Every setting has a default.
type Config struct {
	// MinShare is the smallest share of a request at which a cause is listed, 0 to 1. Default 0.01.
	MinShare float64 `mapstructure:"min_share"`
	// UndividedInference is the cause of the time of an inference span without queue wait and compute time. Default gpu_compute.
	UndividedInference string `mapstructure:"undivided_inference"`
	// WithoutRoot selects the span that replaces a missing root: none, request (a span of stage request, default) or any.
	WithoutRoot string `mapstructure:"without_root"`
	// CriticalPath configures ml.diagnosis.critical_path.
	CriticalPath CriticalPathConfig `mapstructure:"critical_path"`
	// ClockSkew configures the correction of clocks.
	ClockSkew ClockSkewConfig `mapstructure:"clock_skew"`
	// LateSpans configures the handling of spans that arrive after their trace.
	LateSpans LateSpansConfig `mapstructure:"late_spans"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Unmarshal decodes the settings. The error for an unknown key names the allowed ones.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return knownkeys.Unmarshal(conf, c) }

// The values of WithoutRoot.
const (
	noEntry      = "none"
	requestEntry = "request"
	anyEntry     = "any"
)

// CriticalPathConfig configures ml.diagnosis.critical_path.
type CriticalPathConfig struct {
	// MaxSpans is the largest number of spans that are listed, those with the most time. At least 1, default 50.
	MaxSpans int `mapstructure:"max_spans"`
}

// ClockSkewConfig configures the correction of clocks.
type ClockSkewConfig struct {
	// Tolerance is the part of the request, 0 to 0.5, by which a span may exceed its caller before its clock is corrected. Default 0.01.
	Tolerance float64 `mapstructure:"tolerance"`
}

// LateSpansConfig configures the handling of spans that arrive after their trace.
type LateSpansConfig struct {
	// MaxTraces is the number of traces that are remembered. At least 1, default 100,000.
	MaxTraces int `mapstructure:"max_traces"`
}

func createDefaultConfig() component.Config {
	return &Config{
		MinShare:           0.01,
		UndividedInference: cause.GPUCompute.String(),
		WithoutRoot:        requestEntry,
		CriticalPath:       CriticalPathConfig{MaxSpans: 50},
		ClockSkew:          ClockSkewConfig{Tolerance: 0.01},
		LateSpans:          LateSpansConfig{MaxTraces: 100_000},
	}
}

// Validate returns an error that lists every mistake, each with the key, the value found and what is allowed.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if s := c.MinShare; !(s >= 0 && s <= 1) {
		bad("min_share: found %v, must be a number from 0 to 1", s)
	}
	if u := c.UndividedInference; u != cause.GPUCompute.String() && u != cause.Other.String() {
		bad("undivided_inference: found %q, must be %s or %s", u, cause.GPUCompute, cause.Other)
	}
	if e := c.WithoutRoot; e != noEntry && e != requestEntry && e != anyEntry {
		bad("without_root: found %q, must be %s, %s or %s", e, noEntry, requestEntry, anyEntry)
	}
	if n := c.CriticalPath.MaxSpans; n < 1 {
		bad("critical_path::max_spans: found %d, must be at least 1", n)
	}
	if s := c.ClockSkew.Tolerance; !(s >= 0 && s <= maxTolerance) {
		bad("clock_skew::tolerance: found %v, must be a number from 0 to %v", s, maxTolerance)
	}
	if n := c.LateSpans.MaxTraces; n < 1 {
		bad("late_spans::max_traces: found %d, must be at least 1", n)
	}
	return errors.Join(errs...)
}

// maxTolerance is the largest Tolerance: beyond it the position of a span is unknown.
const maxTolerance = 0.5

// undivided is the cause that UndividedInference names.
func (c *Config) undivided() cause.Cause {
	if c.UndividedInference == cause.Other.String() {
		return cause.Other
	}
	return cause.GPUCompute
}
