package mldiagnosisprocessor

import (
	"cmp"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/internal/wholetrace"
	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/cause"
)

// diagnose processes the current trace. Traces without ML spans, and those with a
// diagnosis, are not changed.
func (w *worker) diagnose() {
	if !w.read() {
		return
	}
	root, top, orphans := w.tree.TopOf()
	entry := root
	if root < 0 {
		entry = top
	}
	if w.isDiagnosed(entry) {
		return
	}
	switch {
	case w.isLate(root):
		w.giveUp(entry, lateReason) // the rest of the trace has been processed already
		return
	case root < 0 && (orphans != 1 || !w.standsForRoot(top)):
		w.giveUp(entry, noRootReason) // spans from the middle of a request
		return
	}
	if !w.tree.Build(entry, w.cfg.ClockSkew.Tolerance, w) {
		w.giveUp(entry, noDurationReason)
		return
	}
	w.ledger.Prepare(&w.tree)
	w.path.Walk(&w.tree, w.ledger.Ahead)
	w.ledger.Divide(w.path.Self)
	w.report(entry, root < 0)
}

// isLate reports whether the spans belong to a trace that has been exported before.
func (w *worker) isLate(root int32) bool {
	switch w.extent {
	case wholetrace.Whole:
		return false
	case wholetrace.Late:
		return true
	}
	before, known := w.memory.Pass(w.trace[0].trace, len(w.trace), root >= 0)
	resent := root >= 0 && before.Root && len(w.trace) >= int(before.Spans)
	return known && !resent
}

// standsForRoot reports whether the only top span of a trace may replace a root that is stored elsewhere or nowhere.
func (w *worker) standsForRoot(top int32) bool {
	switch w.cfg.WithoutRoot {
	case anyEntry:
		return true
	case requestEntry:
		return w.tree.IsEntry(top)
	default:
		return false
	}
}

// isDiagnosed reports whether a span has a diagnosis, or the mark of an incomplete trace.
func (w *worker) isDiagnosed(entry int32) bool {
	attrs := w.trace[entry].span.Attributes()
	if _, ok := attrs.Get(vocab.DiagnosisBottleneck); ok {
		return true
	}
	_, ok := attrs.Get(vocab.DiagnosisPartial)
	return ok
}

// giveUp marks spans as part of an incomplete trace, which is not diagnosed.
func (w *worker) giveUp(entry int32, reason int) {
	fill(w.trace[entry].span.Attributes(), vocab.DiagnosisPartial).SetBool(true)
	w.counts.partial[reason]++
}

// report writes the diagnosis to the root, and to duplicates of it that a retry sent.
func (w *worker) report(entry int32, rootless bool) {
	d := w.conclude()
	for i := range w.tree.Inputs {
		if w.tree.IsCopy(int32(i), entry) && !w.isDiagnosed(int32(i)) {
			d.write(w.trace[i].span.Attributes(), w, rootless || w.tree.Gaps)
		}
	}
	w.counts.bottlenecks[d.bottleneck]++
	if rootless {
		w.counts.partial[noRootReason]++
	} else if w.tree.Gaps {
		w.counts.partial[gapsReason]++
	}
	if w.tree.Skewed {
		w.counts.skewed++
	}
}

// diagnosis is the content of the attributes.
type diagnosis struct {
	bottleneck cause.Cause
	shares     [cause.Size]float64
	causes     []cause.Cause // largest first
	path       []string
	undivided  bool // a part of the GPU's compute may be wait
}

