// Package chain fuzzes the way from the bytes of a request to what Prometheus
// scrapes, through the components of otelcol.yaml and without a process of its own.
package chain
