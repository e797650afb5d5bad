// Package configcheck finds mistakes in the collector's whole configuration that
// no component can see by itself: a policy on a signal that nothing sets, metrics
// counted behind the sampler, a setting that renames what alerts ask for.
//
// Factory returns a converter that runs every check on the merged configuration,
// at the start, on `validate` and on reload. It changes nothing. What cannot work
// is an error; what can, but rarely is meant, is a warning.
package configcheck

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"
)

// Result is what the checks found.
type Result struct {
	// Errors are settings with which a part of the pipeline cannot work.
	Errors []error
	// Warnings are settings that are probably not what was meant.
	Warnings []string
	// Kept says where kept traces go; empty where nothing samples.
	Kept string
}

func (r *Result) fail(format string, args ...any) {
	r.Errors = append(r.Errors, fmt.Errorf(format, args...))
}

func (r *Result) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// Check runs every check on a merged configuration.
func Check(settings map[string]any) *Result {
	c, r := newConfig(settings), &Result{}
	checkDurations(c, r)
	checkEndpoints(c, r)
	checkExtensions(c, r)
	checkPolicies(c, r)
	checkOrder(c, r)
	checkNames(c, r)
	r.Kept = keptGoTo(c)
	return r
}

// Factory returns the factory of a converter that checks the configuration. Warnings, and at the start where kept traces
// go, are logged; warn, where not nil, gets the warnings instead. environment may be nil.
func Factory(environment *Environment, warn func(string)) confmap.ConverterFactory {
	return confmap.NewConverterFactory(func(settings confmap.ConverterSettings) confmap.Converter {
		return converter{environment, warn, settings.Logger}
	})
}

type converter struct {
	environment *Environment
	warn        func(string)
	logger      *zap.Logger
}

// Convert checks the configuration and leaves it as it is.
func (c converter) Convert(_ context.Context, conf *confmap.Conf) error {
	r := Check(conf.ToStringMap())
	if c.environment != nil {
		r.Warnings = append(r.Warnings, c.environment.unread()...)
	}
	for _, text := range r.Warnings {
		if c.warn != nil {
			c.warn(text)
		} else {
			c.logger.Warn("Configuration: " + text)
		}
	}
	if err := errors.Join(r.Errors...); err != nil {
		return err
	}
	if r.Kept != "" {
		c.logger.Info(r.Kept)
	}
	return nil
}
