package mlexemplarsconverter

import (
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pipeline"
)

var (
	mlmetrics    = component.MustNewType("mlmetrics")
	mltraining   = component.MustNewType("mltraining")
	mlsampling   = component.MustNewType("ml_sampling")
	tailSampling = component.MustNewType("tail_sampling")
)

// components are the settings of a section by ID, nil where they are no map.
type components map[component.ID]*confmap.Conf

// of returns the IDs of a type, in their order.
func (c components) of(kind component.Type) []component.ID {
	var ids []component.ID
	for id := range c {
		if id.Type() == kind {
			ids = append(ids, id)
		}
	}
	return sorted(ids)
}

// key returns a connector's ID as it is written: spaces are allowed around the slash.
func (c components) key(conf *confmap.Conf, id component.ID) string {
	section, _ := conf.Sub("connectors")
	for key := range section.ToStringMap() {
		var same component.ID
		if same.UnmarshalText([]byte(key)) == nil && same == id {
			return key
		}
	}
	return id.String()
}

func sorted(ids []component.ID) []component.ID {
	slices.SortFunc(ids, func(a, b component.ID) int { return strings.Compare(a.String(), b.String()) })
	return ids
}

func readComponents(conf *confmap.Conf, section string) (components, bool) {
	settings, err := conf.Sub(section)
	if err != nil {
		return nil, false
	}
	found := components{}
	for key := range settings.ToStringMap() {
		var id component.ID
		if id.UnmarshalText([]byte(key)) != nil {
			return nil, false
		}
		found[id], err = settings.Sub(key)
		if err != nil {
			found[id] = nil
		}
	}
	return found, true
}

// stretch is one pipeline of traces.
type stretch struct {
	Receivers  []component.ID `mapstructure:"receivers"`
	Processors []component.ID `mapstructure:"processors"`
	Exporters  []component.ID `mapstructure:"exporters"`
}

// topology is what leads where.
type topology struct {
	connectors, processors, extensions components
	traces                             map[pipeline.ID]stretch
}

// readTopology tells whether the configuration has the shape of one.
func readTopology(conf *confmap.Conf) (*topology, bool) {
	t := &topology{traces: map[pipeline.ID]stretch{}}
	for section, into := range map[string]*components{"connectors": &t.connectors, "processors": &t.processors, "extensions": &t.extensions} {
		var ok bool
		if *into, ok = readComponents(conf, section); !ok {
			return nil, false
		}
	}
	service, err := conf.Sub("service")
	if err != nil {
		return nil, false
	}
	pipelines, err := service.Sub("pipelines")
	if err != nil {
		return nil, false
	}
	var all map[pipeline.ID]stretch
	if pipelines.Unmarshal(&all, confmap.WithIgnoreUnused()) != nil {
		return nil, false
	}
	for id, s := range all {
		if id.Signal() == pipeline.SignalTraces {
			t.traces[id] = s
		}
	}
	return t, true
}

// pipelines returns the IDs of the pipelines of traces for which a condition holds, in their order.
func (t *topology) pipelines(holds func(stretch) bool) []pipeline.ID {
	var ids []pipeline.ID
	for id, s := range t.traces {
		if holds(s) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b pipeline.ID) int { return strings.Compare(a.String(), b.String()) })
	return ids
}

// judges returns what keeps the spans that a connector sees: one for each sampler, nothing where there is none.
func (t *topology) judges(id component.ID) []kept {
	behind := walk{topology: t, samplers: map[component.ID]bool{}, seen: map[visit]bool{}}
	var before []component.ID
	for _, p := range t.pipelines(func(s stretch) bool { return slices.Contains(s.Exporters, id) }) {
		before = append(before, t.sampledBy(p, map[pipeline.ID][]component.ID{})...)
		behind.outOf(p, false)
	}

	var judges []kept
	for _, sampler := range slices.Compact(sorted(before)) {
		judges = append(judges, kept{sampler: processor(sampler), all: processor(sampler) + ", which comes first"})
	}
	for _, sampler := range sorted(slices.Collect(maps.Keys(behind.samplers))) {
		k, ok := t.read(sampler)
		if !ok {
			return nil
		}
		if behind.samplers[sampler] {
			k.add(kept{stages: all(training, "connectors::mltraining")})
		}
		judges = append(judges, k)
	}
	return judges
}

