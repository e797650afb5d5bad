package configcheck

import (
	"slices"
	"strings"
)

// checkOrder finds pipelines in which a component stands where it cannot do its work.
func checkOrder(c config, r *Result) {
	for _, id := range sorted(c.pipelines) {
		p := c.pipelines[id]
		if i := index(p.processors, "memory_limiter"); i > 0 {
			r.warn("service::pipelines::%s::processors: found %s behind %s, must be the first, or it refuses spans after the work on them; move it ahead",
				id, p.processors[i], p.processors[0])
		}
		if !strings.HasPrefix(id, "traces") {
			continue
		}
		for _, way := range c.waysTo(id) {
			before := append(slices.Clone(way.processors), p.processors...)
			sampler, signals := index(before, samplers...), index(before, "mlsignals")
			if i := index(p.exporters, "mlmetrics"); i >= 0 {
				switch counter := p.exporters[i]; {
				case sampler < 0:
				case slices.Contains(way.counters, counter):
					r.warn("service::pipelines::%s::exporters: found %s, which counts ahead of %s too, must be another one, or kept traces are counted "+
						"twice; write mlmetrics/kept", id, counter, before[sampler])
				case len(way.counters) == 0:
					r.warn("service::pipelines::%s::exporters: found %s behind %s, must be ahead of it, or it counts kept traces alone; "+
						"export to it from the pipeline that receives", id, counter, before[sampler])
				} // else all traces are counted ahead, and this one counts those that are kept
				if signals < 0 {
					r.warn("service::pipelines::%s::processors: found no mlsignals ahead of %s, must have one, or spans of serving engines and "+
						"all signals are missing from the metrics; add mlsignals", id, p.exporters[i])
				}
			}
			if sampler >= 0 && signals > sampler {
				r.warn("service::pipelines::%s::processors: found %s behind %s, must be ahead of it, or no signal decides what is kept; "+
					"move it ahead", id, before[signals], before[sampler])
			}
			if i := index(p.exporters, "mlexemplars"); i >= 0 && sampler < 0 && len(c.ofType("processors", samplers...)) > 0 {
				r.warn("service::pipelines::%s::exporters: found %s ahead of the sampler, must be behind it, or exemplars lead to traces that are not kept; "+
					"export to it from the pipeline that samples", id, p.exporters[i])
			}
			if i := index(p.processors, "mldiagnosis"); i >= 0 && sampler < 0 {
				r.warn("service::pipelines::%s::processors: found %s and no sampler ahead of it, must have one, or it diagnoses parts of traces; "+
					"put mltailsampling ahead of it", id, p.processors[i])
			} else if i := index(before, "mldiagnosis"); i >= 0 && i < sampler {
				r.warn("service::pipelines::%s::processors: found %s ahead of %s, must be behind it, where traces are whole; move it behind",
					id, before[i], before[sampler])
			}
		}
	}
	r.Warnings = slices.Compact(r.Warnings)
}

// way is one through other pipelines that leads to a pipeline.
type way struct {
	// processors are those on the way, in order.
	processors []string
	// counters are the mlmetrics that count its traces ahead of a sampler.
	counters []string
}

// waysTo returns every way that leads to a pipeline.
func (c config) waysTo(id string) []way { return c.ways(id, nil) }

func (c config) ways(id string, passed []string) (ways []way) {
	if slices.Contains(passed, id) { // a circle, which the service refuses
		return nil
	}
	passed = append(slices.Clone(passed), id)
	for _, receiver := range c.pipelines[id].receivers {
		if _, ok := block(c.settings["connectors"])[receiver]; !ok {
			ways = append(ways, way{}) // it starts here
			continue
		}
		for _, from := range sorted(c.pipelines) {
			p := c.pipelines[from]
			if !slices.Contains(p.exporters, receiver) {
				continue
			}
			for _, w := range c.ways(from, passed) {
				next := way{append(slices.Clone(w.processors), p.processors...), slices.Clone(w.counters)}
				if i := index(p.exporters, "mlmetrics"); i >= 0 && index(next.processors, samplers...) < 0 {
					next.counters = append(next.counters, p.exporters[i])
				}
				ways = append(ways, next)
			}
		}
	}
	return ways
}
