package spantree

import (
	"cmp"
	"slices"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// nest moves a span with ML attributes below another span of its service if it ran inside that span but is not its
// descendant. The parent of a span is the span that passed on the trace context, not always the span inside which it
// ran. A handler that calls start_as_current_span(..., context=extract(headers)) creates a sibling of the framework's
// server span for the same request. The framework's span ends last, so it would hide the handler's on the critical
// path.
//
// A span only gives way to spans of a higher Detail, and every span stays below the span that started it.
func (t *Tree) nest() {
	if !t.findML() {
		return
	}
	t.number()
	t.sortByStart()
	n := int(t.services())
	t.running = slices.Grow(t.running[:0], n)[:n]
	for i := range t.running {
		t.running[i].reset()
	}
	moved, k := false, 0
	for _, x := range t.inner {
		now := t.Nodes[x].Start + t.slack(x)
		for k < len(t.outer) && t.Nodes[t.outer[k]].Start <= now {
			s := t.outer[k]
			t.running[t.Inputs[s].Service].add(t, s, now)
			k++
		}
		moved = t.settle(x) || moved
	}
	if moved {
		t.children()
		t.order()
	}
}

const (
	// maxCandidates limits how many concurrent spans are considered for one span; the latest to start are considered
	// first.
	maxCandidates = 32
	// maxDepth limits the search for ancestors. Deeper spans are not moved.
	maxDepth = 100
	// clockGrain is the clock difference between two spans of one process: some SDKs start a clock for each span
	// without a local parent, in steps of a millisecond.
	clockGrain = 2_000_000
)

// slack is by how much a span may exceed another one of its process and still count as inside it.
func (t *Tree) slack(x int32) int64 {
	n := &t.Nodes[x]
	return min(max(t.Tolerance, clockGrain), (n.End-n.Start)/4)
}

// findML fills HasML, and t.mlInService with the same within one service. It reports whether any span may have to
// be nested.
func (t *Tree) findML() bool {
	t.HasML = slices.Grow(t.HasML[:0], len(t.Nodes))[:len(t.Nodes)]
	t.mlInService = slices.Grow(t.mlInService[:0], len(t.Nodes))[:len(t.Nodes)]
	clear(t.HasML)
	clear(t.mlInService)
	inner, outer := false, false
	for _, i := range slices.Backward(t.Order) {
		in, p := &t.Inputs[i], t.Nodes[i].Parent
		t.mlInService[i] = t.mlInService[i] || in.ML
		t.HasML[i] = t.HasML[i] || in.ML
		if p < 0 {
			continue
		}
		t.HasML[p] = t.HasML[p] || t.HasML[i]
		if t.mlInService[i] && t.Inputs[p].Service == in.Service {
			t.mlInService[p] = true
		}
		inner = inner || t.mlInService[i]
		outer = outer || in.Detail == NoDetail || in.Signal
	}
	return inner && outer
}

// number numbers the spans in preorder, so that the descendants of a span have consecutive numbers, and counts the
// ancestors of each span.
func (t *Tree) number() {
	n := len(t.Nodes)
	t.rank = slices.Grow(t.rank[:0], n)[:n]
	t.below = slices.Grow(t.below[:0], n)[:n]
	clear(t.below)
	for _, i := range slices.Backward(t.Order) {
		if p := t.Nodes[i].Parent; p >= 0 {
			t.below[p] += t.below[i] + 1
		}
	}
	t.deep = slices.Grow(t.deep[:0], n)[:n]
	t.rank[t.Root], t.deep[t.Root] = 0, 0
	for _, i := range t.Order {
		next := t.rank[i] + 1
		for _, c := range t.Children(i) {
			t.rank[c], t.deep[c] = next, t.deep[i]+1
			next += t.below[c] + 1
		}
	}
}

// isAbove reports whether a was an ancestor of b before spans were nested.
func (t *Tree) isAbove(a, b int32) bool {
	return t.rank[a] < t.rank[b] && t.rank[b] <= t.rank[a]+t.below[a]
}

func (t *Tree) sortByStart() {
	t.inner, t.outer = t.inner[:0], t.outer[:0]
	for _, i := range t.Order[1:] {
		if t.mlInService[i] {
			t.inner = append(t.inner, i)
		}
		if t.Inputs[i].Detail < EventDetail {
			t.outer = append(t.outer, i)
		}
	}
	slices.SortFunc(t.outer, func(a, b int32) int {
		na, nb := &t.Nodes[a], &t.Nodes[b]
		return cmp.Or(cmp.Compare(na.Start, nb.Start), cmp.Compare(nb.End, na.End), t.Before(a, b))
	})
	slices.SortFunc(t.inner, func(a, b int32) int {
		na, nb := &t.Nodes[a], &t.Nodes[b]
		return cmp.Or(cmp.Compare(na.Start+t.slack(a), nb.Start+t.slack(b)), cmp.Compare(nb.End, na.End), t.Before(a, b))
	})
}

func (t *Tree) services() (n int32) {
	for i := range t.Inputs {
		n = max(n, t.Inputs[i].Service+1)
	}
	return n
}

// running has the spans of a service that have started and not ended, in the order of their start.
type running struct {
	spans []int32
	full  int // number of spans at which ended ones are removed
}

func (r *running) reset() { r.spans, r.full = r.spans[:0], maxCandidates }

func (r *running) add(t *Tree, s int32, now int64) {
	if len(r.spans) >= r.full {
		r.spans = slices.DeleteFunc(r.spans, func(s int32) bool { return t.Nodes[s].End < now })
		r.full = max(2*len(r.spans), maxCandidates)
	}
	r.spans = append(r.spans, s)
}

// settle nests a span if necessary, and then its ancestors of the same service, which now have ML spans below them
// and may themselves have run inside another span.
func (t *Tree) settle(x int32) (moved bool) {
	for range maxDepth {
		if into := t.within(x); into >= 0 && !t.leadsTo(into, x) {
			t.Nodes[x].Parent = into
			moved = true
			for p := into; p >= 0 && !t.HasML[p]; p = t.Nodes[p].Parent {
				t.HasML[p] = true
			}
			continue // there may be a closer one now
		}
		p := t.Nodes[x].Parent
		if p == t.Root || t.mlInService[p] || t.Inputs[p].Service != t.Inputs[x].Service {
			break
		}
		t.mlInService[p] = true
		x = p
	}
	return moved
}

// within finds the new parent of x: the innermost span inside which x ran and that hides it. It returns -1 if x
// stays.
func (t *Tree) within(x int32) int32 {
	own := t.running[t.Inputs[x].Service].spans
	for k := len(own) - 1; k >= max(0, len(own)-maxCandidates); k-- {
		c := own[k]
		if c == x || !t.covers(c, x) || t.isAbove(x, c) || t.isAbove(c, x) || !t.hides(c, x) || !t.givesWay(c, x) {
			continue
		}
		if t.goesAlong(x, c) {
			return -1
		}
		return c
	}
	return t.unansweredCall(x)
}

// covers reports whether x ran inside c, or exactly as long as c.
func (t *Tree) covers(c, x int32) bool {
	outer, inner, slack := &t.Nodes[c], &t.Nodes[x], t.slack(x)
	if inner.End > outer.End || inner.End == outer.End && inner.Start < outer.Start {
		return false // x ended last, so c does not hide it
	}
	return outer.Start <= inner.Start+slack && outer.End >= inner.End-slack
}

// givesWay reports whether c has a lower Detail than x, taking the ancestors of c into account, because their
// attributes apply to c too. If two stages ran at the same time, the one that ended last counts, as for all siblings;
// but a stage that is not a cause does not hide a signal. A task that outlasts the span that started it hides
// nothing.
func (t *Tree) givesWay(c, x int32) bool {
	inner := &t.Inputs[x]
	for range maxDepth {
		if t.isAbove(c, x) {
			return true
		}
		outer, p := &t.Inputs[c], t.Nodes[c].Parent
		if outer.Detail != NoDetail && !(inner.Signal && outer.Detail < inner.Detail) {
			return false
		}
		if p < 0 {
			return true
		}
		if t.sameClock(p, c) && t.Nodes[c].End > t.Nodes[p].End+t.Tolerance {
			return false
		}
		c = p
	}
	return false
}

// goesAlong reports whether the parent of x, of the same service, is or will be below c, so that x moves with it.
func (t *Tree) goesAlong(x, c int32) bool {
	p := t.Nodes[x].Parent
	return p != t.Root && t.Inputs[p].Service == t.Inputs[x].Service && !t.isAbove(p, c) && t.covers(c, p) && t.givesWay(c, p)
}

// hides reports whether the critical path goes through c instead of x: of the two subtrees below their nearest common
// ancestor, the one with c ends last. A span that another service started gives way only to descendants of the span
// that started it.
func (t *Tree) hides(c, x int32) bool {
	p := t.Nodes[x].Parent
	if t.Inputs[p].Service != t.Inputs[x].Service && !t.isAbove(p, c) {
		return false
	}
	if t.deep[c] >= maxDepth || t.deep[x] >= maxDepth {
		return false
	}
	dc, dx := t.depth(c), t.depth(x)
	if dc >= maxDepth || dx >= maxDepth {
		return false
	}
	for ; dc > dx; dc-- {
		c = t.Nodes[c].Parent
	}
	for ; dx > dc; dx-- {
		x = t.Nodes[x].Parent
	}
	if c == x {
		return false // one is an ancestor of the other
	}
	for t.Nodes[c].Parent != t.Nodes[x].Parent {
		c, x = t.Nodes[c].Parent, t.Nodes[x].Parent
	}
	other, own := &t.Nodes[c], &t.Nodes[x]
	return other.End > own.End || other.End == own.End && other.Start <= own.Start
}

// depth returns the number of ancestors, at most maxDepth.
func (t *Tree) depth(i int32) (n int) {
	for n < maxDepth && t.Nodes[i].Parent >= 0 {
		i = t.Nodes[i].Parent
		n++
	}
	return n
}

// unansweredCall finds a client span of the service that started x, inside which x ran and for which no server span
// is known. x then got its context in another way, such as in the body, and is the answer to that call.
func (t *Tree) unansweredCall(x int32) int32 {
	p := t.Nodes[x].Parent
	service := t.Inputs[p].Service
	if service == t.Inputs[x].Service {
		return -1
	}
	calls := t.running[service].spans
	for k := len(calls) - 1; k >= max(0, len(calls)-maxCandidates); k-- {
		c := calls[k]
		if t.Inputs[c].Kind == ptrace.SpanKindClient && t.Inputs[c].Detail == NoDetail && t.isAbove(p, c) && t.covers(c, x) && !t.isAnswered(c) {
			return c
		}
	}
	return -1
}

func (t *Tree) isAnswered(call int32) bool {
	below := t.Children(call)
	for _, c := range below[:min(len(below), maxCandidates)] {
		if t.Inputs[c].Service != t.Inputs[call].Service {
			return true
		}
	}
	return false
}

// leadsTo reports whether x is now an ancestor of a span, or may be.
func (t *Tree) leadsTo(from, x int32) bool {
	for range maxDepth {
		if from == x {
			return true
		}
		if from = t.Nodes[from].Parent; from < 0 {
			return false
		}
	}
	return true
}
