// Package interop runs real clients, the article's services and instrumented
// libraries, against the built collector with its otelcol.yaml, and compares
// what it counted, kept and diagnosed with what the clients know they did.
// `make interop` builds what it needs and runs it.
package interop
