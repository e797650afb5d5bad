package aggregate

import (
	"math/bits"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/adjusted"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// stripe observes whole batches on behalf of one goroutine at a time. What it
// observes stays in its own cells until a flush, so that goroutines on
// different stripes share nothing.
type stripe struct {
	mu    sync.Mutex
	index int
	plan  *plan.Plan
	// registry is shared by all stripes and asked only for series that are new to this one.
	registry *registry
	seed     uint64
	weigh    bool
	// exemplify has spans offered as exemplars instead of observed.
	exemplify bool

	resources   table[resource]
	rows        table[row]
	maxRows     int
	extras      table[extra]
	cells       table[cell]
	cellChunk   chunk[cell]
	bucketChunk chunk[float64]
	// dirty are the cells that have something to merge.
	dirty []*cell
	// last is the row of the last span.
	last *row
	// period counts the flushes; dropped is the period in which idle rows were last dropped.
	period, dropped uint32
	// spareRow and spareResource stand in when the tables are full.
	spareRow      row
	spareResource resource
	counts        Counts

	// The rest is scratch space of the batch, the resource, the span or the event at hand.
	arrived        pcommon.Timestamp
	resourceValues []string
	// resourcePresent has the keys of the resource that were seen: of two values the first counts, as in every component.
	resourcePresent []bool
	resource        *resource
	span            ptrace.Span
	work            *plan.Work
	values          []pcommon.Value // by span slot
	present         plan.Set        // which of values are of this span
	after           []guess         // by span slot + 1: which attribute came next the last time; 0: which came first
	eventValues     []pcommon.Value // by event slot
	eventPresent    []bool
	labels          []string
	extraTexts      []string
	text            []byte
	resourceText    []byte
	// durationMS is 0 where the span has no valid duration.
	durationMS    float64
	durationValid bool
	weight        float64
	// lastState is the last trace state, and lastWeight its adjusted count: whole batches have the same.
	lastState    []byte
	lastWeight   float64
	lastReadable bool
}

// guess is an attribute key that the plan knows, and its slot.
type guess struct {
	key  string
	slot int
}

func newStripe(index int, p *plan.Plan, r *registry, o *Options, seed uint64) *stripe {
	s := &stripe{
		index: index, plan: p, registry: r, seed: seed, weigh: o.AdjustedCounts, maxRows: rowLimit(r.metrics, r.stripes),
		resourceValues: make([]string, p.Resource.Len()), resourcePresent: make([]bool, p.Resource.Len()),
		values:       make([]pcommon.Value, p.Span.Len()),
		after:        make([]guess, p.Span.Len()+1),
		eventValues:  make([]pcommon.Value, p.Event.Len()),
		eventPresent: make([]bool, p.Event.Len()),
		counts:       newCounts(p),
	}
	s.spareRow.cells = make([]*cell, p.Cells)
	s.last = &s.spareRow
	for i := range s.after {
		s.after[i].key = p.Span.Key(0)
	}
	return s
}

// consume observes a batch. It keeps nothing of it.
func (s *stripe) consume(td ptrace.Traces, now pcommon.Timestamp) {
	s.arrived = now
	for i, resources := 0, td.ResourceSpans(); i < resources.Len(); i++ {
		rs := resources.At(i)
		s.enter(rs.Resource())
		for j, scopes := 0, rs.ScopeSpans(); j < scopes.Len(); j++ {
			spans := scopes.At(j).Spans()
			for k := range spans.Len() {
				s.consumeSpan(spans.At(k))
			}
		}
	}
	// The batch must not stay reachable through the scratch space.
	clear(s.values)
	clear(s.eventValues)
	clear(s.resourceValues)
	clear(s.labels[:cap(s.labels)])
	clear(s.extraTexts[:cap(s.extraTexts)])
	clear(s.spareResource.values)
	s.span, s.resource = ptrace.Span{}, nil
}

func (s *stripe) consumeSpan(span ptrace.Span) {
	var present plan.Set
	previous := 0
	for key, v := range span.Attributes().All() {
		// Spans of a kind have their attributes in the same order: guess before searching.
		guess := &s.after[previous]
		if !sameText(guess.key, key) {
			slot := s.plan.Span.Find(key)
			if slot < 0 {
				continue
			}
			guess.key, guess.slot = s.plan.Span.Key(slot), slot
		}
		previous = guess.slot + 1
		if present.Has(guess.slot) {
			continue // the span has the key twice; the first counts
		}
		s.values[guess.slot] = v
		present.Add(guess.slot)
	}
	s.present = present
	work := &s.plan.ML
	if s.resource.pipeline || s.present.Has(s.plan.StageSlot) {
		s.counts.MLSpans++
	} else {
		s.counts.OtherSpans++
		work = &s.plan.Other
		if work.Empty() {
			return
		}
	}

	s.span, s.text, s.weight = span, s.text[:0], 1
	var lasting vocab.Lasting
	s.durationMS, lasting = vocab.Duration(span.StartTimestamp(), span.EndTimestamp())
	if s.durationValid = lasting == vocab.Lasts; !s.durationValid {
		s.counts.InvalidDurations++
	}
	if s.weigh {
		if state := span.TraceState().AsRaw(); state != "" {
			s.weight = s.adjustedCount(state)
		}
	}

	s.work = work
	r := s.row()
	s.observeAll(r, work.Always, pcommon.Value{})
	for w := range s.plan.SlotWords {
		for mask := r.slots[w] & s.present[w]; mask != 0; mask &= mask - 1 {
			slot := w<<6 + bits.TrailingZeros64(mask)
			s.observeAll(r, work.BySlot[slot], s.values[slot])
		}
	}
	if len(work.Events) > 0 {
		s.consumeEvents(r, work.Events)
	}
}

func (s *stripe) consumeEvents(r *row, wanted []plan.Event) {
	events := s.span.Events()
	for i := range events.Len() {
		event := events.At(i)
		w := slices.IndexFunc(wanted, func(e plan.Event) bool { return e.Name == event.Name() })
		if w < 0 {
			continue
		}
		clear(s.eventPresent)
		for key, v := range event.Attributes().All() {
			if slot := s.plan.Event.Find(key); slot >= 0 && !s.eventPresent[slot] {
				s.eventValues[slot], s.eventPresent[slot] = v, true
			}
		}
		for _, o := range wanted[w].Observations {
			s.observe(r, o)
		}
	}
}

// adjustedCount is how many spans the span stands for.
func (s *stripe) adjustedCount(state string) float64 {
	if string(s.lastState) != state {
		s.lastState = append(s.lastState[:0], state...)
		s.lastWeight, s.lastReadable = adjusted.Count(state)
	}
	if !s.lastReadable {
		s.counts.InvalidStates++
	}
	return s.lastWeight
}
