// Package shop is an instrumented recommendation pipeline: the services of the
// article 'Distributed Tracing in ML Pipelines', section 5, each with a tracer
// provider, a resource and a batch span processor of its own, and the W3C trace
// context carried between them in headers.
//
// What the services would have measured is drawn first, as a [Request]; a
// [Shop] then plays it with explicit timestamps. Thousands of requests
// therefore take seconds, and the caller knows exactly what was sent.
package shop
