package dialect

import (
	"errors"
	"fmt"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Unknown is the value of ColdStart.Reload for spans that do not show whether a load is a reload.
const Unknown = "unknown"

func (c *ColdStart) problems() []error {
	var errs []error
	if c.Component != "" && c.ComponentFrom != "" {
		errs = append(errs, errors.New("found component and component_from, must be one of them; remove the other"))
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
		errs = append(errs, fmt.Errorf("min_ms: found %v, must be at least 0 (milliseconds)", c.MinMS))
	}
	if c.Duration != nil {
		errs = append(errs, prefixed("duration", c.Duration.problems(vocab.Lookup(vocab.ColdStartDuration), false))...)
	}
	if c.Reload != nil && c.Reload != Unknown {
		errs = append(errs, fmt.Errorf("reload: found %s, must be %s or left out", knownkeys.Found(c.Reload), Unknown))
	}
	if c.Reload == Unknown && len(c.InstanceFrom) > 0 {
		errs = append(errs, errors.New("instance_from: found beside reload: unknown, must be alone, because it identifies reloads; remove one of the two"))
	}
	return errs
}
