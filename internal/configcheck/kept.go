package configcheck

import (
	"fmt"
	"slices"
	"strings"
)

// keptGoTo says where the traces go that a sampler kept, empty where nothing samples.
func keptGoTo(c config) string {
	samples := false
	var places []string
	for _, id := range sorted(c.pipelines) {
		p := c.pipelines[id]
		if index(p.processors, samplers...) < 0 && !slices.ContainsFunc(c.waysTo(id), func(w way) bool { return index(w.processors, samplers...) >= 0 }) {
			continue
		}
		samples = true
		for _, exporter := range p.exporters {
			if place := place(exporter, block(block(c.settings["exporters"])[exporter])); place != "" {
				places = append(places, place)
			}
		}
	}
	switch {
	case !samples:
		return ""
	case len(places) == 0:
		return "Kept traces are stored nowhere"
	}
	slices.Sort(places)
	return "Kept traces go to " + strings.Join(slices.Compact(places), " and to ")
}

// place names where an exporter stores traces, empty for those that store none.
func place(id string, settings map[string]any) string {
	if is(id, "mlview", "mlexemplars", "debug", "nop") {
		return ""
	}
	for _, key := range []string{"path", "traces_endpoint", "endpoint", "brokers"} {
		if to := settings[key]; to != nil {
			return fmt.Sprintf("%s (%v)", id, to)
		}
	}
	return id
}
