// Package mladmissionextension refuses OTLP requests that would exhaust the
// stack or the memory of the process before they are decoded.
//
// Receivers may share one extension. Its interceptors and handlers are called
// concurrently, and share the limit of memory in flight.
package mladmissionextension

//go:generate mdatagen metadata.yaml
