// Package validtext finds text that is not UTF-8 and repairs it. Such text
// passes the receivers, and backends refuse the whole batch that it is in.
//
// The functions keep no state and may be called concurrently. RepairTraces
// changes the batch, which the caller must own.
package validtext

import (
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// highBits are the bits that no ASCII character has.
const highBits = 0x8080808080808080

// Is reports whether a text is UTF-8. It is fast for ASCII.
func Is(s string) bool {
	n := len(s)
	var bits uint64
	switch {
	case n >= 8:
		for i := 0; i+8 < n; i += 8 {
			bits |= load8(s, i)
		}
		bits |= load8(s, n-8)
	case n >= 4:
		bits = uint64(load4(s, 0) | load4(s, n-4))
	case n > 0:
		bits = uint64(s[0] | s[n>>1] | s[n-1])
	}
	return bits&highBits == 0 || utf8.ValidString(s)
}

// load8 and load4 are one load instruction each.
func load8(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

func load4(s string, i int) uint32 {
	b := s[i : i+4]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

// Repair puts U+FFFD, the replacement character, in the place of each run of bytes that are not UTF-8.
func Repair(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// RepairTraces repairs all text of a batch and returns how many texts were not UTF-8.
func RepairTraces(td ptrace.Traces) int {
	n := 0
	for _, rs := range td.ResourceSpans().All() {
		n += repairResource(rs)
		for _, ss := range rs.ScopeSpans().All() {
			n += repairScope(ss)
			for _, span := range ss.Spans().All() {
				n += repairSpan(span)
			}
		}
	}
	return n
}

// repairer counts the texts that it repairs.
type repairer struct{ n int }

func (r *repairer) text(s string, set func(string)) {
	if !Is(s) {
		set(Repair(s))
		r.n++
	}
}

func (r *repairer) value(v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		r.text(v.Str(), v.SetStr)
	case pcommon.ValueTypeMap:
		r.attributes(v.Map())
	case pcommon.ValueTypeSlice:
		for _, e := range v.Slice().All() {
			r.value(e)
		}
	}
}

// attributes repairs a map in place, in its order. A map cannot rename a key, so one with a bad key is built anew.
func (r *repairer) attributes(m pcommon.Map) {
	bad := false
	for k, v := range m.All() {
		bad = bad || !Is(k)
		r.value(v)
	}
	if !bad {
		return
	}
	whole := pcommon.NewMap()
	whole.EnsureCapacity(m.Len())
	for k, v := range m.All() {
		r.text(k, func(repaired string) { k = repaired })
		if _, twice := whole.Get(k); !twice { // PutEmpty would overwrite the first
			v.MoveTo(whole.PutEmpty(k))
		}
	}
	whole.MoveTo(m)
}

// repairSpan repairs all text of a span and returns how many texts were not UTF-8.
func repairSpan(span ptrace.Span) int {
	r := &repairer{}
	r.text(span.Name(), span.SetName)
	r.attributes(span.Attributes())
	r.text(span.TraceState().AsRaw(), span.TraceState().FromRaw)
	r.text(span.Status().Message(), span.Status().SetMessage)
	for _, e := range span.Events().All() {
		r.text(e.Name(), e.SetName)
		r.attributes(e.Attributes())
	}
	for _, l := range span.Links().All() {
		r.text(l.TraceState().AsRaw(), l.TraceState().FromRaw)
		r.attributes(l.Attributes())
	}
	return r.n
}

// repairResource repairs the attributes and the schema of a resource.
func repairResource(rs ptrace.ResourceSpans) int {
	r := &repairer{}
	r.attributes(rs.Resource().Attributes())
	r.text(rs.SchemaUrl(), rs.SetSchemaUrl)
	return r.n
}

// repairScope repairs the name, version, attributes and schema of an instrumentation scope.
func repairScope(ss ptrace.ScopeSpans) int {
	r := &repairer{}
	r.text(ss.Scope().Name(), ss.Scope().SetName)
	r.text(ss.Scope().Version(), ss.Scope().SetVersion)
	r.attributes(ss.Scope().Attributes())
	r.text(ss.SchemaUrl(), ss.SetSchemaUrl)
	return r.n
}
