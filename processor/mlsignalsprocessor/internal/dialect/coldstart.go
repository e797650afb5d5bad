package dialect

import (
	"errors"
	"fmt"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Unknown is what the spans of a load say of a reload, where they say nothing.
const Unknown = "unknown"

func (c *ColdStart) problems() []error {
	var errs []error
	if c.Component != "" && c.ComponentFrom != "" {
		errs = append(errs, errors.New("set either component or component_from, not both"))
	}
	if err := exactName(c.ComponentFrom); c.ComponentFrom != "" && err != nil {
		errs = append(errs, fmt.Errorf("component_from: %w", err))
	}
	for i, key := range c.InstanceFrom {
		if err := exactName(key); err != nil {
			errs = append(errs, fmt.Errorf("instance_from[%d]: %w", i, err))
		}
	}
	if !(c.MinMS >= 0) {
		errs = append(errs, fmt.Errorf("min_ms: found %v, must be 0 or more milliseconds", c.MinMS))
	}
	if c.Duration != nil {
		errs = append(errs, prefixed("duration", c.Duration.problems(vocab.Lookup(vocab.ColdStartDuration), false))...)
	}
	if c.Reload != nil && c.Reload != Unknown {
		errs = append(errs, fmt.Errorf("reload: found %s, must be %s or left out", knownkeys.Found(c.Reload), Unknown))
	}
	if c.Reload == Unknown && len(c.InstanceFrom) > 0 {
		errs = append(errs, errors.New("instance_from: serves to tell a reload; remove it or reload: unknown"))
	}
	return errs
}
