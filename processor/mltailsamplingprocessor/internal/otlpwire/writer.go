package otlpwire

import "google.golang.org/protobuf/encoding/protowire"

// Group is a ResourceSpans message to be written.
type Group struct {
	Resource Header
	Scopes   []ScopeGroup
}

// ScopeGroup is a ScopeSpans message to be written.
type ScopeGroup struct {
	Scope Header
	Spans [][]byte // fields, tags included
}

// AppendGroup appends a ResourceSpans message, as a field of encoded traces, to buf.
func AppendGroup(buf []byte, g *Group) []byte {
	buf = protowire.AppendTag(buf, tracesResourceSpans, protowire.BytesType)
	buf = protowire.AppendVarint(buf, uint64(g.Size()))
	buf = append(buf, g.Resource.Source...)
	for i := range g.Scopes {
		s := &g.Scopes[i]
		buf = protowire.AppendTag(buf, resourceSpansScopeSpans, protowire.BytesType)
		buf = protowire.AppendVarint(buf, uint64(s.size()))
		buf = append(buf, s.Scope.Source...)
		for _, spans := range s.Spans {
			buf = append(buf, spans...)
		}
		buf = append(buf, s.Scope.SchemaURL...)
	}
	return append(buf, g.Resource.SchemaURL...)
}

// Size returns the number of bytes of the ResourceSpans message.
func (g *Group) Size() int {
	n := g.Resource.Size()
	for i := range g.Scopes {
		n += protowire.SizeTag(resourceSpansScopeSpans) + protowire.SizeBytes(g.Scopes[i].size())
	}
	return n
}

func (s *ScopeGroup) size() int {
	n := s.Scope.Size()
	for _, spans := range s.Spans {
		n += len(spans)
	}
	return n
}
