// Package mlmetricsconnector is the mlmetrics connector: it turns the spans of
// ML pipelines into histograms, counters and gauges.
//
// Config.Validate checks the configuration and the constructor compiles it once
// (package compiled). Batches are observed concurrently (package observe) into a
// store of series (package series), which one goroutine exports at every
// metrics_flush_interval.
package mlmetricsconnector
