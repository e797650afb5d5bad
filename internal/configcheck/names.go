package configcheck

import (
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// ours is the translation under which rules, dashboards and docs know the metrics. An exporter's default is the same.
const ours = "UnderscoreEscapingWithSuffixes"

// checkNames finds exporters of mlmetrics' metrics whose settings rename or hide them.
func checkNames(c config, r *Result) {
	checkCounters(c, r)
	for _, id := range sorted(c.pipelines) {
		p := c.pipelines[id]
		if index(p.receivers, "mlmetrics") < 0 {
			continue
		}
		for _, e := range c.ofType("exporters", "prometheus", "prometheus_remote_write", "prometheusremotewrite") {
			if !slices.Contains(p.exporters, e.id) {
				continue
			}
			const asked = "the rules, dashboards and queries of this project ask for other names"
			if namespace := text(e.settings["namespace"]); namespace != "" {
				r.warn("%s: found %q, must be none: %s; remove it", e.path("namespace"), namespace, asked)
			}
			if strategy := text(e.settings["translation_strategy"]); strategy != "" && strategy != ours {
				r.warn("%s: found %s, must be %s: %s; remove it", e.path("translation_strategy"), strategy, ours, asked)
			}
			if e.settings["add_metric_suffixes"] == false && !is(e.id, "prometheus") {
				r.warn("%s: found false, must be true: %s; remove it", e.path("add_metric_suffixes"), asked)
			}
			for _, label := range sorted(block(e.settings["const_labels"])) {
				if isLabel(label) {
					r.fail("%s: found a label that the metrics have already, must be another one, or no metric can be scraped; rename it",
						e.path("const_labels::"+label))
				}
			}
		}
	}
}

// isLabel reports whether the metrics have a label of this name.
func isLabel(name string) bool {
	return name == "service_name" || name == "collector_instance" || slices.ContainsFunc(vocab.Attributes, func(a vocab.Attribute) bool {
		return strings.ReplaceAll(a.Key, ".", "_") == name
	})
}

// checkCounters finds exporters that expose the metrics of two mlmetrics, which have the same names.
func checkCounters(c config, r *Result) {
	counters := map[string][]string{}
	for _, id := range sorted(c.pipelines) {
		p := c.pipelines[id]
		for _, exporter := range p.exporters {
			if !is(exporter, "prometheus", "prometheus_remote_write", "prometheusremotewrite") {
				continue
			}
			for _, counter := range p.receivers {
				if is(counter, "mlmetrics") && !slices.Contains(counters[exporter], counter) {
					counters[exporter] = append(counters[exporter], counter)
				}
			}
		}
	}
	for _, exporter := range sorted(counters) {
		if found := counters[exporter]; len(found) > 1 {
			r.warn("exporters::%s: found the metrics of %s, must be those of one, or they overwrite each other; export those of %s with an exporter of their own",
				exporter, strings.Join(found, " and "), found[len(found)-1])
		}
	}
}
