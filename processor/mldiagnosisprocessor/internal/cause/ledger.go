package cause

import (
	"math"
	"slices"

	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/criticalpath"
	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/spantree"
)

// Ledger divides the time of a critical path among the causes. The facts of a
// span also apply to its descendants that have none: a model server's span
// without attributes computes if the inference above it does. A Ledger is used
// for one trace at a time and reuses its memory.
type Ledger struct {
	// Undivided is the cause of the time of an inference span without queue wait and compute time.
	Undivided Cause
	// Facts has the facts of each span. The caller sets it before Prepare.
	Facts []Facts
	// Ahead is the part of each span's wait before its start, in nanoseconds.
	Ahead []int64
	// Time is the nanoseconds of each cause.
	Time [Size]int64
	// UndividedTime is the part of Time[Undivided] that can also have been a wait.
	UndividedTime int64

	nodes   []node
	entries []entry
}

// node has the rules for the time of a span.
type node struct {
	// firm: loads and revalidations, which include the time of all spans within them.
	firm int32
	// soft: what the span or its parent does.
	soft int32
	// waitBelow, computeBelow and featuresBelow: a descendant reports the value.
	waitBelow, computeBelow, featuresBelow bool
	// gpu: an inference at or above this span divides its time.
	gpu bool
}

// entry is a rule: a period of time and its cause. Rules apply in order, the closest first.
type entry struct {
	from, to int64
	cause    Cause
	next     int32
	// most is the largest time of the cause in the period.
	most int64
}

const (
	none   = -1
	always = math.MaxInt64
	// undivided stands for the cause Ledger.Undivided in an entry.
	undivided = Size
	maxRules  = 32 // rules considered for a segment; more than a few do not occur
)

// Prepare reads the facts of a tree and fills in Ahead.
func (l *Ledger) Prepare(t *spantree.Tree) {
	n := len(t.Nodes)
	l.nodes = slices.Grow(l.nodes[:0], n)[:n]
	l.Ahead = slices.Grow(l.Ahead[:0], n)[:n]
	clear(l.nodes)
	clear(l.Ahead)
	l.entries = l.entries[:0]
	l.lookBelow(t)
	for _, s := range t.Order {
		l.rules(t, s)
	}
}

// lookBelow passes the facts of descendants up: if the server reports the same
// wait as its caller, the caller's own time is something else.
func (l *Ledger) lookBelow(t *spantree.Tree) {
	for _, s := range slices.Backward(t.Order) {
		if p := t.Nodes[s].Parent; p >= 0 {
			f, own, above := &l.Facts[s], &l.nodes[s], &l.nodes[p]
			above.waitBelow = above.waitBelow || own.waitBelow || f.Wait >= 0
			above.computeBelow = above.computeBelow || own.computeBelow || f.Compute >= 0
			above.featuresBelow = above.featuresBelow || own.featuresBelow || f.Lookup >= 0 || f.Kind == Features
		}
	}
}

func (l *Ledger) rules(t *spantree.Tree, s int32) {
	f, own, span := &l.Facts[s], &l.nodes[s], &t.Nodes[s]
	own.firm, own.soft = none, none
	if span.Parent >= 0 {
		above := &l.nodes[span.Parent]
		own.firm, own.soft, own.gpu = above.firm, above.soft, above.gpu
	}
	if f.Revalidated {
		own.firm = l.add(l.repair(t, s), span.End, Revalidation, own.firm)
	}
	if f.Cold {
		if to := loadEnd(f, span); to > span.Start {
			own.firm = l.add(span.Start, to, ColdStart, own.firm)
		}
	}
	switch f.Kind {
	case Features:
		own.gpu, own.soft = false, l.add(-always, always, FeatureStore, none)
	case Step:
		own.gpu, own.soft = false, l.add(-always, always, Other, none)
	case Inference:
		l.inference(span, f, own, s)
	case Request, Unknown:
		l.parts(f, own)
	}
}

// parts adds the rules for a span that has the total times of waits, compute and
// lookups but not their positions: its own time has these causes, up to these totals.
func (l *Ledger) parts(f *Facts, own *node) {
	for _, part := range [...]struct {
		cause Cause
		took  int64
		below bool
	}{{FeatureStore, f.Lookup, own.featuresBelow}, {GPUCompute, f.Compute, own.computeBelow}, {GPUQueue, f.Wait, own.waitBelow}} {
		if part.took > 0 && !part.below {
			own.soft = l.add(-always, always, part.cause, own.soft)
			l.entries[own.soft].most = part.took
		}
	}
}

