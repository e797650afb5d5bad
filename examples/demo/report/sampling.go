package report

import (
	"cmp"
	"maps"
	"slices"
)

// printSampling says how many traces were kept and why: each names the policies that it matched.
func (f *Findings) printSampling(out *Printer) {
	matched := map[string]int{}
	for _, trace := range f.Kept {
		for _, span := range trace {
			for _, policy := range span.List("ml.sampling.policies") {
				matched[policy]++
			}
		}
	}
	sent := float64(len(f.Sent))

	out.Heading("Kept: %s of %s traces, %s", grouped(len(f.Kept)), grouped(len(f.Sent)), percent(float64(len(f.Kept)), sent))
	policies := slices.SortedFunc(maps.Keys(matched), func(a, b string) int {
		return cmp.Or(cmp.Compare(matched[b], matched[a]), cmp.Compare(a, b))
	})
	rows := [][]string{{"policy", "traces", "of all"}}
	for _, policy := range policies {
		rows = append(rows, []string{policy, grouped(matched[policy]), percent(float64(matched[policy]), sent)})
	}
	out.Table(rows)
	out.Note("  A trace can match more than one policy.")
}
