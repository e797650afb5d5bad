package mlsignalsprocessor

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/attempts"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/coldstart"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/join"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/lookup"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/nested"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/rules"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/signals"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/unrecognised"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// signalsProcessor marks spans in place. Its state between batches (tables,
// memory of loads, pool of workers) is safe for concurrent use.
type signalsProcessor struct {
	rules     *rules.Compiled
	settings  signals.Settings
	minColdMS float64
	genAI     bool
	memory    *coldstart.Memory
	joins     join.Tables
	lookups   *lookup.Table
	calls     *nested.Table
	attempts  *attempts.Table
	telemetry *telemetry
	// unrecognised counts the names of spans that no dialect recognised.
	unrecognised unrecognised.Table
	pool         sync.Pool // of *worker
}

// worker is the working memory for one batch.
type worker struct {
	*signalsProcessor
	scratch *rules.Scratch
	out     rules.Outcome
	counts  counts
	now     time.Time
	unknowns

	// of the current resource
	resource   pcommon.Map
	pipeline   bool               // it has ml.pipeline.name
	instance   coldstart.Instance // filled in when first needed
	identified bool
	service    uint64 // hash of its name
	// undecided are lookups that are processed again after the other spans of the resource.
	undecided []undecided
	scope     string // of the current span
	// looksUp: there were recent reads of caches or databases.
	looksUp bool
}

// undecided is a span with the name of its scope.
type undecided struct {
	span  ptrace.Span
	scope string
}

func newSignalsProcessor(cfg *Config, tel *telemetry) (*signalsProcessor, error) {
	use, custom, err := cfg.inUse()
	if err != nil {
		return nil, err
	}
	names, err := coldstart.NewNames(cfg.Signals.ColdStart.SpanNames, cfg.Signals.ColdStart.Components)
	if err != nil {
		return nil, err
	}
	options := rules.Options{Custom: custom, Component: names.Component}
	if !cfg.Signals.ColdStart.Enabled {
		options.Without = values.OfColdStart
	}
	p := &signalsProcessor{
		rules: rules.Compile(use, options),
		settings: signals.Settings{
			Enabled:             enabledSignals(&cfg.Signals),
			QueueBoundRatio:     cfg.Signals.QueueBound.Ratio,
			HighQueueWait:       cfg.Signals.HighQueueWait.Threshold,
			CascadeShare:        cfg.Signals.FeatureCascade.DBShare,
			RevalidatedAttempts: cfg.Signals.Revalidated.Attempts,
		},
		minColdMS: float64(cfg.Signals.ColdStart.MinDuration) / float64(time.Millisecond),
		genAI:     cfg.GenAI,
		memory:    coldstart.NewMemory(cfg.ReloadMemory.MaxComponents),
		lookups:   lookup.NewTable(cfg.Join.MaxSpans, cfg.Join.TTL),
		calls:     nested.NewTable(cfg.Join.MaxSpans, cfg.Join.TTL),
		attempts:  attempts.NewTable(cfg.Join.MaxSpans, cfg.Join.TTL),
		telemetry: tel,
	}
	p.joins = join.NewTables(p.rules.Joins, cfg.Join.MaxSpans, cfg.Join.TTL)
	p.pool.New = p.newWorker
	return p, nil
}

func (p *signalsProcessor) newWorker() any {
	return &worker{signalsProcessor: p, scratch: p.rules.NewScratch(), counts: newCounts(len(p.rules.Dialects))}
}

func enabledSignals(c *SignalsConfig) values.Set {
	var s values.Set
	for _, signal := range []struct {
		index   int
		enabled bool
	}{
		{values.QueueBound, c.QueueBound.Enabled},
		{values.HighQueueWait, c.HighQueueWait.Enabled},
		{values.FeatureCascade, c.FeatureCascade.Enabled},
		{values.FeaturesUnavailSignal, c.FeaturesUnavailable.Enabled},
		{values.Revalidated, c.Revalidated.Enabled},
		{values.ColdStart, c.ColdStart.Enabled},
	} {
		if signal.enabled {
			s.Add(signal.index)
		}
	}
	return s
}

