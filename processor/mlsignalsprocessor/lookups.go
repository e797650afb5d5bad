package mlsignalsprocessor

import (
	"hash/maphash"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/lookup"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// Bits of OTLP's SpanFlags: whether it is known if the parent is remote, and whether it is.
const (
	knowsRemote = 0x100
	isRemote    = 0x200
)

func hasRemoteParent(span ptrace.Span) bool {
	return span.Flags()&(knowsRemote|isRemote) == knowsRemote|isRemote
}

// isEntry reports whether a request enters the service with this span.
func isEntry(span ptrace.Span) bool {
	return span.ParentSpanID().IsEmpty() || span.Kind() == ptrace.SpanKindServer || span.Kind() == ptrace.SpanKindConsumer || hasRemoteParent(span)
}

// read processes a span that reads a cache or a database. It returns false for a span that is to be processed again
// after the other spans of the resource.
func (w *worker) read(span ptrace.Span, final bool) bool {
	sc := w.scratch
	if span.TraceID().IsEmpty() || span.ParentSpanID().IsEmpty() || sc.Lasting != vocab.Lasts {
		return true
	}
	w.looksUp = true
	verdict := w.lookups.Read(&lookup.Read{
		Kind: w.out.Lookup, Trace: span.TraceID(), Parent: span.ParentSpanID(),
		Start: span.StartTimestamp(), End: span.EndTimestamp(), Timed: !sc.Missing(values.FeaturesDBLookup),
		Alone: hasRemoteParent(span), Service: w.serviceHash(),
	}, final, w.now)
	switch verdict {
	case lookup.Undecided:
		w.undecided = append(w.undecided, undecided{span, w.scope})
		return false
	case lookup.Carries:
		sc.Fill(values.FeaturesDBLookup, sc.DurationMS)
	}
	return true
}

// pass sets the time of the reads below a span if this span gets it, and reports whether it does.
func (w *worker) pass(span ptrace.Span) bool {
	sc := w.scratch
	role := lookup.Between
	switch {
	case !sc.Missing(values.FeaturesDBLookup):
		role = lookup.Teller
	case sc.Known.Has(values.Stage) && sc.Text[values.Stage] == vocab.StageFeatureExtraction || isEntry(span):
		role = lookup.Carrier
	}
	if role != lookup.Carrier && w.lookups.Empty() {
		return false
	}
	below, reads := w.lookups.Below(span.TraceID(), span.SpanID())
	if !reads {
		if role == lookup.Carrier {
			w.lookups.Passed(below)
		}
		return false
	}
	ms, found := w.lookups.Pass(below, span.ParentSpanID(), role, w.serviceHash(), w.now)
	if found {
		sc.Fill(values.FeaturesDBLookup, ms)
	}
	return found
}

var serviceSeed = maphash.MakeSeed()

// serviceHash returns a hash of the name of the service.
func (w *worker) serviceHash() uint64 {
	if w.service == 0 {
		name := ""
		if v, ok := w.resource.Get(vocab.ServiceName); ok {
			name = v.AsString()
		}
		w.service = maphash.String(serviceSeed, name) | 1
	}
	return w.service
}
