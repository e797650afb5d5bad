package cause

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/keytable"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/spantree"
)

// Kind is the kind of work of a span.
type Kind uint8

// The kinds of spans.
const (
	// Unknown: the span is a part of its parent's work.
	Unknown Kind = iota
	// Request is the whole pipeline.
	Request
	// Features is the feature store.
	Features
	// Inference is the model server.
	Inference
	// Step is any other stage of a pipeline.
	Step
)

// Facts are the values of a span about its time. Durations are in nanoseconds, -1 if unknown.
type Facts struct {
	Kind Kind
	// Staged: the span has ml.stage, of whatever value.
	Staged bool
	// ML: the span has ML attributes: a known stage, a time or a signal that the diagnosis reads.
	ML      bool
	Wait    int64
	Compute int64
	// Lookup is the time of the lookups in the cache and the database.
	Lookup int64
	// Prefill and Decode are parts of Compute.
	Prefill, Decode int64
	Revalidated     bool
	// Attempts is the number of validations, 0 if unknown.
	Attempts int64
	// Failed is the time of the event of the first failed validation, 0 if there is none.
	Failed pcommon.Timestamp
	Cold   bool
	// Load is how long the cold start took.
	Load int64
	// Entry: the span is a service's entry, so a cold start is only a part of it.
	Entry bool
	// Stated has the causes that the span's signals name.
	Stated Set
}

// Detail returns how many of the facts the span has.
func (f *Facts) Detail() spantree.Detail {
	switch {
	case f.Stated.Has(ColdStart) || f.Stated.Has(Revalidation):
		return spantree.EventDetail
	case f.Kind == Features || f.Kind == Inference:
		return spantree.CauseDetail
	case f.Kind == Step:
		return spantree.StageDetail
	default:
		return spantree.NoDetail
	}
}

// Set is a set of causes.
type Set uint8

// Has reports whether a cause is in the set.
func (s Set) Has(c Cause) bool { return s>>c&1 != 0 }

// With returns the set with one more cause.
func (s Set) With(c Cause) Set { return s | 1<<c }

// The keys that are read, in the order of the table.
const (
	stage = iota
	queueWait
	forwardPass
	prefill
	decode
	kvTransfer
	dbLookup
	cacheLookup
	attempts
	required
	revalidated
	cold
	repeated
	component
	load
	cascade
	queueBound
	highWait
	size
)

var keys = [size]string{
	stage: vocab.Stage, queueWait: vocab.QueueWait, forwardPass: vocab.ForwardPass, prefill: vocab.Prefill, decode: vocab.Decode, kvTransfer: vocab.KVTransfer, dbLookup: vocab.FeaturesDBLookup,
	cacheLookup: vocab.FeaturesCacheLookup, attempts: vocab.ValidationAttempts, required: vocab.OutputRequiredRepair,
	revalidated: vocab.SignalRevalidated, cold: vocab.SignalColdStart, repeated: vocab.ColdStartRepeated, component: vocab.ColdStartComponent,
	load: vocab.ColdStartDuration, cascade: vocab.SignalFeatureCascade, queueBound: vocab.SignalQueueBound,
	highWait: vocab.SignalHighQueueWait,
}

var (
	table      = keytable.New(keys[:])
	attributes = func() (all [size]*vocab.Attribute) {
		for i, key := range keys {
			all[i] = vocab.Lookup(key)
		}
		return all
	}()
)

