package mltailsamplingprocessor

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	tailsampling "github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/prefilter"
)

// Config has the settings of contrib's tail_sampling, and a few of its own.
type Config struct {
	// Config is contrib's, with its keys, defaults and errors.
	tailsampling.Config `mapstructure:",squash"`

	// MaxBytes limits the memory of buffered spans, in bytes. At least 16 MiB. 0 (default): a quarter of the memory that
	// the process may use, which is found as memory_limiter finds it.
	MaxBytes int64 `mapstructure:"max_bytes"`
	// PressureHeapBytes is the live heap of the process, in bytes, above which most new traces are dropped. At least
	// 16 MiB. 0 (default): a third of the memory that the process may use.
	PressureHeapBytes int64 `mapstructure:"pressure_heap_bytes"`
	// PassOn selects traces that are passed on immediately, without a decision. Default: none.
	PassOn PassOnConfig `mapstructure:"pass_on"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// PassOnConfig selects traces that are passed on immediately: those that last longer than any
// decision_wait, such as training runs.
type PassOnConfig struct {
	// Any lists conditions. A trace is passed on if one of them holds for one of its spans. Default: none.
	Any []ConditionConfig `mapstructure:"any"`
	// RememberFor is how long after the last span of a trace its later spans are still passed on. At least 1s, default 24h.
	RememberFor time.Duration `mapstructure:"remember_for"`
	// MaxTraces is the number of such traces that are remembered; the least recently seen are evicted. At least 1, default 10,000.
	MaxTraces int `mapstructure:"max_traces"`
}

// ConditionConfig is a test on an attribute of a span or its resource, whose value is text.
type ConditionConfig struct {
	// Attribute is the key of the attribute. Required.
	Attribute string `mapstructure:"attribute"`
	// Values lists the texts that match. Either Values or Regex is set.
	Values []string `mapstructure:"values"`
	// Regex is a regular expression (RE2) that must match a part of the text.
	Regex string `mapstructure:"regex"`
}

func createDefaultConfig() component.Config {
	return &Config{
		Config: *tailsampling.NewFactory().CreateDefaultConfig().(*tailsampling.Config),
		PassOn: PassOnConfig{RememberFor: 24 * time.Hour, MaxTraces: 10_000},
	}
}

// Unmarshal decodes the settings. A mistyped key is an error that names the keys that are allowed.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return knownkeys.Unmarshal(conf, c) }

// minMaxBytes is the smallest max_bytes: the blocks that are always allocated, and some traces.
const minMaxBytes = 16 << 20

// Validate returns every mistake, each with the key, the value found and what is allowed.
func (c *Config) Validate() error {
	errs := []error{c.Config.Validate()}
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if n := c.MaxBytes; n != 0 && n < minMaxBytes {
		bad("max_bytes: found %d, must be at least %d; leave it out for a quarter of the memory", n, minMaxBytes)
	}
	if n := c.PressureHeapBytes; n != 0 && n < minMaxBytes {
		bad("pressure_heap_bytes: found %d, must be at least %d; leave it out for a third of the memory", n, minMaxBytes)
	}
	if c.NumTraces == 0 {
		bad("num_traces: found 0, must be at least 1; write the largest number of buffered traces, such as 50000")
	}
	if n := c.DecisionCache.SampledCacheSize; n < 0 {
		bad("decision_cache::sampled_cache_size: found %d, must be at least 0; 0 is for the default", n)
	}
	if n := c.DecisionCache.NonSampledCacheSize; n < 0 {
		bad("decision_cache::non_sampled_cache_size: found %d, must be at least 0; 0 is for the default", n)
	}
	if d := c.DecisionWaitAfterRootReceived; d < 0 {
		bad("decision_wait_after_root_received: found %v, must be at least 0; leave it out to wait for decision_wait", d)
	}
	for i := range c.PolicyCfgs {
		p := &c.PolicyCfgs[i]
		for key := range p.ExtensionCfg { // what contrib would not look at
			if key != string(p.Type) {
				bad("policies[%d]::%s: found settings, must be those of the policy's type, %s; rename or remove the key", i, key, p.Type)
			}
		}
		if n := p.NumericAttributeCfg; p.Type == tailsampling.NumericAttribute && n.MinValue == 0 && n.MaxValue == 0 {
			bad("policies[%d]::numeric_attribute: found neither min_value nor max_value other than 0, must have one; "+
				"tail_sampling reads 0 as not set, so to match 0 write min_value: -1 or max_value: 1 and bound the other side", i)
		}
	}
	if _, err := c.PassOn.conditions(); err != nil {
		errs = append(errs, err)
	}
	if d := c.PassOn.RememberFor; d < time.Second {
		bad("pass_on::remember_for: found %v, must be at least 1s; write it with its unit, such as 24h", d)
	}
	if n := c.PassOn.MaxTraces; n < 1 {
		bad("pass_on::max_traces: found %d, must be at least 1", n)
	}
	return errors.Join(errs...)
}

// conditions compiles the conditions of pass_on.
func (c *PassOnConfig) conditions() (compiled []prefilter.Condition, err error) {
	var errs []error
	for i, condition := range c.Any {
		path := fmt.Sprintf("pass_on::any[%d]", i)
		if condition.Attribute == "" {
			errs = append(errs, fmt.Errorf("%s::attribute: found none, must be the key of an attribute, such as ml.stage", path))
		}
		if (len(condition.Values) == 0) == (condition.Regex == "") {
			errs = append(errs, fmt.Errorf("%s: found %d values and regex %q, must have either values or a regex; remove one or add one",
				path, len(condition.Values), condition.Regex))
		}
		result := prefilter.Condition{Attribute: condition.Attribute, Values: condition.Values}
		if condition.Regex != "" {
			if result.Regex, err = regexp.Compile(condition.Regex); err != nil {
				errs = append(errs, fmt.Errorf("%s::regex: found %q, must be a regular expression of RE2: %w", path, condition.Regex, err))
			}
		}
		compiled = append(compiled, result)
	}
	return compiled, errors.Join(errs...)
}
