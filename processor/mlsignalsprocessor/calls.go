package mlsignalsprocessor

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/nested"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/reading"
)

// tokens are what a call tells of its tokens.
var tokens = reading.Bit(reading.InputTokens) | reading.Bit(reading.OutputTokens)

// call takes back what the rules derived of a call that another span stands for.
func (w *worker) call(span ptrace.Span) {
	if span.TraceID().IsEmpty() || span.SpanID().IsEmpty() {
		return
	}
	sc := w.scratch
	parent := span.ParentSpanID()
	if isEntry(span) {
		parent = pcommon.SpanID{}
	}
	verdict := w.calls.Judge(&nested.Call{
		Trace: span.TraceID(), Span: span.SpanID(), Parent: parent, Tokens: sc.Known&tokens != 0,
	}, w.now)
	if !verdict.Call {
		sc.Drop(w.out.ByCall &^ tokens)
	}
	if !verdict.Tokens {
		sc.Drop(w.out.ByCall & tokens)
	}
}
