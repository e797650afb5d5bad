package collector

import (
	"context"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
)

// Sampling is what mltailsampling reports on traces. Those that are passed on by pass_on are not among them.
type Sampling struct {
	// Arrived are all traces, Decided those with a decision, Kept those of them that are kept.
	Arrived, Decided, Kept int
	// Early are the traces that were decided before decision_wait was over, at a bound.
	Early int
	// LateKept and LateDropped are spans that came after their trace was kept, or was not.
	LateKept, LateDropped int
}

const (
	sampling   = "otelcol_processor_mltailsampling_"
	sampled    = "sampled"
	notSampled = "not_sampled"
)

// SamplingOf reads it from the collector's own metrics.
func SamplingOf(telemetry scrape.Samples) Sampling {
	sum := func(metric string, labels ...string) int { return int(telemetry.Sum(sampling+metric, labels...)) }
	return Sampling{
		Arrived:     sum("waiting_traces") + sum("evaluated_traces") + sum("dropped_traces"),
		Decided:     sum("traces"),
		Kept:        sum("traces", "decision", sampled),
		Early:       sum("decided_early"),
		LateKept:    sum("late_spans", "decision", sampled),
		LateDropped: sum("late_spans", "decision", notSampled),
	}
}

// Sampling reads it from the collector.
func (c *Collector) Sampling(ctx context.Context) (Sampling, error) {
	telemetry, err := c.Telemetry(ctx)
	return SamplingOf(telemetry), err
}
