// Package mlviewexporter is the mlview exporter: it keeps the newest traces and the metrics of ML pipelines in memory
// and serves them as a page. The traces and the metrics exporter of one ID share one server (package shared). Package
// kept stores traces, package series metrics, package page renders them; all three may be called concurrently.
package mlviewexporter
