package mlsamplingextension

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/budget"
	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/classify"
	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
)

// Config is the configuration of the extension. Every setting has a default.
type Config struct {
	// Budget is the number of traces per second that are kept, without those of KeepAll. Above 0, at most 1e6, default 100.
	Budget float64 `mapstructure:"budget"`
	// ClassBudget is the largest number of traces per second that are kept of one class. 0 to 1e6; 0 (default): no limit but Budget.
	ClassBudget float64 `mapstructure:"class_budget"`
	// BaselinePercentage is the largest share of traces without a signal that is kept. 0 to 100, default 3.
	BaselinePercentage float64 `mapstructure:"baseline_percentage"`
	// LatencyThreshold is the longest trace that is not slow. 0 (no trace is slow) or at least 1ms, default 800ms,
	// from the latency policy of the article.
	LatencyThreshold time.Duration `mapstructure:"latency_threshold"`
	// KeepAll are signals of which every trace is kept, outside of the budget. Default: training.
	KeepAll []string `mapstructure:"keep_all"`
	// MaxClasses is the number of classes that have their own rate; further ones share one per signal. 1 to 10,000, default 500.
	MaxClasses int `mapstructure:"max_classes"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Unmarshal decodes the settings. The error for an unknown key names the allowed ones.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return knownkeys.Unmarshal(conf, c) }

func createDefaultConfig() component.Config {
	return &Config{
		Budget:             100,
		BaselinePercentage: 3,
		LatencyThreshold:   800 * time.Millisecond,
		KeepAll:            []string{classify.Training},
		MaxClasses:         500,
	}
}

const (
	maxRate    = 1e6
	maxClasses = 10_000
)

// Validate returns an error that lists every mistake, each with the key, the value found and what is allowed.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if !(c.Budget > 0 && c.Budget <= maxRate) {
		bad("budget: found %v, must be above 0 and at most %v: the traces per second to keep", c.Budget, int(maxRate))
	}
	if !(c.ClassBudget >= 0 && c.ClassBudget <= maxRate) {
		bad("class_budget: found %v, must be from 0 to %v: the traces per second to keep of one class, 0 for no bound but the budget", c.ClassBudget, int(maxRate))
	}
	if !(c.BaselinePercentage >= 0 && c.BaselinePercentage <= 100) {
		bad("baseline_percentage: found %v, must be from 0 to 100", c.BaselinePercentage)
	}
	// A number without a unit is read as nanoseconds by mistake.
	if d := c.LatencyThreshold; d != 0 && d < time.Millisecond {
		bad("latency_threshold: found %v, must be 0s or at least 1ms; write it with its unit, such as 800ms", d)
	}
	for i, signal := range c.KeepAll {
		switch {
		case signal == "" || signal != strings.TrimSpace(signal):
			bad("keep_all[%d]: found %q, must be the name of a signal, such as revalidated", i, signal)
		case strings.HasPrefix(signal, "ml.signal."):
			bad("keep_all[%d]: found %q, must be the name without its prefix: %s", i, signal, strings.TrimPrefix(signal, "ml.signal."))
		case slices.Contains(c.KeepAll[:i], signal):
			bad("keep_all[%d]: found %q twice, must be unique; remove one", i, signal)
		case signal == classify.Baseline || signal == budget.Other:
			bad("keep_all[%d]: found %q, must be a signal, or one of error, slow, training; traces without a signal have baseline_percentage", i, signal)
		}
	}
	if n := c.MaxClasses; n < 1 || n > maxClasses {
		bad("max_classes: found %d, must be from 1 to %d", n, maxClasses)
	}
	return errors.Join(errs...)
}

// limits are the settings as the budget takes them.
func (c *Config) limits() budget.Limits {
	class := c.ClassBudget
	if class == 0 {
		class = math.Inf(1)
	}
	return budget.Limits{
		Budget: c.Budget, ClassBudget: class,
		Baseline: classify.Baseline, BaselineShare: c.BaselinePercentage / 100,
		KeepAll: c.KeepAll, Known: classify.Known(), MaxClasses: c.MaxClasses,
	}
}
