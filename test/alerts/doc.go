// Package alerts runs the shipped rules over normal traffic, an incident and
// normal traffic again, as built collectors count it, and over collectors that
// are killed or configured badly. Prometheus' own engine evaluates them, by a
// clock that runs faster than the collectors', and Alertmanager groups them.
package alerts
