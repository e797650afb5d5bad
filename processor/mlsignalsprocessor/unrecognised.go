package mlsignalsprocessor

import (
	"context"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/unrecognised"
)

// Of the unrecognised spans of a batch the first few are noted one by one, because a service that has just begun sends
// few; of the others, batch after batch, one of so many, for as many.
const (
	first = 8
	every = 64
)

// unknowns are the unrecognised spans of a batch.
type unknowns struct {
	number int64 // in the batch
	others int64 // in all batches, those that were noted one by one aside
	noted  []unrecognised.Seen
}

// note remembers a span that no dialect recognised until the end of the batch.
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

// flush counts the spans of a batch and lets go of it.
func (u *unknowns) flush(table *unrecognised.Table) {
	table.Add(u.noted)
	clear(u.noted)
	u.number, u.noted = 0, u.noted[:0]
}

// observeUnrecognised reports the most frequent names.
func (p *signalsProcessor) observeUnrecognised(_ context.Context, o metric.Int64Observer) error {
	for _, s := range p.unrecognised.Frequent() {
		o.Observe(s.Times, metric.WithAttributeSet(attribute.NewSet(
			attribute.String("service", s.Service), attribute.String("scope", s.Scope), attribute.String("span", s.Name), attribute.Bool("ml", s.ML))))
	}
	return nil
}
