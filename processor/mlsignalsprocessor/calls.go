package mlsignalsprocessor

import (
	"hash/maphash"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/attempts"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/nested"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/rules"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// tokens has the token counts of a call.
var tokens = values.Bits(values.InputTokens, values.OutputTokens).Or(partsOfTokens)

var partsOfTokens = values.Bits(vocab.Index(vocab.CachedTokens), vocab.Index(vocab.CacheWriteTokens), vocab.Index(vocab.ReasoningTokens))

// call removes what the rules derived for a call that another span counts for.
func (w *worker) call(span ptrace.Span) {
	if span.TraceID().IsEmpty() || span.SpanID().IsEmpty() {
		return
	}
	sc := w.scratch
	parent := span.ParentSpanID()
	if isEntry(span) {
		parent = pcommon.SpanID{}
	}
	verdict := w.calls.Decide(&nested.Call{
		Trace: span.TraceID(), Span: span.SpanID(), Parent: parent, Tokens: sc.Known.Meets(&tokens),
	}, w.now)
	if !verdict.Call {
		sc.Drop(w.out.ByCall.Without(tokens))
	}
	if !verdict.Tokens {
		sc.Drop(w.out.ByCall.And(tokens))
	}
}

// try counts attempts: earlier ones of a retried call, and those below a span that repeats a call until the answer is valid.
func (w *worker) try(span ptrace.Span) {
	if span.TraceID().IsEmpty() {
		return
	}
	sc := w.scratch
	k := attempts.Key{Trace: span.TraceID(), Parent: span.SpanID()}
	if w.out.Attempts == rules.ChildCalls {
		if n := w.attempts.Below(k, w.now); n > 0 {
			sc.Fill(values.ValidationAttempts, float64(n))
		}
	}
	if k.Parent = span.ParentSpanID(); !w.out.Call || k.Parent.IsEmpty() {
		return
	}
	n := w.attempts.Add(k, attempts.Call{
		Of:    maphash.String(callSeed, sc.TextOf(values.ModelName, span.Attributes())) ^ maphash.String(callSeed, span.Name())<<1,
		Start: span.StartTimestamp(), End: span.EndTimestamp(), Failed: span.Status().Code() == ptrace.StatusCodeError,
	}, w.now)
	if w.out.Attempts == rules.FailedSiblings {
		sc.Fill(values.InferenceAttempts, float64(n))
	}
}

var callSeed = maphash.MakeSeed()
