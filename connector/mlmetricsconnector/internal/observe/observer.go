package observe

import (
	"math/bits"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/series"
	"github.com/otelcol-ml/otelcol-ml/internal/keytable"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// observer observes whole batches for one goroutine at a time, which holds the
// lock of its shard.
type observer struct {
	shard *series.Shard
	plan  *compiled.Plan
	// exemplify offers spans as exemplars instead of observing them.
	exemplify bool
	caches    caches
	weights   weights
	counts    Counts
	// keys finds the slots of a span's attributes.
	keys keytable.Walker
	// resource and event are those at hand.
	resource, event attributes
	// now is when the batch arrived.
	now time.Time
	// limit is the largest number of bytes of a label's value.
	limit int
}

func newObserver(shard *series.Shard, p *compiled.Plan, options *Options, groups int) *observer {
	return &observer{
		shard: shard, plan: p, weights: weights{enabled: options.AdjustedCounts}, caches: newCaches(groups), counts: newCounts(p),
		keys: p.Span.NewWalker(), resource: newAttributes(&p.Resource), event: newAttributes(&p.Event), limit: options.LabelLength,
	}
}

// consume observes a batch. It keeps nothing of it.
func (o *observer) consume(td ptrace.Traces, now time.Time) {
	// On the stack: a pointer written to the heap costs more while the garbage is collected.
	s := &span{arrived: pcommon.NewTimestampFromTime(now), texts: texts{limit: o.limit}, event: &o.event}
	o.now = now
	for _, rs := range td.ResourceSpans().All() {
		s.resource = o.enter(rs.Resource(), &s.texts)
		for _, ss := range rs.ScopeSpans().All() {
			for _, s.Span = range ss.Spans().All() {
				o.observeSpan(s)
			}
		}
	}
	// The batch must not stay reachable.
	clear(o.event.values)
	clear(o.resource.values)
}

// collect finds the attributes of a span that the plan reads.
func (o *observer) collect(s *span) {
	var present compiled.Set
	keys, previous := o.keys, -1
	for key, v := range s.Attributes().All() {
		next := keys.After(previous)
		if next.Key != key && !keys.Find(key, next) {
			continue
		}
		previous = next.Position
		if !present.Has(previous) { // of two values of a key, the first counts
			s.values[previous] = v
			present.Add(previous)
		}
	}
	s.present = present
}

func (o *observer) observeSpan(s *span) {
	o.collect(s)
	work := &o.plan.ML
	if vocab.IsMLSpan(s.resource.pipeline, s.present.Has(o.plan.StageSlot)) {
		o.counts.MLSpans++
	} else {
		o.counts.OtherSpans++
		if work = &o.plan.Other; work.Empty() {
			return
		}
	}
	var lasting vocab.Lasting
	s.durationMS, lasting = vocab.Duration(s.StartTimestamp(), s.EndTimestamp())
	if s.lasts = lasting == vocab.Lasts; !s.lasts {
		o.counts.Invalid[compiled.InvalidDuration]++
	}
	var ok bool
	if s.weight, ok = o.weights.weigh(s.TraceState().AsRaw()); !ok {
		o.counts.Invalid[compiled.InvalidState]++
	}

	g := o.group(s)
	for _, of := range work.Always {
		o.observe(s, g, of)
	}
	for w := range compiled.Words {
		for mask := work.Slots[w] & s.present[w]; mask != 0; mask &= mask - 1 {
			for _, of := range work.BySlot[w<<6+bits.TrailingZeros64(mask)] {
				o.observe(s, g, of)
			}
		}
	}
	if len(work.Events) > 0 {
		o.observeEvents(s, g, work)
	}
}

func (o *observer) observeEvents(s *span, g *group, work *compiled.Work) {
	for _, e := range s.Events().All() {
		observations := work.Events[e.Name()]
		if len(observations) == 0 {
			continue
		}
		s.event.collect(e.Attributes(), &o.plan.Event)
		for _, of := range observations {
			o.observe(s, g, of)
		}
	}
}
