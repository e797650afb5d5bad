package criticalpath

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/spantree"
)

// clocks: every resource is a process of its own, and all share one clock.
type clocks struct{}

func (clocks) SameProcess(a, b int32) bool { return a == b }
func (clocks) SameClock(int32, int32) bool { return true }

const start = 1_000_000

func span(id, parent byte, from, to int) spantree.Input {
	in := spantree.Input{ID: pcommon.SpanID{id}, Start: pcommon.Timestamp(start + from), End: pcommon.Timestamp(start + to)}
	if parent != 0 {
		in.Parent = pcommon.SpanID{parent}
	}
	return in
}

func build(t testing.TB, inputs ...spantree.Input) *spantree.Tree {
	t.Helper()
	tree := &spantree.Tree{Inputs: inputs}
	root, _, _ := tree.TopOf()
	require.GreaterOrEqual(t, root, int32(0))
	require.True(t, tree.Build(root, 0, clocks{}))
	return tree
}

func walk(tree *spantree.Tree, ahead []int64) *Path {
	path := &Path{}
	if ahead == nil {
		ahead = make([]int64, len(tree.Inputs))
	}
	path.Walk(tree, ahead)
	return path
}

// owners says for each nanosecond of the request whose it is.
func owners(t testing.TB, tree *spantree.Tree, path *Path) []int32 {
	t.Helper()
	root := &tree.Nodes[tree.Root]
	all := make([]int32, root.End-root.Start)
	for i := range all {
		all[i] = -1
	}
	for _, s := range path.Self {
		for at := s.From; at < s.To; at++ {
			require.Equal(t, int32(-1), all[at], "moment %d belongs to two spans", at)
			all[at] = s.Span
		}
	}
	require.NotContains(t, all, int32(-1), "a moment belongs to no span")
	return all
}

// reference is the definition: from the end of a span back, the child that ends last has the time
// back to its start. It is slow and plain, for spans that lie within their parents.
func reference(tree *spantree.Tree, s int32, from, to int64, all []int32) {
	for at := to - 1; at >= from; {
		best := int32(-1)
		for _, c := range tree.Children(s) {
			n := &tree.Nodes[c]
			if n.Start > at || n.Start == n.End {
				continue
			}
			if best < 0 || better(tree, c, best) {
				best = c
			}
		}
		if best < 0 || tree.Nodes[best].End <= at {
			all[at] = s
			at--
			continue
		}
		begin := max(from, tree.Nodes[best].Start)
		reference(tree, best, begin, at+1, all)
		at = begin - 1
	}
}

func better(tree *spantree.Tree, a, b int32) bool {
	x, y := &tree.Nodes[a], &tree.Nodes[b]
	if x.End != y.End {
		return x.End > y.End
	}
	if x.Start != y.Start {
		return x.Start < y.Start
	}
	return tree.Before(a, b) < 0
}

// TestReference compares with the definition on random trees, whichever way the spans come.
func TestReference(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		inputs := []spantree.Input{span(1, 0, 0, 60)}
		for id := byte(2); id < byte(3+random.IntN(14)); id++ {
			parent := inputs[random.IntN(len(inputs))]
			from := int(parent.Start) - start + random.IntN(int(parent.End-parent.Start)+1)
			to := from + random.IntN(int(parent.End)-start-from+1)
			child := span(id, parent.ID[0], from, to)
			child.ML, child.Detail = true, spantree.CauseDetail // what gives way to siblings is another matter
			inputs = append(inputs, child)
		}
		random.Shuffle(len(inputs), func(i, j int) { inputs[i], inputs[j] = inputs[j], inputs[i] })
		tree := build(t, inputs...)
		got := owners(t, tree, walk(tree, nil))
		want := make([]int32, len(got))
		reference(tree, tree.Root, 0, int64(len(want)), want)
		require.Equal(t, want, got, "%v", inputs)
	}
}

// TestAnyTree: each moment belongs to one span, however the spans lie and whatever lies ahead of them.
func TestAnyTree(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		inputs := []spantree.Input{span(1, 0, 20, 80)}
		for id := byte(2); id < byte(3+random.IntN(20)); id++ {
			from := random.IntN(100)
			in := span(id, byte(random.IntN(24)), from, from+random.IntN(100-from+1))
			in.Kind = ptrace.SpanKind(random.IntN(6))
			in.Resource = int32(random.IntN(3))
			in.Service, in.ML, in.Signal, in.Detail = in.Resource, random.IntN(2) == 0, random.IntN(2) == 0, spantree.Detail(random.IntN(4))
			inputs = append(inputs, in)
		}
		inputs[0].Request = true
		tree := build(t, inputs...)
		ahead := make([]int64, len(inputs))
		for i := range ahead {
			ahead[i] = int64(random.IntN(30))
		}
		path := walk(tree, ahead)
		all := owners(t, tree, path)
		for _, visit := range path.Spans {
			assert.Positive(t, visit.Time)
			if slices.Contains(all, visit.Span) {
				continue
			}
			assert.NotEmpty(t, tree.Children(visit.Span), "on the path, without time of its own and with nothing below")
		}
	}
}

// TestSpansAreInTheOrderOfTime: a parent ahead of its children.
func TestSpansAreInTheOrderOfTime(t *testing.T) {
	tree := build(t, span(3, 2, 10, 20), span(4, 1, 50, 90), span(2, 1, 10, 40), span(1, 0, 0, 100))
	var names []byte
	for _, v := range walk(tree, nil).Spans {
		names = append(names, tree.Inputs[v.Span].ID[0])
	}
	assert.Equal(t, []byte{1, 2, 3, 4}, names)
}

// TestWindowsAreBounded: a task that outlasts its parent, while the request does a thousand other things.
func TestWindowsAreBounded(t *testing.T) {
	inputs := []spantree.Input{span(1, 0, 0, 4000), span(2, 1, 0, 2), span(3, 2, 1, 3999)}
	for i := range 1000 {
		in := span(0, 1, 4*i+3, 4*i+5)
		in.ID = pcommon.SpanID{9, byte(i), byte(i >> 8)}
		in.Resource = 1
		inputs = append(inputs, in)
	}
	tree := build(t, inputs...)
	path := walk(tree, nil)
	owners(t, tree, path)
	count := 0
	for _, s := range path.Self {
		if s.Span == 2 {
			count++
		}
	}
	assert.LessOrEqual(t, count, maxWindows+1)
	assert.Positive(t, count)
}
