package configcheck

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// durations are the keys of settings that are durations, in every component that is in the distribution.
var durations = []string{
	"decision_wait", "decision_wait_after_root_received", "metric_expiration", "check_interval", "timeout", "initial_interval",
	"max_interval", "max_elapsed_time", "flush_timeout", "read_timeout", "read_header_timeout", "write_timeout", "idle_timeout",
	"max_connection_age", "max_connection_age_grace", "metrics_flush_interval", "max_stale", "request_timeout", "remember_for",
	"min_duration", "ttl", "latency_threshold", "series_expiration", "reload_interval",
}

// checkDurations finds numbers without a unit, which are nanoseconds.
func checkDurations(c config, r *Result) {
	for _, component := range c.used() {
		visit(component.settings, "", func(path, key string, value any) {
			if !slices.Contains(durations, key) && !(key == "threshold" && is(component.id, "mlsignals")) {
				return
			}
			if n, _ := number(value); n != 0 {
				unit := "s"
				if strings.HasSuffix(key, "threshold") || key == "min_duration" {
					unit = "ms"
				}
				r.fail("%s: found %v without a unit, which is %v, must be a duration; write it with its unit, such as %v%s",
					component.path(path), value, time.Duration(n), value, unit)
			}
		})
	}
	for _, sampler := range c.ofType("processors", samplers...) {
		wait, ok := sampler.settings["decision_wait"].(string)
		if n, isNumber := number(sampler.settings["decision_wait"]); isNumber && n <= 0 {
			wait, ok = fmt.Sprintf("%vs", n), true
		}
		if !ok {
			continue
		}
		d, err := time.ParseDuration(wait)
		switch {
		case err != nil: // the component says so
		case d < 100*time.Millisecond:
			r.fail("%s: found %s, must be at least 100ms; write the time from a trace's first span to its decision, such as 10s",
				sampler.path("decision_wait"), wait)
		case d%time.Second != 0 && is(sampler.id, "tail_sampling"):
			r.warn("%s: found %s, must be whole seconds: tail_sampling cuts the rest; write %v",
				sampler.path("decision_wait"), wait, d.Truncate(time.Second)+time.Second)
		}
	}
}
