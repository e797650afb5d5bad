package rules

import (
	"slices"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/reading"
)

// Drop takes from the rules what sets these attributes. It is called before the first span.
func (s *Set) Drop(attributes reading.Set) {
	dropped := func(one setter) bool { return attributes.Has(one.target) }
	for i := range s.rules {
		r := &s.rules[i]
		r.sets = slices.DeleteFunc(r.sets, dropped)
		if m := r.meeting; m != nil {
			m.sets = slices.DeleteFunc(slices.Clone(m.sets), dropped) // the two sides share theirs
		}
	}
}
