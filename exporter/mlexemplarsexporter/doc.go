// Package mlexemplarsexporter is the mlexemplars exporter: it adds the spans that it receives as exemplars to the
// metrics of an mlmetrics connector in the same process. Put it in the pipeline that stores traces.
//
// ConsumeTraces may be called concurrently after Start, which finds the connector. It does not change or retain spans.
package mlexemplarsexporter
