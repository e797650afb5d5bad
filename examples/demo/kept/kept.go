// Package kept reads the traces that the collector kept, from the OTLP JSON
// lines of its file exporter.
package kept

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Traces are the kept traces by trace ID.
type Traces map[pcommon.TraceID]Trace

// Trace is a kept trace's spans, in the order of the file.
type Trace []Span

// Span is a span with its resource.
type Span struct {
	ptrace.Span
	Resource pcommon.Resource
}

// Service is the span's service.name.
func (s Span) Service() string {
	name, _ := s.Resource.Attributes().Get("service.name")
	return name.AsString()
}

// Duration is the span's duration.
func (s Span) Duration() time.Duration {
	return time.Duration(s.EndTimestamp() - s.StartTimestamp())
}

// Number reads an attribute of type double or int.
func (s Span) Number(key string) (float64, bool) {
	v, ok := s.Attributes().Get(key)
	if !ok {
		return 0, false
	}
	switch v.Type() {
	case pcommon.ValueTypeDouble:
		return v.Double(), true
	case pcommon.ValueTypeInt:
		return float64(v.Int()), true
	default:
		return 0, false
	}
}

// Is reports whether an attribute is the bool true.
func (s Span) Is(key string) bool {
	v, ok := s.Attributes().Get(key)
	return ok && v.Type() == pcommon.ValueTypeBool && v.Bool()
}

// Text reads an attribute of any type as text, "" where it is absent.
func (s Span) Text(key string) string {
	v, ok := s.Attributes().Get(key)
	if !ok {
		return ""
	}
	return v.AsString()
}

// List reads an attribute that is an array, its values as text.
func (s Span) List(key string) []string {
	v, ok := s.Attributes().Get(key)
	if !ok || v.Type() != pcommon.ValueTypeSlice {
		return nil
	}
	var list []string
	for _, item := range v.Slice().All() {
		list = append(list, item.AsString())
	}
	return list
}

// Read reads the file and the older ones that it was rotated into. A file that does not exist yet holds no traces. A
// last line without its end is still being written and is left out.
func Read(path string) (Traces, error) {
	extension := filepath.Ext(path)
	files, err := filepath.Glob(strings.TrimSuffix(path, extension) + "-*" + extension)
	if err != nil {
		return nil, err
	}
	traces := Traces{}
	for _, file := range append(files, path) {
		if err := traces.read(file, file != path); err != nil && !os.IsNotExist(err) {
			return nil, err
		}
	}
	return traces, nil
}

// read reads one file. Of a rotated one the last line is whole even without its end: the exporter writes the two
// apart, and the rotation may come between them.
func (t Traces) read(path string, rotated bool) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	unmarshaler := ptrace.JSONUnmarshaler{}
	for number := 1; ; number++ {
		line, rest, ended := bytes.Cut(data, []byte("\n"))
		if !ended && (!rotated || len(line) == 0) {
			return nil
		}
		data = rest
		if len(line) == 0 {
			continue
		}
		batch, err := unmarshaler.UnmarshalTraces(line)
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", path, number, err)
		}
		t.add(batch)
	}
}

func (t Traces) add(batch ptrace.Traces) {
	for _, ofResource := range batch.ResourceSpans().All() {
		for _, ofScope := range ofResource.ScopeSpans().All() {
			for _, span := range ofScope.Spans().All() {
				id := span.TraceID()
				t[id] = append(t[id], Span{Span: span, Resource: ofResource.Resource()})
			}
		}
	}
}
