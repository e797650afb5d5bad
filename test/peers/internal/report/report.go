// Package report turns measurements into the table of the documentation.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Case is what was measured.
type Case struct {
	Cores, Series int
	Pipeline      string
}

// Measurement is one run of a collector.
type Measurement struct {
	// CPU is what the whole process took for the spans.
	CPU   time.Duration
	Spans uint64
	// Elapsed is the time in which it did.
	Elapsed time.Duration
	// Memory is the largest resident memory in bytes.
	Memory int64
	// Others is the CPU time that other programs took of the machine meanwhile.
	Others time.Duration
}

// PerSpan is the CPU time of a span in µs.
func (m Measurement) PerSpan() float64 {
	return float64(m.CPU.Nanoseconds()) / 1000 / float64(m.Spans)
}

// OthersShare is the share of a core that other programs took.
func (m Measurement) OthersShare() float64 { return m.Others.Seconds() / m.Elapsed.Seconds() }

// Report collects measurements. Those of one round belong together.
type Report struct {
	// Base is the pipeline that the others are measured against, Ours the one that they are compared with.
	Base, Ours string
	// Pipelines is the order of the rows.
	Pipelines []string
	// Emitted is how many series a pipeline made of a number of label sets.
	Emitted map[Case]int

	cases  []Case // without the pipeline, in the order in which they came
	rounds map[Case][]Measurement
}

// Add adds the measurement of a round. Every pipeline of a case is measured once in each.
func (r *Report) Add(c Case, m Measurement) {
	if r.rounds == nil {
		r.rounds = map[Case][]Measurement{}
	}
	r.rounds[c] = append(r.rounds[c], m)
	if c.Pipeline = ""; !slices.Contains(r.cases, c) {
		r.cases = append(r.cases, c)
	}
}

// Row is the medians of a case.
type Row struct {
	Case
	// PerSpan and Added are µs of CPU a span, Added over Base in the same round.
	PerSpan, Added float64
	// Times is how much more it adds than ours, 0 where that has no meaning.
	Times float64
	// Memory is in bytes, Rate in spans a second.
	Memory int64
	Rate   float64
	// Emitted is how many series it made.
	Emitted int
}

// Rows are the medians of all cases.
func (r *Report) Rows() []Row {
	var rows []Row
	for _, c := range r.cases {
		ours := r.added(c, r.Ours)
		for _, name := range r.Pipelines {
			of := c
			of.Pipeline = name
			measured := r.rounds[of]
			if len(measured) == 0 {
				continue
			}
			row := Row{
				Case:    of,
				PerSpan: median(measured, Measurement.PerSpan),
				Added:   r.added(c, name),
				Memory:  int64(median(measured, func(m Measurement) float64 { return float64(m.Memory) })),
				Rate:    median(measured, func(m Measurement) float64 { return float64(m.Spans) / m.Elapsed.Seconds() }),
				Emitted: r.Emitted[Case{Series: c.Series, Pipeline: name}],
			}
			if name != r.Base && ours > 0 {
				row.Times = row.Added / ours
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// added is the median, over the rounds, of what a pipeline took more than the base did in the same round: what slows the
// machine down for a while slows both.
func (r *Report) added(c Case, pipeline string) float64 {
	return median(r.differences(c, pipeline), func(d float64) float64 { return d })
}

// differences has what a pipeline took more than the base, for each round.
func (r *Report) differences(c Case, pipeline string) []float64 {
	base, of := c, c
	base.Pipeline, of.Pipeline = r.Base, pipeline
	var differences []float64
	for i := range min(len(r.rounds[base]), len(r.rounds[of])) {
		differences = append(differences, r.rounds[of][i].PerSpan()-r.rounds[base][i].PerSpan())
	}
	return differences
}

// others is the share of a core that other programs took: what they take of the caches slows the collector down.
func (r *Report) others(of func([]Measurement, func(Measurement) float64) float64) float64 {
	var all []Measurement
	for _, round := range r.rounds {
		all = append(all, round...)
	}
	return of(all, Measurement.OthersShare)
}

func largest[T any](of []T, value func(T) float64) float64 {
	var found float64
	for _, v := range of {
		found = max(found, value(v))
	}
	return found
}

func median[T any](of []T, value func(T) float64) float64 {
	if len(of) == 0 {
		return 0
	}
	values := make([]float64, len(of))
	for i, v := range of {
		values[i] = value(v)
	}
	slices.Sort(values)
	half := len(values) / 2
	if len(values)%2 == 1 {
		return values[half]
	}
	return (values[half-1] + values[half]) / 2
}

// Write writes the table in Markdown.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| Cores | Series | Pipeline | µs a span | Added | Times ours | Peak memory | Spans a second | Series in all |\n")
	b.WriteString("|--:|--:|---|--:|--:|--:|--:|--:|--:|\n")
	for _, row := range r.Rows() {
		added, times, emitted := "", "", ""
		if row.Pipeline != r.Base {
			added, emitted = fmt.Sprintf("%.2f", row.Added), thousands(row.Emitted)
		}
		if row.Times != 0 {
			times = fmt.Sprintf("%.1f", row.Times)
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %.2f | %s | %s | %d MB | %s | %s |\n", row.Cores, thousands(row.Series), row.Pipeline,
			row.PerSpan, added, times, row.Memory/1_000_000, thousands(int(row.Rate)/1000*1000), emitted)
	}
	fmt.Fprintf(&b, "\nOther programs took %.0f %% of a core in the median, %.0f %% at most.\n", 100*r.others(median), 100*r.others(largest))
	_, err := io.WriteString(w, b.String())
	return err
}

// Samples returns what each pipeline added in each round, in the format of Go benchmarks.
func (r *Report) Samples() []byte {
	var b strings.Builder
	for _, c := range r.cases {
		for _, name := range r.Pipelines {
			if name == r.Base {
				continue
			}
			for _, added := range r.differences(c, name) {
				fmt.Fprintf(&b, "BenchmarkAdded/cores=%d/series=%d/pipeline=%s 1 %.1f ns/span\n", c.Cores, c.Series, strings.ReplaceAll(name, " ", "_"), 1000*added)
			}
		}
	}
	return []byte(b.String())
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}