// sampledBy returns the samplers that the spans at the end of a pipeline have passed, nil where some have passed none.
func (t *topology) sampledBy(id pipeline.ID, known map[pipeline.ID][]component.ID) []component.ID {
	if by, ok := known[id]; ok {
		return by
	}
	known[id] = nil // so that a circle ends
	known[id] = t.findSampledBy(id, known)
	return known[id]
}

func (t *topology) findSampledBy(id pipeline.ID, known map[pipeline.ID][]component.ID) []component.ID {
	if by := samplers(t.traces[id]); len(by) > 0 {
		return by
	}
	var by []component.ID
	for _, receiver := range t.traces[id].Receivers {
		if _, ok := t.connectors[receiver]; !ok {
			return nil
		}
		for _, from := range t.pipelines(func(s stretch) bool { return slices.Contains(s.Exporters, receiver) }) {
			earlier := t.sampledBy(from, known)
			if len(earlier) == 0 {
				return nil
			}
			by = append(by, earlier...)
		}
	}
	return slices.Compact(sorted(by))
}

func samplers(s stretch) []component.ID {
	var found []component.ID
	for _, id := range s.Processors {
		if id.Type() == tailSampling {
			found = append(found, id)
		}
	}
	return found
}

// walk follows spans down the pipelines.
type walk struct {
	*topology
	// samplers are those that were found. True: spans of training do not depend on them, by whichever way they are reached.
	samplers map[component.ID]bool
	seen     map[visit]bool
}

type visit struct {
	id      pipeline.ID
	trained bool
}

// outOf follows the spans that leave a pipeline. trained: mltraining has sent those of training another way.
func (w *walk) outOf(id pipeline.ID, trained bool) {
	for _, exporter := range w.traces[id].Exporters {
		settings, ok := w.connectors[exporter]
		if !ok {
			continue
		}
		next := w.pipelines(func(s stretch) bool { return slices.Contains(s.Receivers, exporter) })
		if exporter.Type() != mltraining {
			for _, p := range next {
				w.into(p, trained)
			}
			continue
		}
		to, stored := trainingPipelines(settings), trained
		for _, p := range next {
			if slices.Contains(to, p) {
				w.into(p, trained)
				stored = stored || w.unsampled(p, map[pipeline.ID]bool{})
			}
		}
		for _, p := range next {
			if !slices.Contains(to, p) {
				w.into(p, stored)
			}
		}
	}
}

func (w *walk) into(id pipeline.ID, trained bool) {
	if w.seen[visit{id, trained}] {
		return
	}
	w.seen[visit{id, trained}] = true
	for _, sampler := range samplers(w.traces[id]) {
		before, ok := w.samplers[sampler]
		w.samplers[sampler] = trained && (before || !ok)
	}
	w.outOf(id, trained)
}

// unsampled tells whether no sampler is in a pipeline, nor in any behind it.
func (t *topology) unsampled(id pipeline.ID, seen map[pipeline.ID]bool) bool {
	if seen[id] {
		return true
	}
	seen[id] = true
	if len(samplers(t.traces[id])) > 0 {
		return false
	}
	for _, exporter := range t.traces[id].Exporters {
		if _, ok := t.connectors[exporter]; !ok {
			continue
		}
		for _, next := range t.pipelines(func(s stretch) bool { return slices.Contains(s.Receivers, exporter) }) {
			if !t.unsampled(next, seen) {
				return false
			}
		}
	}
	return true
}

func trainingPipelines(settings *confmap.Conf) []pipeline.ID {
	var config struct {
		To []pipeline.ID `mapstructure:"to"`
	}
	if settings == nil || settings.Unmarshal(&config, confmap.WithIgnoreUnused()) != nil {
		return nil
	}
	return config.To
}

func processor(id component.ID) string { return "processors::" + id.String() }
