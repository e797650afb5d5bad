package dialect

import (
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/pattern"
)

// overlaps reports whether one span can meet the conditions of both matches on
// its name, scope and kind. Other conditions are not compared.
func (m *Match) overlaps(o *Match) bool {
	if len(m.AnySpelling)+len(o.AnySpelling) > 0 {
		return true // spellings are not compared
	}
	return anyOverlap(m.SpanNames, o.SpanNames, patternsOverlap) &&
		anyOverlap(m.Scopes, o.Scopes, patternsOverlap) &&
		anyOverlap(m.Kinds, o.Kinds, func(a, b string) bool { return a == b })
}

// anyOverlap reports whether an entry of one list overlaps with one of the other. An empty list overlaps with every list.
func anyOverlap(as, bs []string, overlap func(a, b string) bool) bool {
	return len(as) == 0 || len(bs) == 0 || slices.ContainsFunc(as, func(a string) bool {
		return slices.ContainsFunc(bs, func(b string) bool { return overlap(a, b) })
	})
}

func patternsOverlap(a, b string) bool {
	p, err1 := pattern.Parse(a)
	q, err2 := pattern.Parse(b)
	switch {
	case err1 != nil || err2 != nil:
		return true // reported as a mistake elsewhere
	case p.Exact():
		return q.Matches(p.Text)
	case q.Exact():
		return p.Matches(q.Text)
	case p.StarFront && !p.StarBack && q.StarFront && !q.StarBack:
		return strings.HasSuffix(p.Text, q.Text) || strings.HasSuffix(q.Text, p.Text)
	case !p.StarFront && !q.StarFront:
		return strings.HasPrefix(p.Text, q.Text) || strings.HasPrefix(q.Text, p.Text)
	}
	return true // beginning and end, or a part in the middle: both can be true
}