// Read reads the facts of a span. Values that are out of range are ignored, as in mlsignals.
func Read(span ptrace.Span) Facts {
	f := Facts{Wait: -1, Compute: -1, Prefill: -1, Decode: -1, Lookup: -1, Load: -1}
	transfers, repeats := false, false
	var seen [size]bool
	for key, v := range span.Attributes().All() {
		i := table.Index(key)
		if i < 0 || seen[i] {
			continue // if a key has two values, the first counts, as in every component
		}
		seen[i] = true
		switch i {
		case stage:
			f.Kind, f.Staged = kindOf(v.AsString()), true
		case queueWait:
			f.Wait = nanoseconds(i, v)
		case forwardPass:
			f.Compute = nanoseconds(i, v)
		case prefill:
			f.Prefill = nanoseconds(i, v)
		case decode:
			f.Decode = nanoseconds(i, v)
		case kvTransfer:
			transfers = nanoseconds(i, v) >= 0
		case dbLookup, cacheLookup:
			if ns := nanoseconds(i, v); ns >= 0 {
				f.Lookup = max(f.Lookup, 0) + ns
			}
		case load:
			f.Load = nanoseconds(i, v)
		case attempts:
			if n, ok := vocab.ReadInt(v); ok && n > 0 {
				f.Attempts = n
			}
		case required, revalidated:
			f.Revalidated = f.Revalidated || isTrue(v)
		case cold:
			f.Cold = isTrue(v)
		case repeated:
			repeats = isTrue(v)
		case cascade:
			f.state(FeatureStore, v)
		case queueBound, highWait:
			f.state(GPUQueue, v)
		}
	}
	if repeats && f.Load >= 0 {
		f.Cold = true // another span is marked for the same start; this span may have its time
	}
	if transfers && f.Kind == Inference && f.Wait < 0 && f.Compute < 0 {
		f.Kind = Step // the transfer of a KV cache is not compute
	}
	f.complete(span)
	return f
}

func (f *Facts) complete(span ptrace.Span) {
	f.Entry = span.ParentSpanID().IsEmpty() || span.Kind() == ptrace.SpanKindServer || span.Kind() == ptrace.SpanKindConsumer
	if f.Kind == Unknown {
		switch {
		case f.Wait >= 0 || f.Compute >= 0:
			f.Kind = Inference
		case f.Lookup >= 0 && !f.Entry, f.Lookup < 0 && f.Stated.Has(FeatureStore):
			f.Kind = Features // a handler with a lookup may also do other work
		}
	}
	if f.Revalidated {
		f.Stated = f.Stated.With(Revalidation)
		f.Failed = firstFailure(span)
	}
	if f.Cold {
		f.Stated = f.Stated.With(ColdStart)
	}
	f.ML = f.ML || f.Lookup >= 0 || f.Kind != Unknown || f.Stated != 0
}

func (f *Facts) state(c Cause, v pcommon.Value) {
	if isTrue(v) {
		f.Stated = f.Stated.With(c)
	}
}

func firstFailure(span ptrace.Span) (first pcommon.Timestamp) {
	for _, e := range span.Events().All() {
		if at := e.Timestamp(); e.Name() == vocab.EventValidationFailed && at > 0 && (first == 0 || at < first) {
			first = at
		}
	}
	return first
}

func isTrue(v pcommon.Value) bool {
	b, ok := vocab.ReadBool(v)
	return ok && b
}

// nanoseconds converts milliseconds; it returns -1 for values that are out of range.
func nanoseconds(key int, v pcommon.Value) int64 {
	ms, ok := vocab.ReadDouble(v)
	if !ok || !attributes[key].InRange(ms) { // the ranges exclude values that would overflow nanoseconds
		return -1
	}
	return int64(ms * float64(time.Millisecond))
}

func kindOf(stage string) Kind {
	switch stage {
	case vocab.StageRequest:
		return Request
	case vocab.StageFeatureExtraction:
		return Features
	case vocab.StageInference:
		return Inference
	case vocab.StageInputValidation, vocab.StageBatchAssembly, vocab.StageTokenization, vocab.StagePostProcessing,
		vocab.StageDataIngestion, vocab.StageFeatureEngineering, vocab.StageTraining, vocab.StageEvaluation,
		vocab.StageModelRegistration, vocab.StageDeployment:
		return Step
	default:
		return Unknown
	}
}
