// Package traffic makes OTLP requests in the shape of the article "Distributed Tracing in ML Pipelines": eight spans a
// trace from eight services, encoded beforehand. A request is made by copying the bytes of one and overwriting its trace
// IDs and the names that are labels, which costs the sender next to nothing.
package traffic

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

const (
	// traces is how many traces a request has, unless said otherwise. With eight spans each it is about the 512 spans of
	// an SDK's batch.
	traces = 60
	// templates is how many different requests are encoded: a multiple of slowEvery, so that small requests have their share.
	templates = 2 * slowEvery
)

// Source makes requests. It may be used by many goroutines.
type Source struct {
	shape     Shape
	traces    int // of a request
	templates []template
}

// Request is an encoded ExportTraceServiceRequest.
type Request struct {
	Data  []byte
	Spans int
}

// template is an encoded request and where in it stands what changes.
type template struct {
	data      []byte
	spans     int
	pipelines []int
	traces    []places
}

// places are offsets into the bytes of a template.
type places struct{ ids, models []int }

// New reads the article's request, an OTLP JSON file, and encodes the requests.
func New(path string, shape Shape) (*Source, error) { return NewOf(path, shape, traces) }

// NewOf is New for requests of so many traces.
func NewOf(path string, shape Shape, traces int) (*Source, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the article's request: %w", err)
	}
	article, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(data)
	if err != nil {
		return nil, fmt.Errorf("the article's request, %s: %w", path, err)
	}
	s := &Source{shape: shape, traces: traces}
	r := rand.New(rand.NewPCG(1, 2))
	for n := range templates {
		td := batch(article, r, traces, n*traces)
		encoded, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
		if err != nil {
			return nil, fmt.Errorf("encode a request: %w", err)
		}
		t := template{data: encoded, spans: td.SpanCount(), pipelines: all(encoded, []byte(pipelineMarker))}
		for i := range traces {
			id := traceMarker(i)
			t.traces = append(t.traces, places{ids: all(encoded, id[:]), models: all(encoded, []byte(modelMarker(i)))})
		}
		s.templates = append(s.templates, t)
	}
	return s, nil
}

// Request writes the n-th request into a buffer, which grows where it is too small. Consecutive requests are of different
// pipelines and consecutive traces of different models, in turn, so that no label set comes again before all the others
// have come.
func (s *Source) Request(n uint64, buffer []byte) Request {
	t := &s.templates[n%uint64(len(s.templates))]
	data := append(buffer[:0], t.data...)
	pipelines, models := uint64(s.shape.Pipelines), uint64(s.shape.Models)
	var pipeline, model [nameLength]byte
	name(&pipeline, 'p', n%pipelines)
	for _, at := range t.pipelines {
		copy(data[at:], pipeline[:])
	}
	for i := range t.traces {
		trace := n*uint64(s.traces) + uint64(i)
		name(&model, 'm', (n/pipelines*uint64(s.traces)+uint64(i))%models)
		for _, at := range t.traces[i].models {
			copy(data[at:], model[:])
		}
		for _, at := range t.traces[i].ids {
			// Spread over all bits, as random IDs are, and never the same twice.
			binary.BigEndian.PutUint64(data[at:], trace*0x9e3779b97f4a7c15)
			binary.BigEndian.PutUint64(data[at+8:], trace)
		}
	}
	return Request{Data: data, Spans: t.spans}
}

// Requests is how many requests, counted from the first, have every label set at least once.
func (s *Source) Requests() uint64 {
	rounds := (s.shape.Models + s.traces - 1) / s.traces
	return uint64(rounds * s.shape.Pipelines)
}

// SpansPerRequest is the mean over all requests.
func (s *Source) SpansPerRequest() float64 {
	return float64(s.Counts(uint64(len(s.templates))).Spans) / float64(len(s.templates))
}

// SpansPerTrace is the mean over all traces.
func (s *Source) SpansPerTrace() float64 { return s.SpansPerRequest() / float64(s.traces) }

// Counts is what so many requests, counted from the first, contain.
func (s *Source) Counts(requests uint64) Counts {
	var c Counts
	for n := range requests {
		c.Spans += uint64(s.templates[n%uint64(len(s.templates))].spans)
	}
	c.Requests = requests * uint64(s.traces)
	c.Slow = (c.Requests + slowEvery - 1) / slowEvery
	return c
}

// Counts is how many spans, ML requests and ML requests with a fallback to the database there are.
type Counts struct{ Spans, Requests, Slow uint64 }

// nameLength is that of the names that are overwritten: pipeline-00000, model---00000.
const nameLength = 14

const pipelineMarker = "pipeline-XXXXX"

func modelMarker(request int) string { return fmt.Sprintf("model-XX-%05d", request) }

func traceMarker(request int) (id pcommon.TraceID) {
	copy(id[:], "trace-marker")
	binary.BigEndian.PutUint32(id[12:], uint32(request))
	return id
}

// name writes a kind and a number.
func name(to *[nameLength]byte, kind byte, number uint64) {
	copy(to[:], "pipeline-")
	if kind == 'm' {
		copy(to[:], "model----")
	}
	for i := nameLength - 1; i >= 9; i-- {
		to[i] = byte('0' + number%10)
		number /= 10
	}
}

// all returns every offset of a marker.
func all(data, marker []byte) []int {
	var found []int
	for from := 0; ; {
		at := bytes.Index(data[from:], marker)
		if at < 0 {
			return found
		}
		found = append(found, from+at)
		from += at + len(marker)
	}
}