// processTraces marks the spans of a batch. It never drops, adds or reorders one.
func (p *signalsProcessor) processTraces(ctx context.Context, td ptrace.Traces) (ptrace.Traces, error) {
	w := p.pool.Get().(*worker)
	w.now = time.Now()
	w.looksUp = w.lookups.Active(w.now)
	resources := td.ResourceSpans()
	for i := range resources.Len() {
		w.resourceSpans(resources.At(i))
	}
	p.telemetry.add(ctx, &w.counts)
	w.unknowns.flush(&p.unrecognised)
	w.forget()
	p.pool.Put(w)
	return td, nil
}

// forget removes all references to the batch from a pooled worker.
func (w *worker) forget() {
	w.scratch.Forget()
	w.out = rules.Outcome{Joins: w.out.Joins[:0]}
	w.resource, w.scope = pcommon.Map{}, ""
	clear(w.undecided[:cap(w.undecided)])
}

func (w *worker) resourceSpans(rs ptrace.ResourceSpans) {
	w.resource = rs.Resource().Attributes()
	w.identified = false
	w.pipeline = vocab.HasPipeline(w.resource)
	w.service = 0
	noResource := w.resource.Len() == 0
	w.rules.Resource(w.resource, w.scratch)
	scopes := rs.ScopeSpans()
	if !w.looksUp {
		w.scopes(scopes, allSpans)
	} else {
		// SDKs group spans by instrumentation, so the parents of database reads can come before them.
		w.scopes(scopes, clientSpans)
		w.scopes(scopes, otherSpans)
	}
	if noResource {
		for i := range scopes.Len() {
			w.counts.malformed[noResourceReason] += int64(scopes.At(i).Spans().Len())
		}
	}
	slices.SortStableFunc(w.undecided, byStart) // of nested spans, the outer one gets the time
	for _, u := range w.undecided {
		w.scope = u.scope
		w.rules.Scope(w.scope, w.scratch)
		w.span(u.span, true)
	}
	w.undecided = w.undecided[:0]
}

// byStart orders spans by their start, the longer one first.
func byStart(a, b undecided) int {
	return cmp.Or(cmp.Compare(a.span.StartTimestamp(), b.span.StartTimestamp()), cmp.Compare(b.span.EndTimestamp(), a.span.EndTimestamp()))
}

// scopes marks the spans of one of these selections.
const (
	allSpans = iota
	clientSpans
	otherSpans
)

// scopes marks some of the spans of a resource.
func (w *worker) scopes(scopes ptrace.ScopeSpansSlice, which int) {
	for i := range scopes.Len() {
		scope := scopes.At(i)
		w.scope = scope.Scope().Name()
		w.rules.Scope(w.scope, w.scratch)
		spans := scope.Spans()
		if which == allSpans {
			for j := range spans.Len() {
				w.span(spans.At(j), false)
			}
			continue
		}
		for j := range spans.Len() {
			if span := spans.At(j); (span.Kind() == ptrace.SpanKindClient) == (which == clientSpans) {
				w.span(span, false)
			}
		}
	}
}

// span marks a span. final is set the second time, for a span that was undecided.
func (w *worker) span(span ptrace.Span, final bool) {
	sc, out := w.scratch, &w.out
	w.rules.Apply(span, sc, out)
	if out.Lookup != lookup.None && !w.read(span, final) {
		return
	}
	if out.Call || out.Attempts != 0 {
		w.try(span)
	}
	if out.Call {
		w.call(span)
	}
	if sc.Lasting != vocab.Lasts || span.Name() == "" {
		w.countMalformed(span)
	}
	if len(out.Joins) > 0 {
		w.rules.Join(span, sc, out, w.joins, w.now)
	}
	if out.Dialect == rules.None && sc.HasStageAttribute() {
		out.Dialect = w.rules.Vocabulary
	}
	w.counts.dialects[out.Dialect+1]++
	if out.Dialect == rules.None {
		w.note(span)
	}
	if out.Dialect == rules.None && !w.pipeline && sc.Derived.Empty() {
		return
	}
	if !sc.Invalid.Empty() || len(sc.BadSources) > 0 {
		w.counts.invalid(sc)
	}
	if sc.Missing(values.Stage) {
		w.fillStage(span)
	}
	if w.looksUp && out.Lookup == lookup.None && w.pass(span) {
		w.fillStage(span)
	}
	w.derive(span)
	w.counts.derived(sc)
	sc.Write(span.Attributes())
	if w.genAI {
		w.writeGenAI(span)
	}
}

