// Package alerts runs the shipped rules over normal traffic, an incident and
// normal traffic again, as the built collector counts it. Prometheus' own engine
// evaluates them, by a clock that runs faster than the collector's.
package alerts
