package configcheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// config is a merged configuration, of which only the components that a pipeline or the service uses are read.
type config struct {
	settings   map[string]any
	extensions []string // those that start
	pipelines  map[string]pipeline
}

type pipeline struct{ receivers, processors, exporters []string }

func newConfig(settings map[string]any) config {
	service := block(settings["service"])
	c := config{settings, texts(service["extensions"]), map[string]pipeline{}}
	for id, p := range block(service["pipelines"]) {
		p := block(p)
		c.pipelines[id] = pipeline{texts(p["receivers"]), texts(p["processors"]), texts(p["exporters"])}
	}
	return c
}

// component is one that is used, with its settings.
type component struct {
	// kind is its block in the configuration: receivers, processors, exporters, connectors or extensions.
	kind, id string
	settings map[string]any
}

func (c component) path(keys string) string { return fmt.Sprintf("%s::%s::%s", c.kind, c.id, keys) }

// used returns the components that a pipeline or the service uses, in order.
func (c config) used() []component {
	ids := map[string]map[string]bool{"receivers": {}, "processors": {}, "exporters": {}, "connectors": {}, "extensions": {}}
	for _, p := range c.pipelines {
		for _, id := range p.receivers {
			ids["receivers"][id], ids["connectors"][id] = true, true
		}
		for _, id := range p.processors {
			ids["processors"][id] = true
		}
		for _, id := range p.exporters {
			ids["exporters"][id], ids["connectors"][id] = true, true
		}
	}
	for _, id := range c.extensions {
		ids["extensions"][id] = true
	}
	var used []component
	for _, kind := range sorted(ids) {
		defined := block(c.settings[kind])
		for _, id := range sorted(ids[kind]) {
			if settings, ok := defined[id]; ok {
				used = append(used, component{kind, id, block(settings)})
			}
		}
	}
	return used
}

// ofType returns the used components of a kind that have one of the types.
func (c config) ofType(kind string, types ...string) (found []component) {
	for _, component := range c.used() {
		if component.kind == kind && is(component.id, types...) {
			found = append(found, component)
		}
	}
	return found
}

// samplers are the processors that keep whole traces.
var samplers = []string{"tail_sampling", "mltailsampling"}

// is reports whether a component's ID has one of the types.
func is(id string, types ...string) bool {
	kind, _, _ := strings.Cut(id, "/")
	return slices.Contains(types, kind)
}

func index(ids []string, types ...string) int {
	return slices.IndexFunc(ids, func(id string) bool { return is(id, types...) })
}

func block(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// texts returns a list of texts, for which YAML also takes one text alone.
func texts(v any) (all []string) {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	for _, entry := range list(v) {
		all = append(all, text(entry))
	}
	return all
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// visit calls f for every key below settings, with its path, and for the entries of lists, with no key.
func visit(settings map[string]any, path string, f func(path, key string, value any)) {
	for _, key := range sorted(settings) {
		below := key
		if path != "" {
			below = path + "::" + key
		}
		f(below, key, settings[key])
		visitBelow(settings[key], below, f)
	}
}

func visitBelow(value any, path string, f func(path, key string, value any)) {
	switch value := value.(type) {
	case map[string]any:
		visit(value, path, f)
	case []any:
		for i := range value {
			entry := fmt.Sprintf("%s[%d]", path, i)
			if _, isBlock := value[i].(map[string]any); !isBlock {
				f(entry, "", value[i])
			}
			visitBelow(value[i], entry, f)
		}
	}
}

// visitUsed calls f for every setting of the used components and of the service's telemetry, with its path.
func (c config) visitUsed(f func(path string, value any)) {
	for _, component := range c.used() {
		visit(component.settings, component.kind+"::"+component.id, func(path, _ string, value any) { f(path, value) })
	}
	visit(block(block(c.settings["service"])["telemetry"]), "service::telemetry", func(path, _ string, value any) { f(path, value) })
}
