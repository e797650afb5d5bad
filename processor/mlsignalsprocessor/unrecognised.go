package mlsignalsprocessor

import (
	"context"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/unrecognised"
)

// The first unrecognised spans of a batch are recorded one by one, because new services send few. Of the others one in
// every is recorded, and counts for every.
const (
	first = 8
	every = 64
)

// unknowns are the unrecognised spans of a batch.
type unknowns struct {
	number int64 // in the batch
	others int64 // in all batches, beyond the first of each
	noted  []unrecognised.Seen
}

// note records a span that no dialect recognised, until flush.
func (w *worker) note(span ptrace.Span) {
	u := &w.unknowns
	u.number++
	times := int64(1)
	if u.number > first {
		if u.others++; u.others%every != 0 {
			return
		}
		times = every
	}
	service := ""
	if v, ok := w.resource.Get(vocab.ServiceName); ok {
		service = v.AsString()
	}
	u.noted = append(u.noted, unrecognised.Seen{
		Span: unrecognised.Span{Service: service, Scope: w.scope, Name: span.Name(), ML: w.pipeline}, Times: times,
	})
}

// flush counts the recorded spans and removes the references to the batch.
func (u *unknowns) flush(table *unrecognised.Table) {
	table.Add(u.noted)
	clear(u.noted)
	u.number, u.noted = 0, u.noted[:0]
}

// observeUnrecognised reports the most frequent names.
func (p *signalsProcessor) observeUnrecognised(_ context.Context, o metric.Int64Observer) error {
	for _, s := range p.unrecognised.Frequent() {
		o.Observe(s.Times, p.telemetry.with(
			attribute.String("service", s.Service), attribute.String("scope", s.Scope), attribute.String("span", s.Name), attribute.Bool("ml", s.ML)))
	}
	return nil
}
