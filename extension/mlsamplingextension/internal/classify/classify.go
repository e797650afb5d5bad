// Package classify finds the classes of a whole trace and how it was sampled before.
// A Reader does not change and may be used concurrently.
package classify

import (
	"slices"
	"strings"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/budget"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Signals besides those that mlsignals sets on spans.
const (
	Error    = "error"    // a span has status ERROR
	Slow     = "slow"     // the trace takes longer than Latency
	Training = "training" // a span has a training stage
	Baseline = "baseline" // none of the others
)

// Known lists every signal of the vocabulary, without its prefix, and those of this package.
func Known() []string {
	known := []string{Error, Slow, Training, Baseline}
	for _, key := range vocab.Signals {
		known = append(known, vocab.SignalName(key))
	}
	return known
}

// Reader reads traces.
type Reader struct {
	// Latency is the duration, from first start to last end, above which a trace is slow, in whole milliseconds, as
	// in the latency policy of tail_sampling. 0: no trace is slow.
	Latency time.Duration
}

// Read returns the budget's input for a trace. The order of the spans does not matter.
func (r *Reader) Read(id pcommon.TraceID, td ptrace.Traces) budget.Trace {
	s := scan{before: sampling.NeverSampleThreshold, randomness: sampling.TraceIDToRandomness(id)}
	for _, rs := range td.ResourceSpans().All() {
		service := stringOf(rs.Resource().Attributes(), vocab.ServiceName)
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				s.span(service, span)
			}
		}
	}
	if r.Latency > 0 && s.end > s.start && (s.end-s.start)/uint64(time.Millisecond) > uint64(r.Latency.Milliseconds()) {
		s.add(Slow, s.top, "")
	}
	if len(s.classes) == 0 {
		s.add(Baseline, s.top, "")
	}
	for i := range s.classes {
		if s.classes[i].Model == "" {
			s.classes[i].Model = s.model
		}
	}
	slices.SortFunc(s.classes, budget.Class.Compare)
	s.classes = slices.Compact(s.classes)
	if len(s.classes) > budget.MaxPerTrace {
		s.classes = s.classes[:budget.MaxPerTrace]
	}
	return budget.Trace{Classes: s.classes, Randomness: s.randomness, Before: s.before}
}

// scan is the state of reading one trace.
type scan struct {
	classes    []budget.Class
	start, end uint64 // ns
	// model is the model of the trace: the first by name, so that it does not depend on the order of spans.
	model string
	// top is the service of the root span, or of the earliest span if there is no root.
	top        string
	topStart   uint64
	root       bool
	randomness sampling.Randomness
	explicit   bool // randomness is from the trace state
	// before is the threshold of the root span, or the lowest threshold if there is no root.
	before sampling.Threshold
}

func (s *scan) span(service string, span ptrace.Span) {
	start, end := uint64(span.StartTimestamp()), uint64(span.EndTimestamp())
	if _, lasting := vocab.Duration(span.StartTimestamp(), span.EndTimestamp()); lasting == vocab.Lasts {
		if s.start == 0 || start < s.start {
			s.start = start
		}
		s.end = max(s.end, end)
	}
	isRoot := span.ParentSpanID().IsEmpty()
	if takes := isRoot && !s.root || isRoot == s.root && (s.topStart == 0 || start < s.topStart); takes {
		s.top, s.topStart = service, start
	}
	s.sampled(span.TraceState().AsRaw(), isRoot)
	s.root = s.root || isRoot

	from, model := len(s.classes), ""
	for key, value := range span.Attributes().All() {
		name, ours := strings.CutPrefix(key, "ml.")
		switch {
		case !ours:
		case key == vocab.ModelName:
			model = value.Str()
		case key == vocab.Stage:
			if vocab.IsTrainingStage(value.Str()) {
				s.add(Training, service, "")
			}
		default:
			if signal, ok := strings.CutPrefix(name, "signal."); ok {
				if set, _ := vocab.ReadBool(value); set {
					s.add(signal, service, "")
				}
			}
		}
	}
	if span.Status().Code() == ptrace.StatusCodeError {
		s.add(Error, service, "")
	}
	if model == "" {
		return
	}
	for i := from; i < len(s.classes); i++ {
		s.classes[i].Model = model
	}
	if s.model == "" || model < s.model {
		s.model = model
	}
}

// maxSeen limits the memory for one trace: traces with many spans repeat their classes.
const maxSeen = 64

func (s *scan) add(signal, service, model string) {
	if len(s.classes) >= maxSeen {
		slices.SortFunc(s.classes, budget.Class.Compare)
		if s.classes = slices.Compact(s.classes); len(s.classes) >= maxSeen {
			return
		}
	}
	s.classes = append(s.classes, budget.Class{Signal: signal, Service: service, Model: model})
}

// sampled reads the W3C trace state of a span.
func (s *scan) sampled(state string, isRoot bool) {
	before := sampling.AlwaysSampleThreshold
	if strings.Contains(state, "ot=") {
		if w3c, err := sampling.NewW3CTraceState(state); err == nil {
			if th, ok := w3c.OTelValue().TValueThreshold(); ok {
				before = th
			}
			if rnd, ok := w3c.OTelValue().RValueRandomness(); ok && !s.explicit {
				s.randomness, s.explicit = rnd, true
			}
		}
	}
	if isRoot && !s.root || isRoot == s.root && sampling.ThresholdLessThan(before, s.before) {
		s.before = before
	}
}

func stringOf(attributes pcommon.Map, key string) string {
	if v, ok := attributes.Get(key); ok {
		return v.Str()
	}
	return ""
}
