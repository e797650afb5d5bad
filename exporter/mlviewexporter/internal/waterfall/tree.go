package waterfall

import (
	"cmp"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/spans"
)

// node is the position of a span in its trace. Numbers are positions in tree.spans.
type node struct {
	parent   int
	children []int // in the order of their starts
	depth    int
}

const none = -1

type tree struct {
	spans []spans.Span
	nodes []node
	// order has every span after its parent.
	order []int
	// lost are spans whose parent is missing, other than the root.
	lost map[int]bool
}

// newTree arranges spans, which are sorted by start, below their parents. Spans with a missing parent, or in a cycle
// of parents, become roots.
func newTree(all []spans.Span, root int) *tree {
	t := &tree{spans: all, nodes: make([]node, len(all)), lost: map[int]bool{}}
	byID := make(map[pcommon.SpanID]int, len(all))
	for i, s := range all {
		if !s.SpanID().IsEmpty() {
			byID[s.SpanID()] = i
		}
	}
	for i, s := range all {
		t.nodes[i].parent = none
		if p, ok := byID[s.ParentSpanID()]; ok && p != i {
			t.nodes[i].parent = p
		} else if i != root {
			t.lost[i] = true
		}
	}
	t.cut(root)
	for i := range t.nodes {
		if p := t.nodes[i].parent; p != none {
			t.nodes[p].children = append(t.nodes[p].children, i)
		}
	}
	t.walk(root)
	for i := range t.nodes {
		if t.nodes[i].parent == none && i != root {
			t.walk(i)
		}
	}
	return t
}

// cut breaks cycles of parents.
func (t *tree) cut(root int) {
	const unseen, onTheWay, done = 0, 1, 2
	state := make([]uint8, len(t.nodes))
	if len(t.nodes) > 0 {
		t.nodes[root].parent = none
	}
	var way []int
	for i := range t.nodes {
		way = way[:0]
		at := i
		for at != none && state[at] == unseen {
			state[at] = onTheWay
			way = append(way, at)
			at = t.nodes[at].parent
		}
		if at != none && state[at] == onTheWay {
			t.nodes[at].parent = none
			t.lost[at] = true
		}
		for _, w := range way {
			state[w] = done
		}
	}
}

// walk appends a span and its descendants to the order. It does not recurse, because a trace can be as deep as it is
// long.
func (t *tree) walk(from int) {
	stack := []int{from}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if p := t.nodes[i].parent; p != none {
			t.nodes[i].depth = t.nodes[p].depth + 1
		}
		t.order = append(t.order, i)
		for _, c := range slices.Backward(t.nodes[i].children) {
			stack = append(stack, c)
		}
	}
}

// critical marks the spans that the request waited for. Going back from the end of each span, the child that ended
// last is on the path, back to its start, then the one before. names are the names that mldiagnosis found. If clocks
// are off, times cannot decide, and every span with such a name is marked.
func (t *tree) critical(root int, names []string, skewed bool) []bool {
	marked := make([]bool, len(t.spans))
	on := make(map[string]bool, len(names))
	for _, n := range names {
		on[n] = true
	}
	if len(on) == 0 {
		return marked
	}
	if skewed {
		for i, s := range t.spans {
			marked[i] = on[s.Name()]
		}
		return marked
	}
	type visit struct {
		span int
		end  int64
	}
	stack := []visit{{root, t.spans[root].End()}}
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		marked[v.span] = true
		children := slices.Clone(t.nodes[v.span].children)
		slices.SortStableFunc(children, func(a, b int) int { return cmp.Compare(t.spans[b].End(), t.spans[a].End()) })
		now := v.end
		for len(children) > 0 {
			// Of the children that end now or later, the one that started last leaves the least time to the others.
			best := 0
			for i := 1; i < len(children) && t.spans[children[i]].End() >= now; i++ {
				if t.spans[children[i]].Start() > t.spans[children[best]].Start() && t.spans[children[i]].Start() < now {
					best = i
				}
			}
			c := children[best]
			children = slices.Delete(children, best, best+1)
			if s := t.spans[c]; s.Start() < now && on[s.Name()] {
				stack = append(stack, visit{c, min(s.End(), now)})
				now = s.Start()
			}
		}
	}
	return marked
}
