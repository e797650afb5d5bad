// Package e2e tests the built collector with its otelcol.yaml, scraped by a
// real Prometheus server, from the outside: OTLP in, and what users look at
// out. `make test-e2e` builds what it needs and runs it.
package e2e
