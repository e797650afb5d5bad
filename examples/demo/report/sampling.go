package report

import (
	"cmp"
	"maps"
	"slices"
)

// printSampling says how many traces were kept and why, by tail_sampling's own count. A trace can match several
// policies.
func (f *Findings) printSampling(out *Printer) {
	const metric = "otelcol_processor_tail_sampling_count_traces_sampled"
	matched := f.Telemetry.By(metric, "policy", "sampled", "true")
	sent := float64(len(f.Sent))

	out.Heading("Kept: %s of %s traces, %s", grouped(len(f.Kept)), grouped(len(f.Sent)), percent(float64(len(f.Kept)), sent))
	policies := slices.SortedFunc(maps.Keys(matched), func(a, b string) int {
		return cmp.Or(cmp.Compare(matched[b], matched[a]), cmp.Compare(a, b))
	})
	rows := [][]string{{"policy", "traces", "of all"}}
	for _, policy := range policies {
		if matched[policy] > 0 {
			rows = append(rows, []string{policy, grouped(int(matched[policy])), percent(matched[policy], sent)})
		}
	}
	out.Table(rows)
	out.Note("  A trace can match more than one policy.")
}
