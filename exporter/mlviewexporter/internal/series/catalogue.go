package series

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/spans"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// The metrics of mlmetrics that the page reads.
const (
	Duration           = "duration_ms"
	StageCalls         = "ml.stage.calls"
	Requests           = "ml.pipeline.requests"
	Latency            = "ml.pipeline.latency_ms"
	DBLookup           = "ml.feature_extraction.db_lookup_ms"
	QueueWait          = "ml.inference.queue_wait_ms"
	ForwardPass        = "ml.inference.forward_pass_ms"
	BatchSize          = "ml.batch.size"
	ValidationAttempts = "ml.post_processing.validation_attempts"
	ValidationFailures = "ml.output.validation_failures"
	ColdStarts         = "ml.cold_starts"
	ColdStartDuration  = "ml.cold_start.duration_ms"
	Signals            = "ml.signals"
	Score              = "ml.evaluation.score"
)

// catalogue has the labels that make up a metric's Detail, in addition to those that every metric has.
var catalogue = map[string][]string{
	Duration: nil, StageCalls: {"status.code"}, Requests: {vocab.PipelineSuccess}, Latency: nil, DBLookup: nil,
	QueueWait: nil, ForwardPass: nil, BatchSize: nil, ValidationAttempts: nil, ValidationFailures: {"reason", "field"},
	ColdStarts: {"component", "reload"}, ColdStartDuration: nil, Signals: {"signal"}, Score: {"metric"},
}

// labels reads the labels of a point.
func (in *intake) labels(m pcommon.Map) Labels {
	l := Labels{
		Pipeline: in.text(m, vocab.PipelineName), Service: in.text(m, vocab.ServiceName), Stage: in.text(m, vocab.Stage),
		Model: in.text(m, vocab.ModelName), Version: in.text(m, vocab.ModelVersion),
	}
	switch len(in.details) {
	case 0:
	case 1:
		l.Detail = in.text(m, in.details[0])
	default:
		parts := make([]string, len(in.details))
		for i, key := range in.details {
			parts[i] = in.text(m, key)
		}
		l.Detail = in.one(strings.Join(parts, DetailSeparator))
	}
	return l
}

// DetailSeparator separates the values of several labels in Labels.Detail.
const DetailSeparator = "\x1f"

func (in *intake) text(m pcommon.Map, key string) string {
	v, ok := m.Get(key)
	if !ok {
		return ""
	}
	return in.one(v.AsString())
}

const mostTexts = 10_000

// one deduplicates a string.
func (s *Store) one(text string) string {
	if known, ok := s.texts[text]; ok {
		return known
	}
	short := spans.Clip(text, clip)
	if known, ok := s.texts[short]; ok {
		return known
	}
	if len(s.texts) < mostTexts {
		s.texts[short] = short
		s.bytes += int64(len(short)) + 64
	}
	return short
}
