// Package aggregate turns spans into series: it observes batches under
// concurrent callers and gives out, flush by flush, the metrics of all spans
// up to then.
//
// Callers are spread over stripes. A stripe takes a whole batch without a lock
// per span and holds what it observed since the last flush in cells, one per
// series. A flush locks stripe by stripe, merges the cells into the series, and
// writes the series out.
package aggregate

import (
	"cmp"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"
)

// Options are the settings of an aggregator.
type Options struct {
	// Scope is the name of the instrumentation scope that the metrics are given out under.
	Scope string
	// SeriesLimit is the largest number of series of a metric, its overflow series not counted. 0: no limit.
	SeriesLimit int
	// Expiration is how long a series may be idle. 0: for ever.
	Expiration time.Duration
	// Delta gives out what was counted since the last flush, not since the start.
	Delta bool
	// Histograms is the form of the histograms that have none of their own. Empty: Explicit.
	Histograms definition.Form
	// MaxSize is the largest number of exponential buckets, MinMax adds the extremes to them.
	MaxSize int
	MinMax  bool
	// ExponentialSuffix is appended to the name of the exponential histogram where there is an explicit one too.
	ExponentialSuffix string
	// AdjustedCounts weighs spans by the threshold in their trace state.
	AdjustedCounts bool
	// InstanceLabel and Instance are a label on every point. No label where InstanceLabel is empty.
	InstanceLabel, Instance string
	// Now returns the time; time.Now where nil.
	Now func() time.Time
}

// maxStripes bounds what many cores cost: each stripe has cells of its own.
const maxStripes = 32

// Aggregator is safe for concurrent use.
type Aggregator struct {
	plan     *plan.Plan
	options  Options
	registry *registry
	stripes  []*stripe
	// exemplars is a stripe that looks series up for exemplars and observes nothing.
	exemplars *stripe
	// hints remember which stripe a processor used last: its cells are still in that core's cache.
	hints sync.Pool

	flushing sync.Mutex
	// flushed and resketched are when that was last done.
	flushed, resketched pcommon.Timestamp
	counts              Counts
}

// New returns an aggregator for the metrics of a plan.
func New(p *plan.Plan, options Options) *Aggregator {
	if options.Now == nil {
		options.Now = time.Now
	}
	a := &Aggregator{plan: p, options: options, counts: newCounts(p)}
	a.resketched = a.now()
	n := min(max(runtime.GOMAXPROCS(0), 2), maxStripes)
	a.registry = &registry{byHash: make(map[uint64]*series), texts: texts{known: make(map[string]string)}, stripes: n + 1, now: a.now}
	for _, pm := range p.Metrics {
		a.registry.metrics = append(a.registry.metrics, newMetric(pm, &options))
	}
	seed := rand.Uint64()
	for i := range n {
		a.stripes = append(a.stripes, newStripe(i, p, a.registry, &options, seed))
	}
	a.exemplars = newStripe(n, p, a.registry, &options, seed)
	a.exemplars.exemplify = true
	a.hints.New = func() any { return &hint{rand.IntN(n)} }
	return a
}

func newMetric(pm *plan.Metric, o *Options) *metric {
	form := pm.Form
	if form == "" {
		form = o.Histograms
	}
	return &metric{
		plan: pm, whole: pm.Whole(),
		explicit:    form != definition.Exponential,
		exponential: form == definition.Exponential || form == definition.Both,
		maxSize:     o.MaxSize,
		limit:       *cmp.Or(pm.SeriesLimit, &o.SeriesLimit),
		expiration:  pcommon.Timestamp(*cmp.Or(pm.Expiration, &o.Expiration)),
	}
}

type hint struct{ stripe int }

// Consume observes a batch. It does not change it and keeps nothing of it.
func (a *Aggregator) Consume(td ptrace.Traces) {
	h := a.hints.Get().(*hint)
	s := a.lock(h)
	defer func() {
		s.mu.Unlock()
		a.hints.Put(h)
	}()
	s.consume(td, a.now())
}

// Exemplify offers the spans of a batch, which Consume has observed before, as
// exemplars of their series. It counts nothing.
func (a *Aggregator) Exemplify(td ptrace.Traces) {
	s := a.exemplars
	s.mu.Lock()
	defer s.mu.Unlock()
	s.consume(td, a.now())
}

// lock takes the first free stripe from the hinted one on; it waits for the hinted one when all are busy.
func (a *Aggregator) lock(h *hint) *stripe {
	for i := range a.stripes {
		n := (h.stripe + i) % len(a.stripes)
		if a.stripes[n].mu.TryLock() {
			h.stripe = n
			return a.stripes[n]
		}
	}
	s := a.stripes[h.stripe]
	s.mu.Lock()
	return s
}

// allStripes are those that observe and the one for exemplars.
func (a *Aggregator) allStripes() []*stripe { return append(slices.Clip(a.stripes), a.exemplars) }

func (a *Aggregator) now() pcommon.Timestamp { return pcommon.NewTimestampFromTime(a.options.Now()) }
