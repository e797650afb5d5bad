// Package mladmissionextension refuses OTLP requests that would exhaust the
// stack or the memory of the process before they are decoded.
package mladmissionextension

//go:generate mdatagen metadata.yaml
