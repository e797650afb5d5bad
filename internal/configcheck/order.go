package configcheck

import (
	"slices"
	"strings"
)

// checkOrder finds pipelines in which a component stands where it cannot do its work.
func checkOrder(c config, r *Result) {
	for _, id := range sorted(c.pipelines) {
		p := c.pipelines[id]
		if !strings.HasPrefix(id, "traces") {
			continue
		}
		for _, way := range c.waysTo(id) {
			before := append(slices.Clone(way), p.processors...)
			sampler, signals := index(before, samplers...), index(before, "mlsignals")
			if i := index(p.exporters, "mlmetrics"); i >= 0 {
				if sampler >= 0 {
					r.warn("service::pipelines::%s::exporters: found %s behind %s, must be ahead of it, or it counts kept traces alone; "+
						"export to it from the pipeline that receives", id, p.exporters[i], before[sampler])
				}
				if signals < 0 {
					r.warn("service::pipelines::%s::processors: found no mlsignals ahead of %s, must have one, or spans of serving engines and "+
						"all signals are missing from the metrics; add mlsignals", id, p.exporters[i])
				}
			}
			if sampler >= 0 && signals > sampler {
				r.warn("service::pipelines::%s::processors: found %s behind %s, must be ahead of it, or no signal decides what is kept; "+
					"move it ahead", id, before[signals], before[sampler])
			}
			if i := index(before, "mldiagnosis"); i >= 0 && i < sampler {
				r.warn("service::pipelines::%s::processors: found %s ahead of %s, must be behind it, where traces are whole; move it behind",
					id, before[i], before[sampler])
			}
		}
	}
	r.Warnings = slices.Compact(r.Warnings)
}

// waysTo returns, for each way through other pipelines that leads to a pipeline, the processors on it, in order.
func (c config) waysTo(id string) [][]string { return c.ways(id, nil) }

func (c config) ways(id string, passed []string) (ways [][]string) {
	if slices.Contains(passed, id) { // a circle, which the service refuses
		return nil
	}
	passed = append(slices.Clone(passed), id)
	for _, receiver := range c.pipelines[id].receivers {
		if _, ok := block(c.settings["connectors"])[receiver]; !ok {
			ways = append(ways, nil) // it starts here
			continue
		}
		for _, from := range sorted(c.pipelines) {
			if !slices.Contains(c.pipelines[from].exporters, receiver) {
				continue
			}
			for _, way := range c.ways(from, passed) {
				ways = append(ways, append(slices.Clone(way), c.pipelines[from].processors...))
			}
		}
	}
	return ways
}
