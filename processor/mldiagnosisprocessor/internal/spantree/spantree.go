// Package spantree builds the tree of one trace. Every span is below the root exactly once, even if parents are
// missing or form a cycle, and its times are corrected to the root's clock if the difference is known. Call TopOf,
// then Build; read Order, Nodes and Children until the next Build. A Tree reuses its memory and belongs to one
// goroutine.
package spantree

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Input has the properties of a span that the tree depends on.
type Input struct {
	ID, Parent pcommon.SpanID
	Start, End pcommon.Timestamp
	Kind       ptrace.SpanKind
	// Resource is the position of the span's resource among those of the trace, Service a number for its service.
	Resource, Service int32
	// Request: the span is the entry of a request (stage request).
	Request bool
	// ML: the span has ML attributes, see cause.Facts.
	ML bool
	// Signal: the span carries a signal.
	Signal bool
	// Detail ranks how specific the span is about its time.
	Detail Detail
	// Failed: the span has the status ERROR.
	Failed bool
}

// Detail ranks how specific a span is about its time.
type Detail uint8

// The details, in ascending order.
const (
	// NoDetail: no ML attributes, or only those of the whole request.
	NoDetail Detail = iota
	// StageDetail: a stage that is not a cause.
	StageDetail
	// CauseDetail: the feature store, or an inference.
	CauseDetail
	// EventDetail: a load or a repair, which includes everything inside it.
	EventDetail
)

// Node is a span in the tree. Times are nanoseconds after the root's start, on the root's clock.
type Node struct {
	Start, End int64
	// Parent is the position of the parent in the tree, -1 for the root and for spans outside the tree.
	Parent int32
	// In: the span is in the tree. Repeated copies of a span and spans without a usable time are not.
	In     bool
	timed  bool
	off    bool // lies outside its parent because a clock is off
	moving bool // is being shifted
	shift  int64
}

// Tree is rebuilt for each trace, reusing its memory.
type Tree struct {
	Inputs []Input
	Nodes  []Node
	// Order has the spans of the tree, each after its parent, the root first.
	Order []int32
	Root  int32
	// HasML: the span has ML attributes, or has a descendant with ML attributes.
	HasML []bool
	// Gaps: the trace is incomplete or inconsistent: an unknown parent, a cycle, a second root, no usable time.
	Gaps bool
	// Skewed: the clock of a service was off by more than the tolerance, and its spans were moved.
	Skewed bool
	// Tolerance in nanoseconds: how far a child may lie outside its parent without counting as off.
	Tolerance int64

	byID     map[pcommon.SpanID]int32
	calls    map[pcommon.SpanID]int32 // client spans whose server span has the same ID
	kids     []int32                  // children of all spans, those of i at kids[first[i]:first[i+1]]
	first    []int32
	climb    []int32
	seen     []uint8
	off      []int32
	others   []int32
	occupied []period
	clocks   Clocks

	// used by nest
	mlInService  []bool
	rank, below  []int32
	deep         []int32
	inner, outer []int32
	running      []running
}

// Clocks compares resources. Its methods are called only if a span lies outside its parent.
type Clocks interface {
	// SameProcess reports whether two resources belong to one process. A process does not wait for a task of its own
	// that outlasts the span that started it; between processes it is a call.
	SameProcess(a, b int32) bool
	// SameClock reports whether two resources share a machine's clock.
	SameClock(a, b int32) bool
}

// maxDistance excludes broken timestamps and those that were never set.
const maxDistance = int64(vocab.Longest)

// TopOf finds the span of the request: the root, or -1 if there is none. Of several roots it is the one with stage
// request, else the longest. orphans is the number of spans whose parent is not among the inputs. top is the first of
// them in time, -1 if every span is below a root.
func (t *Tree) TopOf() (root, top int32, orphans int) {
	t.index()
	root, top = -1, -1
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if _, shared := t.callOf(int32(i)); shared {
			continue
		}
		if in.Parent.IsEmpty() {
			if root < 0 || t.isMoreOfARoot(in, &t.Inputs[root]) {
				root = int32(i)
			}
			continue
		}
		if _, known := t.byID[in.Parent]; !known || in.Parent == in.ID {
			orphans++
			if top < 0 || earlier(in, &t.Inputs[top]) {
				top = int32(i)
			}
		}
	}
	for i := range t.Inputs {
		if orphans > 1 && int32(i) != top && t.isBeside(int32(i), top) {
			orphans--
		}
	}
	if root < 0 && top < 0 { // all spans are in cycles
		for i := range t.Inputs {
			if top < 0 || earlier(&t.Inputs[i], &t.Inputs[top]) {
				top = int32(i)
			}
		}
	}
	return root, top, orphans
}

// isBeside reports whether a span has the same missing parent as the top span and ran inside it, so that it will be
// nested below it.
func (t *Tree) isBeside(i, top int32) bool {
	in, outer := &t.Inputs[i], &t.Inputs[top]
	if _, shared := t.callOf(i); shared || in.Parent.IsEmpty() {
		return false
	}
	return in.ID != outer.ID && in.Parent == outer.Parent && in.Service == outer.Service && in.Start >= outer.Start && in.End <= outer.End
}

