// Package otlpwire reads and writes the parts of encoded OTLP traces that tail
// sampling needs, without decoding the rest. Field numbers and types are those
// of opentelemetry/proto/trace/v1/trace.proto, common/v1 and resource/v1,
// v1.7.0.
//
// Slices that are returned share the memory of what was read. The functions keep
// no state and may be called concurrently.
package otlpwire

import (
	"encoding/binary"
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers.
const (
	tracesResourceSpans = 1

	resourceSpansResource   = 1
	resourceSpansScopeSpans = 2
	resourceSpansSchemaURL  = 3

	scopeSpansScope     = 1
	scopeSpansSpans     = 2
	scopeSpansSchemaURL = 3

	resourceAttributes = 1

	spanTraceID      = 1
	spanTraceState   = 3
	spanParentSpanID = 4
	spanStart        = 7
	spanEnd          = 8
	spanAttributes   = 9
	spanStatus       = 15
	spanFlags        = 16

	statusCode = 3

	keyValueKey   = 1
	keyValueValue = 2

	anyString = 1
	anyBool   = 2
	anyInt    = 3
)

// ErrMalformed is the error of bytes that are no OTLP traces.
var ErrMalformed = errors.New("malformed OTLP traces")

// field is one field of a message.
type field struct {
	number protowire.Number
	kind   protowire.Type
	raw    []byte // tag included
	bytes  []byte // of a length-delimited field
	scalar uint64 // of a varint or fixed field
}

// next reads the first field of a message and returns the rest.
func next(message []byte) (f field, rest []byte, ok bool) {
	number, kind, n := protowire.ConsumeTag(message)
	if n < 0 {
		return f, nil, false
	}
	f.number, f.kind = number, kind
	value := message[n:]
	var m int
	switch kind {
	case protowire.BytesType:
		f.bytes, m = protowire.ConsumeBytes(value)
	case protowire.VarintType:
		f.scalar, m = protowire.ConsumeVarint(value)
	case protowire.Fixed64Type:
		f.scalar, m = protowire.ConsumeFixed64(value)
	case protowire.Fixed32Type:
		var v uint32
		v, m = protowire.ConsumeFixed32(value)
		f.scalar = uint64(v)
	default:
		m = -1
	}
	if m < 0 {
		return f, nil, false
	}
	f.raw = message[:n+m]
	return f, message[n+m:], true
}

// EachResource calls do with each ResourceSpans message of encoded traces.
func EachResource(traces []byte, do func(resourceSpans []byte) error) error {
	for len(traces) > 0 {
		f, rest, ok := next(traces)
		if !ok {
			return ErrMalformed
		}
		if f.number == tracesResourceSpans && f.kind == protowire.BytesType {
			if err := do(f.bytes); err != nil {
				return err
			}
		}
		traces = rest
	}
	return nil
}

// Header is what ResourceSpans or ScopeSpans say beside what they contain: the
// fields of the resource or scope and of the schema URL, tags included.
type Header struct {
	Source, SchemaURL []byte
}

// Size returns the number of bytes of the fields.
func (h Header) Size() int { return len(h.Source) + len(h.SchemaURL) }

// ResourceHeader returns the header of ResourceSpans and the number of its scopes.
func ResourceHeader(resourceSpans []byte) (h Header, scopes int, err error) {
	for len(resourceSpans) > 0 {
		f, rest, ok := next(resourceSpans)
		if !ok {
			return h, 0, ErrMalformed
		}
		switch f.number {
		case resourceSpansResource:
			h.Source = f.raw
		case resourceSpansScopeSpans:
			scopes++
		case resourceSpansSchemaURL:
			h.SchemaURL = f.raw
		}
		resourceSpans = rest
	}
	return h, scopes, nil
}

// EachScope calls do with each ScopeSpans message of ResourceSpans.
func EachScope(resourceSpans []byte, do func(scopeSpans []byte) error) error {
	for len(resourceSpans) > 0 {
		f, rest, ok := next(resourceSpans)
		if !ok {
			return ErrMalformed
		}
		if f.number == resourceSpansScopeSpans && f.kind == protowire.BytesType {
			if err := do(f.bytes); err != nil {
				return err
			}
		}
		resourceSpans = rest
	}
	return nil
}

// ScopeHeader returns the header of ScopeSpans.
func ScopeHeader(scopeSpans []byte) (h Header, err error) {
	for len(scopeSpans) > 0 {
		f, rest, ok := next(scopeSpans)
		if !ok {
			return h, ErrMalformed
		}
		switch f.number {
		case scopeSpansScope:
			h.Source = f.raw
		case scopeSpansSchemaURL:
			h.SchemaURL = f.raw
		}
		scopeSpans = rest
	}
	return h, nil
}

// EachSpan calls do with each span of ScopeSpans: its message, and the field
// that holds it, tag included. Fields of consecutive spans are adjacent.
func EachSpan(scopeSpans []byte, do func(span, field []byte) error) error {
	for len(scopeSpans) > 0 {
		f, rest, ok := next(scopeSpans)
		if !ok {
			return ErrMalformed
		}
		if f.number == scopeSpansSpans && f.kind == protowire.BytesType {
			if err := do(f.bytes, f.raw); err != nil {
				return err
			}
		}
		scopeSpans = rest
	}
	return nil
}

// EachResourceAttribute calls do with each attribute of a resource, given as Header.Source.
func EachResourceAttribute(resource []byte, do func(keyValue []byte)) error {
	if len(resource) == 0 {
		return nil
	}
	outer, _, ok := next(resource)
	if !ok {
		return ErrMalformed
	}
	for message := outer.bytes; len(message) > 0; {
		f, rest, ok := next(message)
		if !ok {
			return ErrMalformed
		}
		if f.number == resourceAttributes && f.kind == protowire.BytesType {
			do(f.bytes)
		}
		message = rest
	}
	return nil
}

// Span is what a span says that policies look at, but its attributes.
type Span struct {
	TraceID    [16]byte
	Root       bool   // without a parent
	Start, End uint64 // Unix time in nanoseconds
	Status     uint64
	Flags      uint32
	TraceState []byte
}

// Read reads an encoded span and calls attribute with each of its attributes.
// It is what a waiting span costs most, so the common fields, with tags of one
// byte, are read without protowire.
func (s *Span) Read(span []byte, attribute func(keyValue []byte)) error {
	*s = Span{Root: true}
	for len(span) > 0 {
		if tag := span[0]; tag < 0x80 && protowire.Type(tag&7) == protowire.BytesType {
			value, rest, ok := lengthDelimited(span[1:])
			if !ok {
				return ErrMalformed
			}
			switch tag >> 3 {
			case spanAttributes:
				attribute(value)
			case spanTraceID:
				if len(value) == len(s.TraceID) {
					s.TraceID = [16]byte(value)
				}
			case spanParentSpanID:
				s.Root = len(value) != 8 || binary.NativeEndian.Uint64(value) == 0
			case spanTraceState:
				s.TraceState = value
			case spanStatus:
				if err := s.readStatus(value); err != nil {
					return err
				}
			}
			span = rest
			continue
		}
		f, rest, ok := next(span)
		if !ok {
			return ErrMalformed
		}
		switch f.number {
		case spanStart:
			s.Start = f.scalar
		case spanEnd:
			s.End = f.scalar
		case spanFlags:
			s.Flags = uint32(f.scalar)
		}
		span = rest
	}
	return nil
}

func (s *Span) readStatus(status []byte) error {
	for len(status) > 0 {
		f, rest, ok := next(status)
		if !ok {
			return ErrMalformed
		}
		if f.number == statusCode {
			s.Status = f.scalar
		}
		status = rest
	}
	return nil
}

// lengthDelimited reads a length and so many bytes.
func lengthDelimited(b []byte) (value, rest []byte, ok bool) {
	if len(b) > 0 && b[0] < 0x80 {
		if end := 1 + int(b[0]); end <= len(b) {
			return b[1:end], b[end:], true
		}
		return nil, nil, false
	}
	value, n := protowire.ConsumeBytes(b)
	if n < 0 {
		return nil, nil, false
	}
	return value, b[n:], true
}

// Key returns the key of a KeyValue message. pdata writes it behind the value, other writers ahead of it.
func Key(keyValue []byte) []byte {
	for len(keyValue) > 0 {
		field, rest, ok := lengthDelimited(keyValue[1:])
		if !ok {
			return nil
		}
		if keyValue[0] == keyValueKey<<3|byte(protowire.BytesType) {
			return field
		}
		keyValue = rest
	}
	return nil
}

// Kind is the type of a value.
type Kind uint8

// The kinds that policies distinguish.
const (
	Other Kind = iota
	String
	Bool
	Int
)

// Value is the value of an attribute. Like pdata's, it reads as "", false or 0
// where it is of another kind than the one asked for.
type Value struct {
	Kind Kind
	Str  []byte
	Bool bool
	Int  int64
}

// ValueOf returns the value of a KeyValue message.
func ValueOf(keyValue []byte) (v Value) {
	for len(keyValue) > 0 {
		f, rest, ok := next(keyValue)
		if !ok {
			return v
		}
		if f.number == keyValueValue {
			for value := f.bytes; len(value) > 0; {
				g, more, ok := next(value)
				if !ok {
					return v
				}
				switch g.number {
				case anyString:
					v = Value{Kind: String, Str: g.bytes}
				case anyBool:
					v = Value{Kind: Bool, Bool: g.scalar != 0}
				case anyInt:
					v = Value{Kind: Int, Int: int64(g.scalar)}
				default:
					v = Value{}
				}
				value = more
			}
		}
		keyValue = rest
	}
	return v
}
