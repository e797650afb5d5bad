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
	"strings"

	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"
)

// Result is what the checks found.
type Result struct {
	// Errors are settings with which a part of the pipeline cannot work.
	Errors []error
	// Warnings are settings that are probably not what was meant.
	Warnings []string
	// Machine has what this machine lacks of what components need at the start, such as a file.
	Machine []string
	// Kept says where kept traces go; empty where nothing samples.
	Kept string
}

func (r *Result) fail(format string, args ...any) {
	r.Errors = append(r.Errors, fmt.Errorf(format, args...))
}

func (r *Result) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// Check runs every check on a merged configuration. environment, which may be nil, says where its settings come from.
func Check(settings map[string]any, environment *Environment) *Result {
	c, r := newConfig(settings), &Result{}
	checkVariables(c, environment, r)
	checkKeys(c, r)
	checkReferences(c, r)
	if len(r.Errors) > 0 {
		return r // of which the other checks would find what follows from it
	}
	checkTelemetry(c, r)
	checkDurations(c, r)
	checkEndpoints(c, r)
	checkPlaces(c, r)
	checkListeners(c, r)
	checkPaths(c, r)
	checkMachine(c, r)
	checkExtensions(c, r)
	checkPercentages(c, r)
	checkPolicies(c, r)
	checkConditions(c, r)
	checkAttributes(c, r)
	checkOrder(c, r)
	checkNames(c, r)
	r.Kept = keptGoTo(c)
	return r
}

// Factory returns the factory of a converter that checks the configuration. Warnings, and at the start where kept traces
// go, are logged. On `validate` warn gets the warnings instead, and what the machine lacks is a warning: it may be another one that
// the configuration is for. environment may be nil.
func Factory(environment *Environment, warn func(string)) confmap.ConverterFactory {
	return confmap.NewConverterFactory(func(settings confmap.ConverterSettings) confmap.Converter {
		return converter{environment, warn, settings.Logger}
	})
}

// mistakes are what the checks found, one a line, with the variables that they come from.
type mistakes string

func (m mistakes) Error() string { return string(m) }

type converter struct {
	environment *Environment
	warn        func(string)
	logger      *zap.Logger
}

// Convert checks the configuration and leaves it as it is.
func (c converter) Convert(_ context.Context, conf *confmap.Conf) error {
	if c.environment != nil {
		c.environment.settle(conf.ToStringMap())
	}
	r := Check(conf.ToStringMap(), c.environment)
	for _, text := range r.Machine {
		if c.warn != nil {
			r.Warnings = append(r.Warnings, text)
		} else {
			r.Errors = append(r.Errors, errors.New(text))
		}
	}
	if c.environment != nil {
		r.Warnings = append(r.Warnings, append(c.environment.erased, c.environment.unread()...)...)
	}
	for _, text := range r.Warnings {
		text = c.environment.named(text)
		if c.warn != nil {
			c.warn(text)
		} else {
			c.logger.Warn("Configuration: " + text)
		}
	}
	if len(r.Errors) > 0 {
		var found []string
		for _, err := range r.Errors {
			found = append(found, c.environment.named(err.Error()))
		}
		return mistakes(strings.Join(found, "\n"))
	}
	if r.Kept != "" {
		c.logger.Info(r.Kept)
	}
	return nil
}
