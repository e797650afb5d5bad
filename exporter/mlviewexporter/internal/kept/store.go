// Package kept stores the newest kept traces within a limit of bytes.
//
// A Store may be used concurrently. It encodes what Add is given and does not retain it. Summaries never change after
// they are returned, and the spans that Trace returns are decoded for each call, so the caller owns them.
package kept

import (
	"container/list"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/spans"
)

// Store stores traces: their spans encoded, and a summary of each for lists. At the limit it evicts the trace that
// has had no new span for longest. Requests cannot evict training runs from a quarter of the memory, because runs are
// few and are compared with runs of other days. It is safe for concurrent use.
type Store struct {
	limit int64

	mutex    sync.RWMutex
	traces   map[pcommon.TraceID]*trace
	requests order
	runs     order
	texts    texts
	evicted  int64
}

// order is a queue of traces in the order of eviction.
type order struct {
	list  list.List // of *trace
	bytes int64
}

type trace struct {
	summary *Summary
	parts   [][]byte // OTLP protobuf, one part for each batch
	bytes   int64
	in      *order
	place   *list.Element
}

// NewStore returns a store with a limit in bytes.
func NewStore(limit int64) *Store {
	return &Store{limit: limit, traces: map[pcommon.TraceID]*trace{}, texts: newTexts()}
}

// Dropped counts spans that the store did not accept.
type Dropped struct{ NoTraceID, TooLarge int }

// One trace may take an eighth of the memory.
const traceShare = 8

// Add adds the spans of a batch. It does not retain the batch.
func (s *Store) Add(td ptrace.Traces, now time.Time) (dropped Dropped) {
	for id, part := range split(td) {
		if id.IsEmpty() {
			dropped.NoTraceID += part.SpanCount()
			continue
		}
		encoded, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(part)
		if err != nil || !s.add(id, part, encoded, now.UnixNano()) {
			dropped.TooLarge += part.SpanCount()
		}
	}
	return dropped
}

// recount is the number of spans up to which the summary of a trace is rebuilt when late spans arrive, so that calls
// across batches are found. With more spans, only the late spans are examined.
const recount = 1000

func (s *Store) add(id pcommon.TraceID, part ptrace.Traces, encoded []byte, now int64) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	t := s.traces[id]
	if t == nil {
		if int64(len(encoded)) > s.limit/traceShare {
			return false
		}
		t = &trace{}
	} else {
		if t.bytes+int64(len(encoded)) > s.limit/traceShare {
			return false
		}
		s.leave(t)
	}
	t.parts = append(t.parts, encoded)
	if len(t.parts) > mostParts {
		t.parts = merged(t.parts)
	}
	t.summary = s.summary(t, id, part, now)
	t.bytes = t.summary.size()
	for _, p := range t.parts {
		t.bytes += int64(len(p)) + 24
	}
	s.enter(t)
	for s.bytes() > s.limit {
		s.evict()
	}
	return true
}

// summary returns the summary of a trace whose last part is given.
func (s *Store) summary(t *trace, id pcommon.TraceID, part ptrace.Traces, now int64) *Summary {
	switch {
	case t.summary == nil:
		return summarise(id, spans.All(part), now, s.texts.one)
	case t.summary.Spans < recount:
		return summarise(id, spans.All(decode(t.parts)), now, s.texts.one)
	}
	return t.summary.with(spans.All(part), now, s.texts.one)
}

// with returns the summary with more spans.
func (s *Summary) with(late []spans.Span, now int64, text func(string) string) *Summary {
	more := *s
	more.Services, more.Models, more.Versions, more.Policies = slices.Clone(s.Services), slices.Clone(s.Models), slices.Clone(s.Versions), slices.Clone(s.Policies)
	more.Arrived = now
	more.Spans += len(late)
	for _, span := range late {
		more.add(span, text)
		if more.NoRoot {
			more.Start, more.End = min(more.Start, span.Start()), max(more.End, span.End())
		}
	}
	if root, whole := spans.Root(late); whole && more.NoRoot {
		more.NoRoot = false
		more.root(late[root], text)
	}
	return &more
}

func (s *Store) enter(t *trace) {
	t.in = &s.requests
	if t.summary.Training {
		t.in = &s.runs
	}
	s.traces[t.summary.ID] = t
	t.place = t.in.list.PushBack(t)
	t.in.bytes += t.bytes
}

func (s *Store) leave(t *trace) {
	t.in.list.Remove(t.place)
	t.in.bytes -= t.bytes
	delete(s.traces, t.summary.ID)
}

func (s *Store) evict() {
	from := &s.requests
	if from.list.Len() == 0 || s.runs.bytes > s.limit/4 {
		from = &s.runs
	}
	s.leave(from.list.Front().Value.(*trace))
	s.evicted++
}

func (s *Store) bytes() int64 { return s.requests.bytes + s.runs.bytes + s.texts.bytes }

// Stats returns the number of stored traces, their bytes, and the number of evicted traces.
func (s *Store) Stats() (traces int, bytes, evicted int64) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	return len(s.traces), s.bytes(), s.evicted
}

// Requests returns the summaries of all traces except training runs, newest first.
func (s *Store) Requests() []*Summary { return s.newest(&s.requests) }

// Runs returns the summaries of training runs, newest first.
func (s *Store) Runs() []*Summary { return s.newest(&s.runs) }

func (s *Store) newest(o *order) []*Summary {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	all := make([]*Summary, 0, o.list.Len())
	for e := o.list.Back(); e != nil; e = e.Prev() {
		all = append(all, e.Value.(*trace).summary)
	}
	return all
}

// Trace returns the spans of a trace.
func (s *Store) Trace(id pcommon.TraceID) (*Summary, ptrace.Traces, bool) {
	s.mutex.RLock()
	t, ok := s.traces[id]
	if !ok {
		s.mutex.RUnlock()
		return nil, ptrace.Traces{}, false
	}
	summary, parts := t.summary, slices.Clone(t.parts)
	s.mutex.RUnlock()
	return summary, decode(parts), true
}
