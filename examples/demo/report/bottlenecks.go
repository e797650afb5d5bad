package report

import (
	"slices"
	"time"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
)

// bottleneck is one of the four of the article's section 3.
type bottleneck struct {
	name string
	// signal is the name after ml.signal.
	signal string
	// sent reports whether a request was made to show it.
	sent func(shop.Request) bool
	// lost is the time in ms that a marked span lost to it. usual is the median duration of the spans of the same
	// name that are not marked.
	lost func(marked kept.Span, usual time.Duration) float64
}

var bottlenecks = []bottleneck{
	{"feature store fell back to its database", "feature_cascade", shop.Request.FeatureCascade, attribute("ml.features.db_lookup_ms")},
	{"waited longer for the GPU than it computed", "queue_bound", shop.Request.QueueBound, attribute("ml.inference.queue_wait_ms")},
	{"output repaired without an error", "revalidated", shop.Request.Revalidated, overUsual},
	{"component loaded while a request waited", "cold_start", shop.Request.ColdStart, attribute("ml.cold_start.duration_ms")},
}

func attribute(key string) func(kept.Span, time.Duration) float64 {
	return func(s kept.Span, _ time.Duration) float64 {
		ms, _ := s.Number(key)
		return ms
	}
}

func overUsual(s kept.Span, usual time.Duration) float64 {
	return max(0, float64(s.Duration()-usual)/float64(time.Millisecond))
}

// printBottlenecks counts over all requests, by metric. The time lost is from the kept traces, and complete there: each
// trace with a signal is kept.
func (f *Findings) printBottlenecks(out *Printer) {
	out.Heading("The four bottlenecks, over all %s requests", grouped(len(f.Sent)))
	rows := [][]string{{"bottleneck", "requests sent", "found", "time lost", "worst"}}
	for _, b := range bottlenecks {
		sent := 0
		for _, s := range f.Sent {
			if b.sent(s.Request) {
				sent++
			}
		}
		total, worst := f.lost(b)
		found := int(f.Metrics.Sum("ml_signals_total", "signal", b.signal))
		rows = append(rows, []string{b.name, grouped(sent), grouped(found), seconds(total), milliseconds(worst)})
	}
	out.Table(rows)
}

// lost is the time in ms lost to a bottleneck in all kept traces and in the worst of them.
func (f *Findings) lost(b bottleneck) (total, worst float64) {
	var marked []kept.Span
	unmarked := map[string][]time.Duration{}
	for _, trace := range f.Kept {
		for _, s := range trace {
			if s.Is("ml.signal." + b.signal) {
				marked = append(marked, s)
			} else {
				unmarked[s.Name()] = append(unmarked[s.Name()], s.Duration())
			}
		}
	}
	for _, s := range marked {
		lost := b.lost(s, median(unmarked[s.Name()]))
		total += lost
		worst = max(worst, lost)
	}
	return total, worst
}

func median(durations []time.Duration) time.Duration {
	if len(durations) == 0 {
		return 0
	}
	slices.Sort(durations)
	return durations[len(durations)/2]
}
