// Package mlmetricsconnector is the mlmetrics connector: it counts the spans of
// ML pipelines into histograms, counters and gauges.
package mlmetricsconnector