func (w *worker) conclude() diagnosis {
	var d diagnosis
	root := &w.tree.Nodes[w.tree.Root]
	length := float64(root.End - root.Start)
	all := make([]cause.Cause, cause.Size)
	for i := range all {
		all[i] = cause.Cause(i)
		d.shares[i] = float64(w.ledger.Time[i]) / length
	}
	slices.SortStableFunc(all, func(a, b cause.Cause) int { return cmp.Compare(w.ledger.Time[b], w.ledger.Time[a]) })
	d.bottleneck = all[0]
	var stated cause.Set
	for _, visit := range w.path.Spans {
		stated |= w.ledger.Facts[visit.Span].Stated
	}
	for i, c := range all {
		// The rest is listed only if it is the largest cause.
		if i == 0 || c != cause.Other && (stated.Has(c) || d.shares[c] > 0 && d.shares[c] >= w.cfg.MinShare) {
			d.causes = append(d.causes, c)
		}
	}
	undivided := float64(w.ledger.UndividedTime) / length
	d.undivided = undivided > 0 && undivided >= w.cfg.MinShare && w.ledger.Undivided != cause.Other
	d.path = w.pathNames()
	return d
}

// pathNames returns the names of the spans on the critical path, in the order of
// time, without repetitions. If there are too many, the longest are listed.
func (w *worker) pathNames() []string {
	visits := w.path.Spans
	least, ties := w.leastNamed()
	names := make([]string, 0, min(len(visits), w.cfg.CriticalPath.MaxSpans))
	for _, v := range visits {
		if v.Time == least {
			ties--
		}
		if v.Time < least || v.Time == least && ties < 0 {
			continue
		}
		if name := w.trace[v.Span].span.Name(); len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	return names
}

// leastNamed returns the shortest time on the path of a listed span, and how many spans with exactly that time are
// listed.
func (w *worker) leastNamed() (least int64, ties int) {
	visits, limit := w.path.Spans, w.cfg.CriticalPath.MaxSpans
	if len(visits) <= limit {
		return 0, 0 // every span on the path has a time above zero
	}
	w.ranks = w.ranks[:0]
	for _, v := range visits {
		w.ranks = append(w.ranks, v.Time)
	}
	slices.Sort(w.ranks)
	longest := w.ranks[len(w.ranks)-limit:]
	for ties < limit && longest[ties] == longest[0] {
		ties++
	}
	return longest[0], ties
}

func (d *diagnosis) write(attrs pcommon.Map, w *worker, partial bool) {
	const most = 7 + int(cause.Size)
	attrs.EnsureCapacity(attrs.Len() + most)
	fill(attrs, vocab.DiagnosisBottleneck).SetStr(d.bottleneck.String())
	fill(attrs, vocab.DiagnosisShare).SetDouble(d.shares[d.bottleneck])
	causes := fill(attrs, vocab.DiagnosisCauses).SetEmptySlice()
	causes.EnsureCapacity(len(d.causes))
	for _, c := range d.causes {
		causes.AppendEmpty().SetStr(c.String())
	}
	for c, share := range d.shares {
		if share > 0 {
			fill(attrs, shareKeys[c]).SetDouble(share)
		}
	}
	path := fill(attrs, vocab.DiagnosisCriticalPath).SetEmptySlice()
	path.EnsureCapacity(len(d.path))
	for _, name := range d.path {
		path.AppendEmpty().SetStr(name)
	}
	if partial {
		fill(attrs, vocab.DiagnosisPartial).SetBool(true)
	}
	if d.undivided {
		fill(attrs, vocab.DiagnosisUndivided).SetBool(true)
	}
	if w.tree.Skewed {
		fill(attrs, vocab.DiagnosisClockSkew).SetBool(true)
	}
}

// shareKeys are the keys of the causes' shares.
var shareKeys = func() (keys [cause.Size]string) {
	for c, name := range cause.Names {
		keys[c] = vocab.DiagnosisSharesPrefix + name
	}
	return keys
}()

// fill returns the value to set under a key. If the span has the key, it is a
// dummy value: attributes of the user are never overwritten.
func fill(attrs pcommon.Map, key string) pcommon.Value {
	v, existed := attrs.GetOrPutEmpty(key)
	if existed {
		return pcommon.NewValueEmpty()
	}
	return v
}
