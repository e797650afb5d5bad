package dialect

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
)

// Parse reads one dialect out of a YAML file. The error names the file.
func Parse(file string, yaml []byte) (*Dialect, error) {
	retrieved, err := confmap.NewRetrievedFromYAML(yaml)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	conf, err := retrieved.AsConf()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	d := &Dialect{}
	if err := knownkeys.Unmarshal(conf, d); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	errs := CheckYAML(conf.ToStringMap(), "")
	if len(errs) == 0 {
		errs = d.Problems()
	}
	for i, err := range errs {
		errs[i] = fmt.Errorf("%s: %w", file, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return d, nil
}