// IsEntry reports whether the top span of a trace without a root is the entry of a request: it is the request, or the
// server span around it.
func (t *Tree) IsEntry(top int32) bool {
	for i := range t.Inputs {
		if t.Inputs[i].Request && (int32(i) == top || t.isBeside(int32(i), top) || t.isHandlerOf(int32(i), top)) {
			return true
		}
	}
	return false
}

// isHandlerOf reports whether a span is a descendant of another one within a few levels, all of the same service.
func (t *Tree) isHandlerOf(i, top int32) bool {
	const layers = 8 // layers of a framework: the server, dependencies, the endpoint
	for range layers {
		if t.Inputs[i].Service != t.Inputs[top].Service {
			return false
		}
		if i == top {
			return true
		}
		parent, known := t.parentOf(i)
		if !known {
			return false
		}
		i = parent
	}
	return false
}

func (t *Tree) isMoreOfARoot(a, b *Input) bool {
	if usable(a) != usable(b) {
		return usable(a)
	}
	if a.Request != b.Request {
		return a.Request
	}
	if da, db := a.End-a.Start, b.End-b.Start; da != db && usable(a) {
		return da > db
	}
	return earlier(a, b)
}

func earlier(a, b *Input) bool {
	if a.Start != b.Start {
		return a.Start < b.Start
	}
	return bytes.Compare(a.ID[:], b.ID[:]) < 0
}

// usable reports whether a span has usable timestamps. Those after the year 2116 come from an overflow.
func usable(in *Input) bool {
	return in.Start > 0 && in.End >= in.Start && in.End < 1<<62
}

// index finds spans by ID. If several spans have one ID, as after a retry, the longest one gets the children; of the
// client and server span of a call, the server span.
func (t *Tree) index() {
	if t.byID == nil || len(t.byID) > bigTrace {
		t.byID = make(map[pcommon.SpanID]int32, len(t.Inputs))
		t.calls = map[pcommon.SpanID]int32{}
	}
	clear(t.byID)
	clear(t.calls)
	for i := range t.Inputs {
		in := &t.Inputs[i]
		other, taken := t.byID[in.ID]
		switch {
		case !taken:
			t.byID[in.ID] = int32(i)
		case in.Kind == ptrace.SpanKindClient && t.Inputs[other].Kind == ptrace.SpanKindServer:
			t.addCall(int32(i))
		case in.Kind == ptrace.SpanKindServer && t.Inputs[other].Kind == ptrace.SpanKindClient:
			t.addCall(other)
			t.byID[in.ID] = int32(i)
		case longer(in, &t.Inputs[other]):
			t.byID[in.ID] = int32(i)
		}
	}
}

// bigTrace is the size from which clearing the map costs more than a new map.
const bigTrace = 4096

// addCall records the client span of a call whose server span has the same ID, as in Zipkin's model.
func (t *Tree) addCall(i int32) {
	in := &t.Inputs[i]
	if other, taken := t.calls[in.ID]; !taken || longer(in, &t.Inputs[other]) {
		t.calls[in.ID] = i
	}
}

// callOf returns the client span of a call whose server span is given.
func (t *Tree) callOf(i int32) (call int32, shared bool) {
	in := &t.Inputs[i]
	if len(t.calls) == 0 || in.Kind != ptrace.SpanKindServer {
		return -1, false
	}
	call, shared = t.calls[in.ID]
	return call, shared
}

// ownerOf returns the span that represents all copies of a span.
func (t *Tree) ownerOf(i int32) int32 {
	in := &t.Inputs[i]
	if call, shared := t.calls[in.ID]; shared && in.Kind == ptrace.SpanKindClient {
		return call
	}
	return t.byID[in.ID]
}

// parentOf returns the span that started a span, if it is known.
func (t *Tree) parentOf(i int32) (parent int32, known bool) {
	in := &t.Inputs[i]
	if call, shared := t.callOf(i); shared {
		return call, true
	}
	if in.Parent.IsEmpty() || in.Parent == in.ID {
		return -1, false
	}
	parent, known = t.byID[in.Parent]
	if call, shared := t.calls[in.Parent]; shared && t.Inputs[parent].Service != in.Service && t.Inputs[call].Service == in.Service {
		parent = call // what the caller did during the call
	}
	return parent, known
}

// IsCopy reports whether a span was sent twice: it has the ID and the parent of another span, and the two are not
// client and server of a call.
func (t *Tree) IsCopy(a, b int32) bool {
	x, y := &t.Inputs[a], &t.Inputs[b]
	if x.ID != y.ID || x.Parent != y.Parent {
		return false
	}
	_, xServes := t.callOf(a)
	_, yServes := t.callOf(b)
	return xServes == yServes
}

func longer(a, b *Input) bool {
	if usable(a) != usable(b) {
		return usable(a)
	}
	return usable(a) && a.End-a.Start > b.End-b.Start
}

