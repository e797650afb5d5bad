package observe

import (
	"math/bits"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/series"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// observer observes whole batches for one goroutine at a time, which holds the
// lock of its shard.
type observer struct {
	shard *series.Shard
	plan  *compiled.Plan
	weigh bool
	// exemplify offers spans as exemplars instead of observing them.
	exemplify bool
	caches    caches
	weights   weights
	counts    Counts
	// after is by span slot + 1 which attribute came next the last time; 0: which came first.
	after []guess
	// resourceValues are by resource slot; of two values of a key the first counts, as in every component.
	resourceValues  []string
	resourcePresent []bool
	// now is when the batch arrived.
	now time.Time
	// span is the current span.
	span span
}

// guess is an attribute key that the plan has, and its slot.
type guess struct {
	key  string
	slot int
}

func newObserver(shard *series.Shard, p *compiled.Plan, options *Options, groups int) *observer {
	o := &observer{
		shard: shard, plan: p, weigh: options.AdjustedCounts, caches: newCaches(groups), counts: newCounts(p),
		after:          make([]guess, p.Span.Len()+1),
		resourceValues: make([]string, p.Resource.Len()), resourcePresent: make([]bool, p.Resource.Len()),
		span: span{
			values: make([]pcommon.Value, p.Span.Len()),
			event:  event{make([]pcommon.Value, p.Event.Len()), make([]bool, p.Event.Len())},
			texts:  texts{limit: options.LabelLength},
		},
	}
	for i := range o.after {
		o.after[i].key = p.Span.Key(0)
	}
	return o
}

func (o *observer) age(now time.Time) { o.caches.age(now) }

// consume observes a batch. It keeps nothing of it.
func (o *observer) consume(td ptrace.Traces, now time.Time) {
	s := &o.span
	o.now = now
	s.arrived = pcommon.NewTimestampFromTime(now)
	for i, resources := 0, td.ResourceSpans(); i < resources.Len(); i++ {
		rs := resources.At(i)
		s.resource = o.enter(rs.Resource())
		for j, scopes := 0, rs.ScopeSpans(); j < scopes.Len(); j++ {
			spans := scopes.At(j).Spans()
			for k := range spans.Len() {
				s.Span = spans.At(k)
				o.observeSpan(s)
			}
		}
	}
	// The batch must not stay reachable.
	clear(s.values)
	clear(s.event.values)
	clear(o.resourceValues)
	s.Span, s.resource = ptrace.Span{}, nil
}

// collect finds the attributes of a span that the plan reads.
func (o *observer) collect(s *span) {
	var present compiled.Set
	previous := 0
	for key, v := range s.Attributes().All() {
		// Spans of a kind have their attributes in the same order: guess before searching.
		guess := &o.after[previous]
		if guess.key != key {
			slot := o.plan.Span.Find(key)
			if slot < 0 {
				continue
			}
			guess.key, guess.slot = o.plan.Span.Key(slot), slot
		}
		previous = guess.slot + 1
		if present.Has(guess.slot) {
			continue // the span has the key twice; the first counts
		}
		s.values[guess.slot] = v
		present.Add(guess.slot)
	}
	s.present = present
}

// work is what to observe on a span.
func (o *observer) work(s *span) *compiled.Work {
	if vocab.IsMLSpan(s.resource.pipeline, s.present.Has(o.plan.StageSlot)) {
		return &o.plan.ML
	}
	return &o.plan.Other
}

func (o *observer) observeSpan(s *span) {
	o.collect(s)
	work := o.work(s)
	if work == &o.plan.ML {
		o.counts.MLSpans++
	} else {
		o.counts.OtherSpans++
		if work.Empty() {
			return
		}
	}
	s.texts.numbers, s.weight = s.texts.numbers[:0], 1
	var lasting vocab.Lasting
	s.durationMS, lasting = vocab.Duration(s.StartTimestamp(), s.EndTimestamp())
	if s.lasts = lasting == vocab.Lasts; !s.lasts {
		o.counts.InvalidDurations++
	}
	if o.weigh {
		if state := s.TraceState().AsRaw(); state != "" {
			var ok bool
			if s.weight, ok = o.weights.weigh(state); !ok {
				o.counts.InvalidStates++
			}
		}
	}

	g := o.group(s)
	o.observeAll(s, g, work, work.Always, pcommon.Value{})
	for w := range o.plan.SlotWords {
		for mask := g.slots[w] & s.present[w]; mask != 0; mask &= mask - 1 {
			slot := w<<6 + bits.TrailingZeros64(mask)
			o.observeAll(s, g, work, work.BySlot[slot], s.values[slot])
		}
	}
	if len(work.Events) > 0 {
		o.observeEvents(s, g, work)
	}
}

func (o *observer) observeEvents(s *span, g *group, work *compiled.Work) {
	events := s.Events()
	for i := range events.Len() {
		e := events.At(i)
		w := slices.IndexFunc(work.Events, func(wanted compiled.Event) bool { return wanted.Name == e.Name() })
		if w < 0 {
			continue
		}
		clear(s.event.present)
		for key, v := range e.Attributes().All() {
			if slot := o.plan.Event.Find(key); slot >= 0 && !s.event.present[slot] {
				s.event.values[slot], s.event.present[slot] = v, true
			}
		}
		for _, of := range work.Events[w].Observations {
			o.observe(s, g, work, of)
		}
	}
}