// inference adds the rules for an inference: the wait comes first, then the compute.
func (l *Ledger) inference(span *spantree.Node, f *Facts, own *node, s int32) {
	wait, compute := f.Wait, f.Compute
	if own.waitBelow {
		wait = -1
	}
	if own.computeBelow {
		compute = -1
	}
	if f.Wait < 0 && f.Compute < 0 {
		if own.gpu {
			return // part of an inference whose time is divided already
		}
		rest := undivided
		if own.waitBelow || own.computeBelow {
			rest = Other
		}
		own.soft = l.add(-always, always, rest, none)
		return
	}
	own.gpu = true
	rest := Other
	if f.Compute < 0 && !own.computeBelow {
		rest = undivided
	}
	own.soft = l.add(-always, always, rest, none)
	length := span.End - span.Start
	computed := min(max(compute, 0), length)
	waited := min(max(wait, 0), length-computed)
	l.Ahead[s] = max(wait, 0) - waited
	from := span.Start + waited
	if f.Wait < 0 {
		from = span.End - computed // the time before it is unknown
	}
	own.soft = l.add(from, from+computed, GPUCompute, own.soft)
	prompt := min(max(f.Prefill, 0), computed)
	own.soft = l.add(from, from+prompt, GPUPrefill, own.soft)
	own.soft = l.add(from+prompt, from+min(prompt+max(f.Decode, 0), computed), GPUDecode, own.soft)
	own.soft = l.add(span.Start-l.Ahead[s], span.Start+waited, GPUQueue, own.soft)
}

// repair returns when the first validation failed: the time after it is caused by
// the revalidation. Without an event, all attempts are assumed to be equally long.
func (l *Ledger) repair(t *spantree.Tree, s int32) int64 {
	f, span, in := &l.Facts[s], &t.Nodes[s], &t.Inputs[s]
	if f.Failed >= in.Start && f.Failed <= in.End && f.Failed > 0 {
		return span.Start + int64(f.Failed-in.Start)
	}
	// Not span.Start + length/attempts: with one attempt, that of a repair, half of it was the repair.
	return span.Start + (span.End-span.Start)/max(f.Attempts, 2)
}

// loadEnd returns when the load of a component ended. The first call of a
// serverless function has a cold start of unknown duration.
func loadEnd(f *Facts, span *spantree.Node) int64 {
	switch {
	case f.Load >= 0:
		return min(span.Start+f.Load, span.End)
	case f.Entry:
		return span.Start
	default:
		return span.End
	}
}

func (l *Ledger) add(from, to int64, c Cause, next int32) int32 {
	if from >= to {
		return next
	}
	l.entries = append(l.entries, entry{from, to, c, next, always})
	return int32(len(l.entries) - 1)
}

// Divide adds the segments of a path to Time. Time increases by the sum of the segments.
func (l *Ledger) Divide(segments []criticalpath.Segment) {
	l.Time, l.UndividedTime = [Size]int64{}, 0
	for _, s := range segments {
		own := &l.nodes[s.Span]
		l.book(s.From, s.To, own.firm, own.soft, maxRules)
	}
}

// book assigns each part of a period to the first rule that applies to it.
func (l *Ledger) book(from, to int64, rule, soft int32, left int) {
	for {
		if from >= to {
			return
		}
		if rule == none {
			rule, soft = soft, none
		}
		if rule == none || left == 0 {
			l.Time[Other] += to - from
			return
		}
		left--
		e := &l.entries[rule]
		begin, end := max(from, e.from), min(to, e.to)
		if begin < end && e.most > 0 {
			end = begin + min(end-begin, e.most)
			e.most -= end - begin
			l.post(e.cause, end-begin)
			l.book(from, begin, e.next, soft, left)
			from = end
		}
		rule = e.next
	}
}

func (l *Ledger) post(c Cause, ns int64) {
	if c == undivided {
		l.UndividedTime += ns
		c = l.Undivided
	}
	l.Time[c] += ns
}
