package configcheck

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/internal/suggest"
)

// blocks are the keys at the top of a configuration.
var blocks = []string{"connectors", "exporters", "extensions", "processors", "receivers", "service"}

// checkKeys finds unknown keys of the configuration itself.
func checkKeys(c config, r *Result) {
	for _, key := range sorted(c.settings) {
		if !slices.Contains(blocks, key) {
			r.fail("%s: found an unknown key, must be one of %s%s", key, strings.Join(blocks, ", "), suggest.Hint(key, blocks))
		}
	}
	service := []string{"extensions", "pipelines", "telemetry"}
	for _, key := range sorted(block(c.settings["service"])) {
		if !slices.Contains(service, key) {
			r.fail("service::%s: found an unknown key, must be one of %s%s", key, strings.Join(service, ", "), suggest.Hint(key, service))
		}
	}
}

// checkReferences finds names of components in the service that are not configured.
func checkReferences(c config, r *Result) {
	configured := func(path string, ids []string, kinds ...string) {
		names := map[string]bool{}
		for _, kind := range kinds {
			for id := range block(c.settings[kind]) {
				names[id] = true
			}
		}
		for _, id := range ids {
			if !names[id] {
				all := slices.Sorted(maps.Keys(names))
				r.fail("%s: found %q, must be one that is configured in %s, which has %s%s",
					path, id, strings.Join(kinds, " or "), namesOf(all), suggest.Hint(id, all))
			}
		}
	}
	signals := []string{"logs", "metrics", "traces"}
	for _, id := range sorted(c.pipelines) {
		if signal, _, _ := strings.Cut(id, "/"); signal != "profiles" && !slices.Contains(signals, signal) {
			r.fail("service::pipelines::%s: found a pipeline of an unknown signal, must be one of %s, with a name like traces/sample%s",
				id, strings.Join(signals, ", "), suggest.Hint(signal, signals))
		}
		p, path := c.pipelines[id], "service::pipelines::"+id+"::"
		configured(path+"receivers", p.receivers, "receivers", "connectors")
		configured(path+"processors", p.processors, "processors")
		configured(path+"exporters", p.exporters, "exporters", "connectors")
	}
	configured("service::extensions", c.extensions, "extensions")
}

// checkTelemetry finds settings of the collector's own log, metrics and traces with which it does not start, and of proxies.
func checkTelemetry(c config, r *Result) {
	logs := block(block(block(c.settings["service"])["telemetry"])["logs"])
	encodings := []string{"console", "json"}
	if encoding := text(logs["encoding"]); logs["encoding"] != nil && !slices.Contains(encodings, encoding) {
		r.fail("service::telemetry::logs::encoding: %s", suggest.OneOf(encoding, encodings))
	}
	protocols := []string{"grpc", "http/protobuf"}
	visit(block(block(c.settings["service"])["telemetry"]), "service::telemetry", func(path, key string, value any) {
		if protocol := text(value); key == "protocol" && !slices.Contains(protocols, protocol) {
			r.fail("%s: %s", path, suggest.OneOf(protocol, protocols))
		}
	})
	for _, component := range c.used() {
		visit(component.settings, "", func(path, key string, value any) {
			if proxy := text(value); key == "proxy_url" && proxy != "" {
				if parsed, err := url.Parse(proxy); err != nil || parsed.Scheme == "" || parsed.Host == "" {
					r.fail("%s: found %q, must be a URL; write it like http://proxy:3128", component.path(path), proxy)
				}
			}
		})
	}
}
