// Package mlexemplarsexporter is the mlexemplars exporter: it adds the spans that it receives as exemplars to the
// metrics of an mlmetrics connector in the same process. Put it in the pipeline that stores traces.
package mlexemplarsexporter
