// Package versions builds the collector of the README with the versions of the
// OpenTelemetry Collector that are supported: that of this distribution, the one
// before and the one after. `make supported-versions` runs it.
package versions
