package kept

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// split divides a batch into traces. A batch from tail sampling has one trace and is returned unchanged.
func split(td ptrace.Traces) map[pcommon.TraceID]ptrace.Traces {
	if td.SpanCount() == 0 {
		return nil
	}
	if id, ok := only(td); ok {
		return map[pcommon.TraceID]ptrace.Traces{id: td}
	}
	parts := map[pcommon.TraceID]ptrace.Traces{}
	type place struct {
		resource, scope int
		spans           ptrace.SpanSlice
	}
	places := map[pcommon.TraceID]place{}
	for i, rs := range td.ResourceSpans().All() {
		for j, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				id := span.TraceID()
				at, seen := places[id]
				if !seen {
					parts[id] = ptrace.NewTraces()
				}
				if !seen || at.resource != i || at.scope != j {
					to := parts[id].ResourceSpans().AppendEmpty()
					rs.Resource().CopyTo(to.Resource())
					to.SetSchemaUrl(rs.SchemaUrl())
					scope := to.ScopeSpans().AppendEmpty()
					ss.Scope().CopyTo(scope.Scope())
					scope.SetSchemaUrl(ss.SchemaUrl())
					at = place{i, j, scope.Spans()}
					places[id] = at
				}
				span.CopyTo(at.spans.AppendEmpty())
			}
		}
	}
	return parts
}

// only returns the trace ID of a batch if the batch has only one trace.
func only(td ptrace.Traces) (id pcommon.TraceID, ok bool) {
	first := true
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if !first && span.TraceID() != id {
					return id, false
				}
				id, first = span.TraceID(), false
			}
		}
	}
	return id, true
}

// decode combines the parts of a trace. The store has encoded them, so decoding cannot fail.
func decode(parts [][]byte) ptrace.Traces {
	all := ptrace.NewTraces()
	for _, part := range parts {
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(part)
		if err == nil {
			td.ResourceSpans().MoveAndAppendTo(all.ResourceSpans())
		}
	}
	return all
}

// mostParts limits the overhead of the parts of a long run. Concatenated OTLP messages are one valid message.
const mostParts = 64

func merged(parts [][]byte) [][]byte {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	one := make([]byte, 0, size)
	for _, p := range parts {
		one = append(one, p...)
	}
	return [][]byte{one}
}
