// Package mlexemplarsexporter is the exporter mlexemplars: it makes the spans
// that it receives, those of stored traces, exemplars of the metrics of an
// mlmetrics connector.
package mlexemplarsexporter
