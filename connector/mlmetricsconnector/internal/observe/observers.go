// Package observe turns spans into observations of metrics.
//
// One pass over a span's attributes collects those that the metrics read. The
// span's name, status, kind, resource and common labels select a group, a
// cache that leads to the accumulators of the group's series. Each observation
// whose attribute is present then adds its value to its accumulator.
package observe

import (
	"math/rand/v2"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/series"
)

// Options are the settings of observers.
type Options struct {
	// AdjustedCounts weighs spans by the sampling threshold in their trace state.
	AdjustedCounts bool
	// LabelLength is the largest number of bytes of a label's value. 0: no limit.
	LabelLength int
	// Now returns the time.
	Now func() time.Time
}

// Observers observe batches for concurrent callers. They are safe for concurrent use.
type Observers struct {
	plan      *compiled.Plan
	now       func() time.Time
	observers []*observer
	// exemplars looks series up for exemplars and observes nothing.
	exemplars *observer
	// recent has the observers that the processors used last: their accumulators are still in a core's cache.
	recent sync.Pool
}

// New returns observers for the metrics of a plan, whose series are in the store.
func New(p *compiled.Plan, store *series.Store, options Options) *Observers {
	o := &Observers{plan: p, now: options.Now}
	// Enough groups for all the series that a metric may have, as far as memory allows.
	groups := min(max(fewGroups, store.Limit()), manyGroups, allGroups/len(store.Shards()))
	for _, shard := range store.Shards() {
		o.observers = append(o.observers, newObserver(shard, p, &options, groups))
	}
	o.exemplars = newObserver(store.Exemplars(), p, &options, groups)
	o.exemplars.exemplify = true
	o.recent.New = func() any { return o.observers[rand.IntN(len(o.observers))] }
	return o
}

// Consume observes a batch. It does not change it and keeps nothing of it.
func (o *Observers) Consume(td ptrace.Traces) {
	free := o.lock()
	defer func() {
		free.shard.Unlock()
		o.recent.Put(free)
	}()
	free.consume(td, o.now())
}

// Exemplify offers the spans of a batch, which Consume has observed before, as
// exemplars of their series. It counts nothing.
func (o *Observers) Exemplify(td ptrace.Traces) {
	o.exemplars.shard.Lock()
	defer o.exemplars.shard.Unlock()
	o.exemplars.consume(td, o.now())
	o.exemplars.counts = newCounts(o.plan)
}

// lock locks the observer that the processor used last, or another one that is free. It waits for the former where all are busy.
func (o *Observers) lock() *observer {
	last := o.recent.Get().(*observer)
	if last.shard.TryLock() {
		return last
	}
	for _, other := range o.observers {
		if other.shard.TryLock() {
			return other
		}
	}
	last.shard.Lock()
	return last
}

// Age lets the caches forget what has not been seen for a while. Call it now
// and then, also while nothing arrives.
func (o *Observers) Age() {
	now := o.now()
	for _, each := range append(o.observers[:len(o.observers):len(o.observers)], o.exemplars) {
		each.shard.Lock()
		each.caches.age(now)
		each.shard.Unlock()
	}
}

// TakeCounts returns what was counted since the last call.
func (o *Observers) TakeCounts() Counts {
	all := newCounts(o.plan)
	for _, each := range o.observers {
		each.shard.Lock()
		all.take(&each.counts)
		each.shard.Unlock()
	}
	return all
}
