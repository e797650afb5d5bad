package aggregate

import (
	"math/bits"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/exemplar"
)

// rules are exemplar rules, prepared.
type rules struct {
	exemplar.Rules
	hash       exemplar.Hash
	longerThan pcommon.Timestamp
	// wait is how long after its start a span is in time for the decision.
	wait pcommon.Timestamp
}

func newRules(r *exemplar.Rules) *rules {
	if r == nil {
		return nil
	}
	return &rules{Rules: *r, hash: exemplar.NewHash(r), longerThan: pcommon.Timestamp(r.LongerThan()), wait: pcommon.Timestamp(r.DecisionWait) * 9 / 10}
}

// sampled is whether the span's trace is kept. The hash of the probabilistic
// policy costs more than most observations, so it waits until asked for.
type sampled uint8

const (
	sampledUnknown sampled = iota
	sampledYes
	sampledNo
)

// mark finds out whether the span itself makes tail sampling keep its trace, and scores it.
func (s *stripe) mark(r *row) {
	start, end := s.span.StartTimestamp(), s.span.EndTimestamp()
	// Tail sampling decides some time after the first span of a trace arrives, which cannot be before the trace starts.
	// A span that started longer ago may be late for the decision; a tenth is left for its way there. A short span
	// late in a request that takes longer than the wait is not seen to be late: one span does not tell the trace's start.
	late := s.arrived > start && s.arrived-start >= s.rules.wait
	anomalous := !late && (r.keptStage ||
		s.rules.Errors && s.span.Status().Code() == ptrace.StatusCodeError ||
		s.durationValid && end-start >= s.rules.longerThan ||
		s.signalled())
	s.sampled = sampledUnknown
	if anomalous {
		s.sampled = sampledYes
	}
	s.score = exemplar.Score(s.durationMS, anomalous)
}

func (s *stripe) signalled() bool {
	for w := range s.plan.SlotWords {
		for mask := s.plan.Marks[w] & s.present[w]; mask != 0; mask &= mask - 1 {
			if isTrue(s.values[w<<6+bits.TrailingZeros64(mask)]) {
				return true
			}
		}
	}
	return false
}

// offer makes the span an exemplar of the cell, whose floor its score exceeds, if its trace is kept.
func (s *stripe) offer(c *cell, value float64, bucket int) {
	if s.sampled == sampledUnknown {
		s.sampled = sampledNo
		if s.rules.hash.Keeps(s.span.TraceID()) {
			s.sampled = sampledYes
		}
	}
	if s.sampled == sampledNo || s.span.TraceID().IsEmpty() {
		return
	}
	s.keep(c, &exemplar.Exemplar{
		Trace: s.span.TraceID(), Span: s.span.SpanID(), Time: s.arrived,
		Value: value, Score: s.score, Bucket: bucket,
	})
}

func (r *rules) keepsStage(stage string) bool {
	return r != nil && stage != "" && slices.Contains(r.Stages, stage)
}
