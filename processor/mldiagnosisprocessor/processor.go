package mldiagnosisprocessor

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/validtext"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/internal/wholetrace"
	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/cause"
	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/criticalpath"
	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/seentraces"
	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/spantree"
)

// diagnosisProcessor adds attributes to the root spans of traces. Tail sampling exports a trace as one batch, with
// one resource for each batch in which its spans arrived. Late spans arrive in batches of their own.
type diagnosisProcessor struct {
	cfg       *Config
	memory    *seentraces.Memory
	telemetry *telemetry
	pool      sync.Pool // of *worker
}

// worker is the working memory for one batch.
type worker struct {
	*diagnosisProcessor
	resources []resource
	services  map[string]int32
	records   []record
	trace     []record // the current trace, a part of records
	tree      spantree.Tree
	path      criticalpath.Path
	ledger    cause.Ledger
	counts    counts
	ranks     []int64
	extent    wholetrace.Extent
}

type resource struct {
	attributes pcommon.Map
	pipeline   bool  // the resource has ml.pipeline.name
	service    int32 // the same number for the same service.name
}

// record is a span with its resource and scope.
type record struct {
	span     ptrace.Span
	trace    pcommon.TraceID
	resource int32
}

func newDiagnosisProcessor(cfg *Config, tel *telemetry) *diagnosisProcessor {
	p := &diagnosisProcessor{cfg: cfg, memory: seentraces.NewMemory(cfg.LateSpans.MaxTraces), telemetry: tel}
	p.pool.New = func() any {
		return &worker{
			diagnosisProcessor: p, ledger: cause.Ledger{Undivided: cfg.undivided()}, services: map[string]int32{},
		}
	}
	return p
}

// processTraces diagnoses each trace of a batch. It never drops, adds or reorders spans, and adds attributes only to
// roots. It also replaces bytes that are not UTF-8, because backends refuse the whole batch otherwise, and few traces
// are left here. A batch from mltailsampling is changed in place; any other batch is copied.
func (p *diagnosisProcessor) processTraces(ctx context.Context, td ptrace.Traces) (ptrace.Traces, error) {
	extent := wholetrace.From(ctx)
	if extent == wholetrace.Unknown || td.IsReadOnly() {
		own := ptrace.NewTraces()
		td.CopyTo(own)
		td = own
	}
	w := p.pool.Get().(*worker)
	w.extent = extent
	w.counts.repaired = int64(validtext.RepairTraces(td))
	if extent == wholetrace.Passed { // spans of a training run arrive as they end, never as a whole trace
		p.telemetry.add(ctx, &w.counts)
		p.pool.Put(w)
		return td, nil
	}
	w.collect(td)
	for from := 0; from < len(w.records); {
		to := from + 1
		for to < len(w.records) && w.records[to].trace == w.records[from].trace {
			to++
		}
		// Without an ID, spans of different traces cannot be distinguished.
		if !w.records[from].trace.IsEmpty() {
			w.trace = w.records[from:to]
			w.diagnose()
		}
		from = to
	}
	p.telemetry.add(ctx, &w.counts)
	if w.forget() {
		p.pool.Put(w)
	}
	return td, nil
}

// collect groups the spans of a batch by trace.
func (w *worker) collect(td ptrace.Traces) {
	mixed := false
	for i, rs := range td.ResourceSpans().All() {
		attributes := rs.Resource().Attributes()
		w.resources = append(w.resources, resource{attributes, vocab.HasPipeline(attributes), w.serviceOf(attributes)})
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				id := span.TraceID()
				mixed = mixed || len(w.records) > 0 && w.records[0].trace != id
				w.records = append(w.records, record{span, id, int32(i)})
			}
		}
	}
	if mixed {
		slices.SortStableFunc(w.records, func(a, b record) int { return bytes.Compare(a.trace[:], b.trace[:]) })
	}
}

// serviceOf returns the number of a service name in the batch.
func (w *worker) serviceOf(attributes pcommon.Map) int32 {
	name := ""
	if v, ok := attributes.Get(vocab.ServiceName); ok {
		name = v.AsString()
	}
	number, known := w.services[name]
	if !known {
		number = int32(len(w.services))
		w.services[name] = number
	}
	return number
}

// forget removes references to the batch from a pooled worker, and reports whether the worker should return to the
// pool: it should not if a huge trace has made it large.
func (w *worker) forget() bool {
	const huge = 100_000
	keep := cap(w.records) <= huge
	clear(w.records)
	clear(w.resources)
	clear(w.services)
	w.records, w.resources, w.trace = w.records[:0], w.resources[:0], nil
	return keep
}

// read reads the facts of the trace's spans and reports whether one of them is an ML span or has ML attributes.
func (w *worker) read() (ml bool) {
	n := len(w.trace)
	w.tree.Inputs = slices.Grow(w.tree.Inputs[:0], n)[:n]
	w.ledger.Facts = slices.Grow(w.ledger.Facts[:0], n)[:n]
	for i := range w.trace {
		r := &w.trace[i]
		facts := &w.ledger.Facts[i]
		*facts = cause.Read(r.span)
		ml = ml || facts.ML || vocab.IsMLSpan(w.resources[r.resource].pipeline, facts.Staged)
		w.tree.Inputs[i] = spantree.Input{
			ID: r.span.SpanID(), Parent: r.span.ParentSpanID(), Start: r.span.StartTimestamp(), End: r.span.EndTimestamp(),
			Kind: r.span.Kind(), Resource: r.resource, Service: w.resources[r.resource].service,
			Request: facts.Kind == cause.Request, ML: facts.ML, Signal: facts.Stated != 0, Detail: facts.Detail(),
			Failed: r.span.Status().Code() == ptrace.StatusCodeError,
		}
	}
	return ml
}