// fillStage derives the stage from the attributes of the span. A lookup time alone does not make a span feature
// extraction if a request of a pipeline enters its service with it, because the handler can do more.
func (w *worker) fillStage(span ptrace.Span) {
	if w.rules.Vocabulary == rules.None {
		return
	}
	var but values.Set
	if w.pipeline && isEntry(span) {
		but = values.Lookups
	}
	w.scratch.FillStage(but)
}

func (w *worker) derive(span ptrace.Span) {
	sc := w.scratch
	facts := signals.Span{
		DurationMS: sc.DurationMS,
		Failed:     span.Status().Code() == ptrace.StatusCodeError,
		WaitOnly:   w.out.WaitOnly,
	}
	signals.Fill(&sc.Values, &facts)
	signals.Derive(&sc.Values, &facts, &w.settings)
	cold := w.out.Cold || sc.LoadedByName() != "" || w.out.Signals.Has(values.ColdStart)
	switch {
	case !cold:
	case w.out.MarkedElsewhere || sc.IsTrue(values.ColdStartRepeated): // another span is already marked for this cold start
		w.out.Signals.Remove(values.ColdStart)
		if sc.Missing(values.ColdStart) {
			w.loadTime()
			sc.FillBool(values.ColdStartRepeated, true)
		}
	default:
		w.coldStart(span)
	}
	if w.out.Signals.Empty() {
		return
	}
	for s := w.out.Signals.And(w.settings.Enabled); !s.Empty(); {
		sc.FillBool(s.Pop(), true)
	}
}

// coldStart marks a span that loads a component according to a dialect or its name.
func (w *worker) coldStart(span ptrace.Span) {
	sc := w.scratch
	if !w.settings.Enabled.Has(values.ColdStart) || !sc.Missing(values.ColdStart) {
		return
	}
	component, ms := w.out.Component, w.out.ColdMS
	if !w.out.Cold {
		if sc.LoadedByName() == "" || w.rules.DescribesLoads(w.out.Dialect) {
			return
		}
		component, ms = sc.LoadedByName(), sc.DurationMS
	}
	if ms < 0 || ms < w.minColdMS {
		return
	}
	sc.FillBool(values.ColdStart, true)
	sc.FillText(values.ColdStartComponent, component)
	sc.Fill(values.ColdStartDuration, ms)
	if instance := w.loader(); instance.Known && !w.out.ReloadUnknown {
		attrs := span.Attributes()
		load := instance.Load(sc.TextOf(values.ColdStartComponent, attrs), sc.TextOf(values.ModelName, attrs), sc.TextOf(values.ModelVersion, attrs))
		sc.FillBool(values.ColdStartReload, w.memory.Reload(load, span.StartTimestamp(), span.SpanID()))
	}
}

// loadTime keeps the time of the load on a span whose cold start is marked on another span. Only one of the two has it.
func (w *worker) loadTime() {
	if !w.settings.Enabled.Has(values.ColdStart) || !w.out.Cold || w.out.ColdMS < max(0, w.minColdMS) {
		w.scratch.Drop(values.OfColdStart)
		return
	}
	w.scratch.Drop(values.Bits(values.ColdStartReload))
	w.scratch.FillText(values.ColdStartComponent, w.out.Component)
	w.scratch.Fill(values.ColdStartDuration, w.out.ColdMS)
}

// loader returns the process that loaded the component.
func (w *worker) loader() coldstart.Instance {
	if w.out.Instance != "" {
		return w.process().Named(w.out.Instance)
	}
	return w.process()
}

// process returns the process that the resource identifies.
func (w *worker) process() coldstart.Instance {
	if !w.identified {
		w.instance, w.identified = coldstart.Identify(w.resource), true
	}
	return w.instance
}

func (w *worker) countMalformed(span ptrace.Span) {
	if span.Name() == "" {
		w.counts.malformed[noNameReason]++
	}
	switch w.scratch.Lasting {
	case vocab.NoStart:
		w.counts.malformed[noStartReason]++
	case vocab.EndsBeforeStart:
		w.counts.malformed[endBeforeStartReason]++
	case vocab.TooLong:
		w.counts.malformed[tooLongReason]++
	}
}
