// Package pipelines has the configurations that the benchmark compares.
package pipelines

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
)

//go:embed *.yaml
var files embed.FS

// Pipeline is one configuration of the collector.
type Pipeline struct {
	// Name is how the table calls it.
	Name string
	// Histograms are the metrics of which it must have counted every value, by what they count.
	Histograms Histograms
	// Exports: it exports all series at an interval, rather than with each batch or not at all.
	Exports bool
	// Binary is the collector that runs it. Empty: that of the benchmark.
	Binary string
	files  []string
}

// Histograms are metric names, empty where the pipeline has no such metric.
type Histograms struct {
	// Duration counts every span; its label sets are those that the benchmark is asked for.
	Duration string
	// QueueWait counts the inference span of every request.
	QueueWait string
	// Ratio, derived by the pipeline, counts as many.
	Ratio string
	// DBLookup counts the requests that fell back to the database.
	DBLookup string
}

// attributes are the histograms of mlmetrics, of which signaltometrics makes the same.
var attributes = Histograms{
	Duration:  "duration_ms",
	QueueWait: "ml.inference.queue_wait_ms",
	Ratio:     "ml.inference.queue_compute_ratio",
	DBLookup:  "ml.feature_extraction.db_lookup_ms",
}

var (
	// Receive receives, decodes and discards. The others are measured against it.
	Receive = Pipeline{Name: "receive, decode, discard", files: []string{"receive.yaml"}}
	// Ours is mlsignals and mlmetrics.
	Ours = Pipeline{
		Name: "mlsignals + mlmetrics", Histograms: attributes, Exports: true,
		files: []string{"otelcol-ml.yaml"},
	}
	// SpanMetrics is contrib's transform and spanmetrics.
	SpanMetrics = Pipeline{
		Name: "transform + spanmetrics", Histograms: Histograms{Duration: "traces.span.metrics.duration"}, Exports: true,
		files: []string{"derive.yaml", "spanmetrics.yaml"},
	}
	// SignalToMetrics is contrib's transform and signaltometrics.
	SignalToMetrics = Pipeline{
		Name: "transform + signaltometrics", Histograms: attributes,
		files: []string{"derive.yaml", "signaltometrics.yaml"},
	}
)

// Peers are the pipelines of contrib's components, in the order of the table.
var Peers = []Pipeline{SpanMetrics, SignalToMetrics}

// Before is Ours with the collector of another checkout.
func Before(binary string) Pipeline {
	before := Ours
	before.Name, before.Binary = Ours.Name+", before", binary
	return before
}

// Write writes the configuration files of a pipeline into a folder and returns their paths, in the order in which the
// collector is to read them.
func (p Pipeline) Write(dir string) ([]string, error) {
	var paths []string
	for _, name := range append([]string{"base.yaml"}, p.files...) {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("configuration of %q: %w", p.Name, err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return nil, fmt.Errorf("configuration of %q: %w", p.Name, err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}
