package kept

import (
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/spans"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Summary has the properties of a trace for lists and filters. It does not change after it is built.
type Summary struct {
	ID pcommon.TraceID
	// Start and End are in nanoseconds since 1970: those of the root if there is one, else of all spans.
	Start, End int64
	// Arrived is when the newest span arrived, in nanoseconds since 1970.
	Arrived int64

	Root, Service, Pipeline string
	// Services, Models and Versions of all spans, sorted.
	Services, Models, Versions []string
	stages                     uint32 // bits by position in vocab.Stages
	signals                    uint32 // bits by position in vocab.Signals

	Spans, Errors int
	Bottleneck    string
	Share         float64
	// Shares of the causes, largest first.
	Shares   []Share
	Policies []string

	// NoRoot: no span without a parent has arrived. The other fields are those of mldiagnosis.
	NoRoot, Partial, Skewed, Undivided bool
	// Training: the trace has a training stage.
	Training bool

	// Lost is the time in ms lost to each of spans.Bottlenecks.
	Lost [len(spans.Bottlenecks)]float64
	// Calls are the calls between services.
	Calls []Call
}

// Share is the share of the request's duration that a cause has, 0 to 1.
type Share struct {
	Cause string
	Share float64
}

// Call is a span whose parent belongs to another service.
type Call struct {
	From, To string
	Ms       float32
	Failed   bool
}

// Duration returns the duration in nanoseconds.
func (s *Summary) Duration() int64 { return s.End - s.Start }

// Has reports whether a span of the trace has the signal, a key such as ml.signal.queue_bound.
func (s *Summary) Has(signal string) bool { return s.signals&bit(vocab.Signals, signal) != 0 }

// HasStage reports whether the trace has a span of the stage.
func (s *Summary) HasStage(stage string) bool { return s.stages&bit(vocab.Stages, stage) != 0 }

// Signals returns the keys of the signals of all spans.
func (s *Summary) Signals() []string {
	var keys []string
	for i, key := range vocab.Signals {
		if s.signals>>i&1 != 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

func bit(keys []string, key string) uint32 {
	if i := slices.Index(keys, key); i >= 0 {
		return 1 << i
	}
	return 0
}

// Limits of a summary, which do not depend on the size of the trace.
const (
	clip     = 200 // bytes of a string
	mostSet  = 32  // services, models, versions, policies
	maxCalls = 256
)

var trainingStages = func() (bits uint32) {
	for _, stage := range vocab.TrainingStages {
		bits |= bit(vocab.Stages, stage)
	}
	return bits
}()

// summarise builds the summary of a trace. texts deduplicates strings.
func summarise(id pcommon.TraceID, all []spans.Span, arrived int64, text func(string) string) *Summary {
	s := &Summary{ID: id, Arrived: arrived, Spans: len(all)}
	byID := make(map[pcommon.SpanID]int, len(all))
	for i, span := range all {
		byID[span.SpanID()] = i
	}
	for i, span := range all {
		s.add(span, text)
		if parent, ok := byID[span.ParentSpanID()]; ok && parent != i {
			s.call(all[parent], span, text)
		}
	}
	root, whole := spans.Root(all)
	s.NoRoot = !whole
	s.root(all[root], text)
	if s.NoRoot {
		for i, span := range all {
			if i == 0 || span.Start() < s.Start {
				s.Start = span.Start()
			}
			s.End = max(s.End, span.End())
		}
	}
	return s
}

// add adds the properties of a span.
func (s *Summary) add(span spans.Span, text func(string) string) {
	s.stages |= bit(vocab.Stages, span.Text(vocab.Stage))
	s.Training = s.stages&trainingStages != 0
	for i, key := range vocab.Signals {
		if span.Is(key) {
			s.signals |= 1 << i
		}
	}
	if span.Failed() {
		s.Errors++
	}
	s.Services = insert(s.Services, text(span.Service()))
	s.Models = insert(s.Models, text(span.Text(vocab.ModelName)))
	s.Versions = insert(s.Versions, text(span.Text(vocab.ModelVersion)))
	for _, policy := range span.Texts(vocab.SamplingPolicies) {
		s.Policies = insert(s.Policies, text(policy))
	}
	for i, lost := range span.Lost() {
		s.Lost[i] += lost
	}
	if s.Pipeline == "" {
		s.Pipeline = text(span.Text(vocab.PipelineName))
	}
	s.Partial = s.Partial || span.Is(vocab.DiagnosisPartial)
}

func (s *Summary) call(parent, span spans.Span, text func(string) string) {
	from, to := parent.Service(), span.Service()
	if from == to || len(s.Calls) == maxCalls {
		return
	}
	s.Calls = append(s.Calls, Call{text(from), text(to), float32(float64(span.End()-span.Start()) / 1e6), span.Failed()})
}

// root adds the properties of the root.
func (s *Summary) root(root spans.Span, text func(string) string) {
	s.Start, s.End = root.Start(), root.End()
	s.Root, s.Service = text(root.Name()), text(root.Service())
	if pipeline := root.Text(vocab.PipelineName); pipeline != "" {
		s.Pipeline = text(pipeline)
	}
	s.Bottleneck = text(root.Text(vocab.DiagnosisBottleneck))
	if v, ok := root.Attributes().Get(vocab.DiagnosisShare); ok {
		s.Share = v.Double()
	}
	s.Skewed, s.Undivided = root.Is(vocab.DiagnosisClockSkew), root.Is(vocab.DiagnosisUndivided)
	s.Shares = nil
	for key, v := range root.Attributes().All() {
		if cause, ok := strings.CutPrefix(key, vocab.DiagnosisSharesPrefix); ok && v.Type() == pcommon.ValueTypeDouble && len(s.Shares) < mostSet {
			s.Shares = append(s.Shares, Share{text(cause), v.Double()})
		}
	}
	slices.SortStableFunc(s.Shares, func(a, b Share) int {
		switch {
		case a.Share > b.Share:
			return -1
		case a.Share < b.Share:
			return 1
		}
		return strings.Compare(a.Cause, b.Cause)
	})
}

// insert adds a string to a sorted set, unless it is empty or the set is full.
func insert(set []string, text string) []string {
	i, found := slices.BinarySearch(set, text)
	if found || text == "" || len(set) == mostSet {
		return set
	}
	return slices.Insert(set, i, text)
}

// size returns the memory of the summary. A shared string counts for each summary, because any of them may be the
// last to use it.
func (s *Summary) size() int64 {
	const fixed = 560 // the struct, its entry in the map and in the order of eviction
	n := fixed + 24*len(s.Shares) + 40*len(s.Calls) + len(s.Root) + len(s.Service) + len(s.Pipeline)
	for _, set := range [][]string{s.Services, s.Models, s.Versions, s.Policies} {
		for _, text := range set {
			n += 16 + len(text)
		}
	}
	return int64(n)
}
