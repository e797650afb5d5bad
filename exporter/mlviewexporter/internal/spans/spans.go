// Package spans reads the service, the stage, the signals and the parts of the time of spans for the page. All
// functions may be called concurrently.
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

// Span is a span with its resource and scope.
type Span struct {
	ptrace.Span
	Resource pcommon.Map
	Scope    string
}

// All returns the spans of a trace in the order of their starts. A span that was sent twice is returned once.
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

// Start returns the start in nanoseconds since 1970.
func (s Span) Start() int64 { return nanos(s.StartTimestamp()) }

// End returns the end in nanoseconds since 1970; the start if the span has no valid duration.
func (s Span) End() int64 {
	if _, lasting := vocab.Duration(s.StartTimestamp(), s.EndTimestamp()); lasting != vocab.Lasts {
		return s.Start()
	}
	return nanos(s.EndTimestamp())
}

// nanos prevents timestamps after the year 2262 from becoming negative.
func nanos(t pcommon.Timestamp) int64 { return int64(min(uint64(t), 1<<63-1)) }

// Service returns the resource's service.name.
func (s Span) Service() string {
	if v, ok := s.Resource.Get(vocab.ServiceName); ok {
		return v.AsString()
	}
	return ""
}

// Failed reports whether the span's status is an error.
func (s Span) Failed() bool { return s.Status().Code() == ptrace.StatusCodeError }

// Text returns an attribute of the span or, if it has none, of its resource.
func (s Span) Text(key string) string {
	if v, ok := s.Attributes().Get(key); ok {
		return v.AsString()
	}
	if v, ok := s.Resource.Get(key); ok {
		return v.AsString()
	}
	return ""
}

// Number returns an attribute of the span if it is valid for its key.
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

// Texts returns an attribute of the span that is an array of strings.
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

// Root returns the span that represents the trace: the one with a diagnosis, else the first without a parent, else
// the first. whole is false if every span has a parent.
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

// Clip returns a prefix of at most the given number of bytes, valid UTF-8, for lists. The copy does not retain the
// original.
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