// Build builds the tree of the inputs below a root that TopOf has found. It returns false if the root has no
// duration. tolerance is a share of the root's duration.
func (t *Tree) Build(root int32, tolerance float64, clocks Clocks) bool {
	r := &t.Inputs[root]
	if !usable(r) || r.End == r.Start || r.End-r.Start > pcommon.Timestamp(maxDistance) {
		return false
	}
	t.Root, t.Gaps, t.Skewed, t.clocks = root, false, false, clocks
	t.Tolerance = int64(tolerance * float64(r.End-r.Start))
	t.place(r.Start)
	t.link()
	t.cutCycles()
	t.children()
	t.order()
	t.skipUntimed()
	t.nest()
	t.align()
	return true
}

// place sets the times.
func (t *Tree) place(origin pcommon.Timestamp) {
	t.Nodes = slices.Grow(t.Nodes[:0], len(t.Inputs))[:len(t.Inputs)]
	for i := range t.Inputs {
		in := &t.Inputs[i]
		n := &t.Nodes[i]
		*n = Node{Parent: -1}
		if !usable(in) {
			continue
		}
		n.Start, n.End = int64(in.Start)-int64(origin), int64(in.End)-int64(origin)
		n.timed = n.Start > -maxDistance && n.End < maxDistance
	}
}

// link sets the parents. A span without a parent becomes a child of the root.
func (t *Tree) link() {
	for i := range t.Inputs {
		in, n := &t.Inputs[i], &t.Nodes[i]
		if int32(i) == t.Root {
			n.In = true
			continue
		}
		if t.IsCopy(int32(i), t.Root) {
			continue
		}
		owner := t.ownerOf(int32(i))
		if first := &t.Inputs[owner]; owner != int32(i) && first.Start == in.Start && first.End == in.End && first.Parent == in.Parent {
			continue
		}
		n.In = true
		parent, known := t.parentOf(int32(i))
		if !known {
			parent = t.Root
			t.Gaps = true
		}
		if _, shared := t.callOf(parent); t.Inputs[parent].ID == t.Inputs[t.Root].ID && !shared {
			parent = t.Root
		}
		n.Parent = parent
	}
}

// cutCycles makes one span of each cycle, the first in time, a child of the root.
func (t *Tree) cutCycles() {
	const fresh, climbing, done = 0, 1, 2
	t.seen = slices.Grow(t.seen[:0], len(t.Nodes))[:len(t.Nodes)]
	clear(t.seen)
	t.seen[t.Root] = done
	for i := range t.Nodes {
		if !t.Nodes[i].In {
			continue
		}
		t.climb = t.climb[:0]
		at := int32(i)
		for t.seen[at] == fresh {
			t.seen[at] = climbing
			t.climb = append(t.climb, at)
			at = t.Nodes[at].Parent
		}
		if t.seen[at] == climbing {
			cut := at
			for n := t.Nodes[at].Parent; n != at; n = t.Nodes[n].Parent {
				if earlier(&t.Inputs[n], &t.Inputs[cut]) {
					cut = n
				}
			}
			t.Nodes[cut].Parent = t.Root
			t.Gaps = true
		}
		for _, n := range t.climb {
			t.seen[n] = done
		}
	}
}

// children groups the spans by parent.
func (t *Tree) children() {
	n := len(t.Nodes)
	t.first = slices.Grow(t.first[:0], n+2)[:n+2]
	clear(t.first)
	for i := range t.Nodes {
		if p := t.Nodes[i].Parent; p >= 0 {
			t.first[p+2]++
		}
	}
	for i := 2; i < n+2; i++ {
		t.first[i] += t.first[i-1]
	}
	t.kids = slices.Grow(t.kids[:0], n)[:t.first[n+1]]
	for i := range t.Nodes {
		if p := t.Nodes[i].Parent; p >= 0 {
			t.kids[t.first[p+1]] = int32(i)
			t.first[p+1]++
		}
	}
}

// Children returns the children of a span.
func (t *Tree) Children(i int32) []int32 { return t.kids[t.first[i]:t.first[i+1]] }

func (t *Tree) order() {
	t.Order = append(t.Order[:0], t.Root)
	for k := 0; k < len(t.Order); k++ {
		t.Order = append(t.Order, t.Children(t.Order[k])...)
	}
}

// skipUntimed removes spans without a usable time from the tree; their children become children of their parent.
func (t *Tree) skipUntimed() {
	kept := t.Order[:0]
	for _, i := range t.Order {
		n := &t.Nodes[i]
		if p := n.Parent; p >= 0 && !t.Nodes[p].timed {
			n.Parent = t.Nodes[p].Parent // the parent's own parent was corrected before
		}
		if n.timed {
			kept = append(kept, i)
		}
	}
	if len(kept) == len(t.Order) {
		return
	}
	t.Gaps = true
	for i := range t.Nodes {
		if n := &t.Nodes[i]; n.In && !n.timed {
			n.In, n.Parent = false, -1
		}
	}
	t.Order = kept
	t.children()
	t.order()
}

// Before orders spans by ID if nothing else does, so that the order of arrival does not change the result.
func (t *Tree) Before(a, b int32) int {
	if c := bytes.Compare(t.Inputs[a].ID[:], t.Inputs[b].ID[:]); c != 0 {
		return c
	}
	return cmp.Compare(a, b)
}
