// Package shape measures encoded OTLP requests before they are decoded: how
// deep their attribute values are nested and how much memory they take.
//
// Proto and JSON keep no state, do not change or retain the request, and may be
// called concurrently.
package shape

import (
	"encoding/binary"
	"errors"
)

// Errors of requests that cannot be measured or are too deep.
var (
	ErrMalformed = errors.New("request: found bytes that are not OTLP, must be an OTLP export request")
	ErrTooDeep   = errors.New("attribute value: found one that is nested too deep, must be of fewer lists and maps in each other")
)

// elementBytes is about what a decoded span, event, point or attribute takes at
// least, however few bytes it has on the wire.
const elementBytes = 192

// short is the length up to which the inside of an attribute is not looked at:
// it can be neither deep nor large.
const short = 64

// message is a message of the protocol, as far as it leads to attribute values.
// Field numbers are those of opentelemetry-proto v1.7.0.
type message uint8

const (
	opaque    message = iota // bytes, text, or a message that has no attributes
	request                  // Export{Trace,Metrics,Logs}ServiceRequest
	resources                // Resource{Spans,Metrics,Logs}
	resource
	scopes // Scope{Spans,Metrics,Logs}
	scopeOrEvent
	link
	item // Span, Metric or LogRecord
	numbers
	histograms
	exponentials
	number // NumberDataPoint, SummaryDataPoint
	histogram
	exponential
	exemplar
	keyValue
	anyValue
	arrayValue
	keyValueList
	messages
)

// maxField is the largest field number that leads on.
const maxField = 13

// fields has the message of each length-delimited field.
type fields [messages][maxField + 1]message

// ofSignals has the fields of the requests of each signal.
var ofSignals = [...]fields{
	Traces: common(fields{item: {9: keyValue, 11: scopeOrEvent, 13: link}, link: {4: keyValue}}),
	Logs:   common(fields{item: {5: anyValue, 6: keyValue}}),
	Metrics: common(fields{
		item:         {5: numbers, 7: numbers, 9: histograms, 10: exponentials, 11: numbers, 12: keyValue},
		numbers:      {1: number},
		histograms:   {1: histogram},
		exponentials: {1: exponential},
		number:       {7: keyValue, 5: exemplar},
		histogram:    {9: keyValue, 8: exemplar},
		exponential:  {1: keyValue, 11: exemplar},
		exemplar:     {7: keyValue},
	}),
}

// common adds what the three signals share.
func common(f fields) fields {
	f[request][1] = resources
	f[resources] = [maxField + 1]message{1: resource, 2: scopes}
	f[resource][1] = keyValue
	f[scopes] = [maxField + 1]message{1: scopeOrEvent, 2: item}
	f[scopeOrEvent][3] = keyValue
	f[keyValue][2] = anyValue
	f[anyValue] = [maxField + 1]message{5: arrayValue, 6: keyValueList}
	f[arrayValue][1] = anyValue
	f[keyValueList][1] = keyValue
	return f
}

// Signal is what a request has.
type Signal uint8

// The signals.
const (
	Traces Signal = iota
	Metrics
	Logs
)

// Proto measures a request in binary Protobuf. It returns about how many bytes
// the decoded request takes, ErrTooDeep where an attribute value is nested in
// more than maxDepth others, and ErrMalformed where the bytes cannot be read.
func Proto(data []byte, signal Signal, maxDepth int) (memory int, err error) {
	w := walk{fields: &ofSignals[signal], maxDepth: maxDepth}
	if err := w.message(data, request, 0); err != nil {
		return 0, err
	}
	return 4*len(data) + elementBytes*w.elements, nil
}

type walk struct {
	fields   *fields
	maxDepth int
	elements int
}

// message counts the length-delimited fields of a message and of those inside.
func (w *walk) message(data []byte, m message, depth int) error {
	if m == anyValue {
		if depth++; depth > w.maxDepth {
			return ErrTooDeep
		}
	}
	for len(data) > 0 {
		tag, n := uvarint(data)
		if n <= 0 {
			return ErrMalformed
		}
		data = data[n:]
		switch tag & 7 {
		case 0: // varint
			if _, n = uvarint(data); n <= 0 {
				return ErrMalformed
			}
		case 1: // 64 bits
			n = 8
		case 5: // 32 bits
			n = 4
		case 2: // length-delimited
			length, prefix := uvarint(data)
			if prefix <= 0 || length > uint64(len(data)-prefix) {
				return ErrMalformed
			}
			w.elements++
			n = prefix + int(length)
			if field := tag >> 3; field <= maxField {
				inside := w.fields[m][field]
				if inside != opaque && (length > short || inside < keyValue) {
					if err := w.message(data[prefix:n], inside, depth); err != nil {
						return err
					}
				}
			}
		default: // groups, which OTLP does not have
			return ErrMalformed
		}
		if n > len(data) {
			return ErrMalformed
		}
		data = data[n:]
	}
	return nil
}

// uvarint is binary.Uvarint with a fast way for the first 128 numbers.
func uvarint(data []byte) (uint64, int) {
	if len(data) > 0 && data[0] < 0x80 {
		return uint64(data[0]), 1
	}
	return binary.Uvarint(data)
}
