package observe

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/series"
	"github.com/otelcol-ml/otelcol-ml/internal/recent"
	"github.com/otelcol-ml/otelcol-ml/internal/validtext"
)

// The caches of an observer. They save lookups and change no result: what was
// forgotten is looked up again.
const (
	// maxResources is how many resources an observer remembers.
	maxResources = 1 << 11
	// A group takes about a kilobyte. An observer remembers fewGroups at least, manyGroups at
	// most, and all observers together allGroups. Maps hold up to twice as many.
	fewGroups  = 1 << 14
	manyGroups = 1 << 16
	allGroups  = 1 << 17
	// maxExtras is how many accumulators an observer remembers that a group alone does not lead to.
	maxExtras = 1 << 14
	// idle is how long what is not used stays in the caches, at least; twice as long at most.
	idle = 5 * time.Minute
)

// resource is what the metrics need of an OTLP resource.
type resource struct {
	key    string
	number uint64   // among those that the observer has met
	values []string // by resource slot, "" where absent
	// pipeline: all its spans are ML spans.
	pipeline bool
}

// group is the spans of one resource with the same name, status, kind and
// attributes that most metrics have as labels. All of these are in its key.
type group struct {
	key string
	// accumulators are those of the group's series, by the plan's number, nil until first observed.
	accumulators []*series.Accumulator
	// next is the group of the span that followed the last time.
	next *group
}

// extra is the accumulator of an observation that has labels besides those of
// the group, such as a cold start's component.
type extra struct {
	key         string
	accumulator *series.Accumulator
}

// skipped stands in a group for an observation whose conditions the group fails.
var skipped = &series.Accumulator{}

// caches are those of one observer.
type caches struct {
	seed      maphash.Seed
	resources *recent.Map[uint64, *resource]
	groups    *recent.Map[uint64, *group]
	extras    *recent.Map[uint64, *extra]
	// last is the group of the last span.
	last *group
	// key is the key that is being looked up.
	key []byte
	// numbered is how many resources were numbered.
	numbered uint64
}

func newCaches(groups int) caches {
	return caches{
		seed:      maphash.MakeSeed(),
		resources: recent.New[uint64, *resource](maxResources, idle),
		groups:    recent.New[uint64, *group](groups, idle),
		extras:    recent.New[uint64, *extra](maxExtras, idle),
		last:      &group{},
	}
}

// age forgets what has not been used for a while.
func (c *caches) age(now time.Time) {
	c.resources.Expire(now)
	c.groups.Expire(now)
	c.extras.Expire(now)
}

// enter returns the resource of the spans that follow.
func (o *observer) enter(r pcommon.Resource, texts *texts) *resource {
	texts.wasCut = false
	o.resource.collect(r.Attributes(), &o.plan.Resource)
	c := &o.caches
	c.key = c.key[:0]
	for slot, v := range o.resource.values {
		text := ""
		if o.resource.present[slot] {
			text = texts.of(v)
		}
		c.key = series.AppendLabel(c.key, text)
	}
	hash := maphash.Bytes(c.seed, c.key)
	if known, ok := c.resources.Get(hash, o.now); ok && known.key == string(c.key) {
		return known
	}
	if texts.wasCut {
		o.counts.CutLabels++
	}
	entered := &resource{key: string(c.key), number: c.numbered, values: make([]string, o.plan.Resource.Len())}
	c.numbered++
	rest := entered.key
	for slot := range entered.values {
		entered.values[slot], rest = series.CutLabel(rest)
	}
	entered.pipeline = entered.values[o.plan.PipelineSlot] != ""
	c.resources.Put(hash, entered, o.now)
	return entered
}

// group returns the group of a span.
func (o *observer) group(s *span) *group {
	c := &o.caches
	there := s.present[0] & (1<<o.plan.GroupSlots - 1)
	key := binary.LittleEndian.AppendUint64(c.key[:0], s.resource.number)
	key = binary.LittleEndian.AppendUint64(key, there<<16|uint64(s.Kind())&0xff<<8|uint64(s.Status().Code())&0xff)
	key = series.AppendLabel(key, s.texts.cut(s.Name()))
	for ; there != 0; there &= there - 1 {
		key = series.AppendLabel(key, s.texts.of(s.values[bits.TrailingZeros64(there)]))
	}
	c.key = key
	// Kinds of spans follow each other in the same order, trace after trace: guess before searching.
	if next := c.last.next; next != nil && next.key == string(key) {
		c.last = next
		return next
	}
	hash := maphash.Bytes(c.seed, key)
	g, ok := c.groups.Get(hash, o.now)
	if !ok || g.key != string(key) {
		g = &group{key: string(key), accumulators: make([]*series.Accumulator, o.plan.Cached)}
		c.groups.Put(hash, g, o.now)
	}
	c.last.next, c.last = g, g
	return g
}

// findExtra returns the accumulator of an observation whose labels need more than the group.
func (o *observer) findExtra(s *span, g *group, of *compiled.Observation) *series.Accumulator {
	c := &o.caches
	c.key = binary.LittleEndian.AppendUint64(append(c.key[:0], g.key...), uint64(of.Number))
	for _, f := range of.Extra {
		text, _ := s.text(f)
		c.key = series.AppendLabel(c.key, text)
	}
	hash := maphash.Bytes(c.seed, c.key)
	if known, ok := c.extras.Get(hash, o.now); ok && known.key == string(c.key) && !known.accumulator.Retired() {
		return known.accumulator
	}
	key := string(c.key)
	a := o.find(s, of)
	if a != nil {
		c.extras.Put(hash, &extra{key, a}, o.now)
	}
	return a
}

// find returns the accumulator of the series that an observation's labels select, nil where it has none.
func (o *observer) find(s *span, of *compiled.Observation) *series.Accumulator {
	key := series.AppendMetric(o.caches.key[:0], of.Metric.Number)
	for i := range of.Metric.Labels {
		l := &of.Metric.Labels[i]
		s.texts.wasCut = false
		text, _ := s.text(&l.Field)
		if s.texts.wasCut {
			o.counts.CutLabels++
		}
		if text == "" {
			text = l.Default
		}
		if l.With != nil {
			if with, _ := s.text(l.With); with == "" {
				text = ""
			}
		}
		if !validtext.Is(text) { // exporters refuse it
			text = validtext.Repair(text)
			o.counts.RepairedLabels++
		}
		key = series.AppendLabel(key, text)
	}
	if of.Metric.SplitLabel != "" {
		key = series.AppendLabel(key, of.Split)
	}
	o.caches.key = key
	return o.shard.Find(of.Metric.Number, key)
}
