package mlexemplarsconverter

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"
)

// NewFactory returns the factory of the converter. The collector runs converters once the files are merged and
// environment variables are read, at each start and with `validate`.
func NewFactory() confmap.ConverterFactory {
	return confmap.NewConverterFactory(func(set confmap.ConverterSettings) confmap.Converter {
		return &converter{logger: set.Logger}
	})
}

type converter struct{ logger *zap.Logger }

// Convert sets what the user has not set of connectors::mlmetrics::exemplars, and checks what he has. What is malformed
// is left to the components and the service, which say what is wrong with it.
func (c *converter) Convert(_ context.Context, conf *confmap.Conf) error {
	t, ok := readTopology(conf)
	if !ok {
		return nil
	}
	var problems []error
	for _, id := range t.connectors.of(mlmetrics) {
		problems = append(problems, c.follow(conf, t, id)...)
	}
	return errors.Join(problems...)
}

// follow brings the rules of one connector in line with the samplers that judge its spans.
func (c *converter) follow(conf *confmap.Conf, t *topology, id component.ID) []error {
	set, ok := readSettings(t.connectors[id])
	if !ok || !set.Enabled {
		return nil
	}
	judges := t.judges(id)
	if len(judges) == 0 {
		return nil // where there is sampling, it is in another process
	}
	sure := judges[0]
	for _, k := range judges[1:] {
		sure = both(sure, k)
	}

	var problems []error
	path := fmt.Sprintf("connectors::%s::exemplars", id)
	for _, k := range judges {
		for _, veto := range k.vetoes {
			c.logger.Warn(fmt.Sprintf("%s: exemplars may point at traces that are not stored: %s of %s drops traces that another policy keeps",
				path, veto, k.sampler))
		}
		if problem := set.checkWait(k); problem != nil {
			problems = append(problems, fmt.Errorf("%s::%w", path, problem))
		}
		for _, problem := range set.check(k, sure) {
			problem = fmt.Errorf("%s::%w", path, problem)
			if k.unread == "" {
				problems = append(problems, problem)
				continue
			}
			c.logger.Warn(fmt.Sprintf("%v; unless %s keeps these traces, exemplars point at traces that are not stored", problem, k.unread))
		}
	}
	if len(problems) == 0 {
		if rules := set.missing(sure); len(rules) > 0 {
			put(conf, rules, "connectors", t.connectors.key(conf, id), "exemplars")
		}
	}
	return problems
}

// put merges values into the map at a path.
func put(conf *confmap.Conf, values map[string]any, path ...string) {
	at := ""
	for i, key := range path {
		if i > 0 {
			at += confmap.KeyDelimiter
		}
		at += key
		// A map that came whole from ${file:...} or ${env:...} is one value, into which nothing can be merged.
		if inner, ok := conf.Get(at).(map[string]any); ok && len(inner) > 0 && slices.Contains(conf.AllKeys(), at) {
			conf.Delete(at)
			_ = conf.Merge(confmap.NewFromStringMap(nest(inner, path[:i+1])))
		}
	}
	for key := range values {
		conf.Delete(at + confmap.KeyDelimiter + key) // a null, which merging lists would keep
	}
	_ = conf.Merge(confmap.NewFromStringMap(nest(values, path))) // fails for no map
}

func nest(values map[string]any, path []string) map[string]any {
	for i := len(path) - 1; i >= 0; i-- {
		values = map[string]any{path[i]: values}
	}
	return values
}
