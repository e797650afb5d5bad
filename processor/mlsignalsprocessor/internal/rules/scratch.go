package rules

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/keytable"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// Scratch is the working memory for one span at a time. It must not be used
// concurrently.
type Scratch struct {
	values.Values
	// DurationMS is the span's duration, negative where it has none; Lasting says why.
	DurationMS float64
	Lasting    vocab.Lasting
	// BadSources has the keys of attributes that a rule could not read, for each span anew.
	BadSources []string

	span ptrace.Span
	name string
	// names caches names; named is that of the current span. spare is used for names that are not cached.
	names      map[string]*named
	named      *named
	spare      named
	start, end pcommon.Timestamp

	// keys finds the keys of a span's attributes.
	keys keytable.Walker

	resource []atom // of the resource
	scopes   map[string][]atom
	// around is that of the current resource and scope, one of arounds.
	around     *around
	arounds    []around
	lastAround uint32
	// trail has the atoms of the span's attributes and events, in order; bits has all atoms of the span while rules are searched.
	trail []atom
	bits  []uint64

	// values and hits hold the values of this span and this resource under the
	// keys that rules read. Entries with another stamp are of earlier spans.
	stamp          uint32
	values         []stampedValue
	hits           []stampedEvent
	resourceValues []pcommon.Value
	resourceHas    []bool
}

type stampedValue struct {
	stamp uint32
	value pcommon.Value
}

type stampedEvent struct {
	stamp uint32
	count int
	first ptrace.SpanEvent
}

// NewScratch returns working memory for this set of rules.
func (s *Compiled) NewScratch() *Scratch {
	sc := &Scratch{
		names: map[string]*named{}, named: &named{},
		keys:   s.keys.NewWalker(),
		scopes: map[string][]atom{}, arounds: make([]around, 0, maxAround), bits: make([]uint64, s.words),
		values: make([]stampedValue, s.slots), hits: make([]stampedEvent, len(s.eventInfo)),
		resourceValues: make([]pcommon.Value, len(s.resourceInfo)), resourceHas: make([]bool, len(s.resourceInfo)),
	}
	s.Scope("", sc)
	return sc
}

// Forget removes all references to the batch.
func (sc *Scratch) Forget() {
	sc.Values.Forget()
	sc.span, sc.name = ptrace.Span{}, ""
	sc.spare = sc.spare.emptied()
	sc.named = &sc.spare
	clear(sc.values)
	clear(sc.hits)
	clear(sc.resourceValues)
	clear(sc.resourceHas)
	clear(sc.BadSources[:cap(sc.BadSources)])
	sc.stamp = 0
}

func (sc *Scratch) attribute(slot int) (pcommon.Value, bool) {
	v := &sc.values[slot]
	return v.value, v.stamp == sc.stamp
}

func (sc *Scratch) resourceAttribute(slot int) (pcommon.Value, bool) {
	return sc.resourceValues[slot], sc.resourceHas[slot]
}

func (sc *Scratch) event(i int) (ptrace.SpanEvent, bool) {
	h := &sc.hits[i]
	return h.first, h.stamp == sc.stamp
}

func (sc *Scratch) eventCount(i int) int {
	if h := &sc.hits[i]; h.stamp == sc.stamp {
		return h.count
	}
	return 0
}
