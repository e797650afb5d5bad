// Package spans reads spans as the page shows them: what a span says about its
// service, its stage, its signals, and the parts that its time has.
package spans

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Span is a span and where it is from.
type Span struct {
	ptrace.Span
	Resource pcommon.Map
	Scope    string
}

// All returns the spans of a trace in the order of their starts. A span that came twice is returned once.
func All(td ptrace.Traces) []Span {
	all := make([]Span, 0, td.SpanCount())
	seen := make(map[pcommon.SpanID]bool, td.SpanCount())
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if id := span.SpanID(); !id.IsEmpty() {
					if seen[id] {
						continue
					}
					seen[id] = true
				}
				all = append(all, Span{span, rs.Resource().Attributes(), ss.Scope().Name()})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Span) int { return cmp.Compare(a.StartTimestamp(), b.StartTimestamp()) })
	return all
}

// Start is when the span started, in nanoseconds since 1970.
func (s Span) Start() int64 { return nanos(s.StartTimestamp()) }

// End is when the span ended, its start where it ends before that.
func (s Span) End() int64 { return max(nanos(s.EndTimestamp()), s.Start()) }

// nanos keeps timestamps beyond the year 2262 from becoming negative.
func nanos(t pcommon.Timestamp) int64 { return int64(min(uint64(t), 1<<63-1)) }

// Service is the resource's service.name.
func (s Span) Service() string {
	if v, ok := s.Resource.Get(vocab.ServiceName); ok {
		return v.AsString()
	}
	return ""
}

// Failed reports whether the span's status is an error.
func (s Span) Failed() bool { return s.Status().Code() == ptrace.StatusCodeError }

// Text is an attribute of the span or, where it has none, of the resource.
func (s Span) Text(key string) string {
	if v, ok := s.Attributes().Get(key); ok {
		return v.AsString()
	}
	if v, ok := s.Resource.Get(key); ok {
		return v.AsString()
	}
	return ""
}

// Number is an attribute of the span that can be true for its key.
func (s Span) Number(key string) (float64, bool) {
	v, ok := s.Attributes().Get(key)
	if !ok {
		return 0, false
	}
	f, ok := vocab.ReadDouble(v)
	if a := vocab.Lookup(key); ok && a != nil {
		ok = a.InRange(f)
	}
	return f, ok
}

// Is reports whether an attribute of the span is true.
func (s Span) Is(key string) bool {
	v, ok := s.Attributes().Get(key)
	if !ok {
		return false
	}
	b, ok := vocab.ReadBool(v)
	return ok && b
}

// Texts is an attribute of the span that is an array of strings.
func (s Span) Texts(key string) []string {
	v, ok := s.Attributes().Get(key)
	if !ok || v.Type() != pcommon.ValueTypeSlice {
		return nil
	}
	texts := make([]string, 0, v.Slice().Len())
	for _, e := range v.Slice().All() {
		texts = append(texts, e.AsString())
	}
	return texts
}

// Root is the span that stands for the trace: the one with a diagnosis, else the first without a parent, else the first.
// whole is false where no span is without a parent.
func Root(all []Span) (root int, whole bool) {
	orphan := -1
	root = -1
	for i, s := range all {
		if !s.ParentSpanID().IsEmpty() {
			if _, ok := s.Attributes().Get(vocab.DiagnosisBottleneck); ok && orphan < 0 {
				orphan = i
			}
			continue
		}
		if _, ok := s.Attributes().Get(vocab.DiagnosisBottleneck); ok {
			return i, true
		}
		if root < 0 {
			root = i
		}
	}
	if root >= 0 {
		return root, true
	}
	return max(orphan, 0), false
}

// Clip is a text of at most so many bytes, valid UTF-8, for lists. The copy does not keep the original in memory.
func Clip(s string, most int) string {
	if len(s) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strings.Clone(strings.ToValidUTF8(s, "\uFFFD"))
}
