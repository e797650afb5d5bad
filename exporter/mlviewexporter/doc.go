// Package mlviewexporter is the mlview exporter: it keeps the newest traces and
// the metrics of ML pipelines in memory and serves them as a page.
package mlviewexporter
