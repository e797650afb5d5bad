// Package traffic sends hundreds of thousands of requests of known truth to
// collectors: the requests that examples/demo/shop draws, as the OTLP messages
// that six services' exporters would send, without an SDK and in bounded memory.
//
// A service's exporter sends a batch of its spans of many traces at once, each
// service at another time. So the spans of a trace arrive in six batches that
// lie up to seconds apart, in any order, some of them twice, and some only when
// the trace has long been decided on.
package traffic
