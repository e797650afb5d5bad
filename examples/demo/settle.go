package main

import (
	"context"
	"fmt"
	"time"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/report"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
)

// settle waits until the collector has counted every span, decided every trace and written the kept ones, and returns
// those of this run.
func settle(
	ctx context.Context, out *report.Printer, running *collector.Collector, recorder *recorder, sent []shop.Sent, patience time.Duration,
) (kept.Traces, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	keep, err := decisions(ctx, out, running, len(sent))
	if err != nil {
		return nil, err
	}
	if err := counts(ctx, out, running, recorder, sent); err != nil {
		return nil, err
	}
	var traces kept.Traces
	err = running.Until(ctx, "the file of kept traces", func(context.Context) error {
		all, err := kept.Read(running.KeptFile())
		if err != nil {
			return err
		}
		traces = ofThisRun(all, sent)
		if len(traces) < keep {
			return fmt.Errorf("%s has %d of %d kept traces", running.KeptFile(), len(traces), keep)
		}
		return nil
	})
	return traces, err
}

// decisions waits until so many traces are decided and returns how many of them are kept.
func decisions(ctx context.Context, out *report.Printer, running *collector.Collector, traces int) (keep int, err error) {
	progress := out.Progress("deciding which traces to keep", traces)
	defer progress.Done()
	err = running.Until(ctx, "sampling decisions", func(ctx context.Context) error {
		sampling, err := running.Sampling(ctx)
		if err != nil {
			return err
		}
		keep = sampling.Kept
		progress.At(sampling.Decided)
		if sampling.Decided < traces {
			return fmt.Errorf("%d of %d traces are decided", sampling.Decided, traces)
		}
		return nil
	})
	return keep, err
}

// counts waits until the metrics have every span and have been scraped.
func counts(ctx context.Context, out *report.Printer, running *collector.Collector, recorder *recorder, sent []shop.Sent) error {
	spans := 0
	for _, s := range sent {
		spans += len(s.Spans)
	}
	progress := out.Progress("counting spans", spans)
	defer progress.Done()
	err := running.Until(ctx, "the metrics of every span", func(context.Context) error {
		counted := int(recorder.latest().Sum("duration_ms_count"))
		progress.At(counted)
		if counted < spans {
			return fmt.Errorf("duration_ms has counted %d of %d spans", counted, spans)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return oneMoreFlush(ctx, running, recorder)
}

// oneMoreFlush waits for the export after this one, and a scrape of it: a series that the last spans have started is
// exported at 0 first.
func oneMoreFlush(ctx context.Context, running *collector.Collector, recorder *recorder) error {
	before := -1
	err := running.Until(ctx, "one more export of the metrics", func(ctx context.Context) error {
		telemetry, err := running.Telemetry(ctx)
		if err != nil {
			return err
		}
		flushes := int(telemetry.Sum("otelcol_connector_mlmetrics_flush_duration_count"))
		if before < 0 {
			before = flushes
		}
		if flushes <= before {
			return fmt.Errorf("%d exports so far", flushes)
		}
		return nil
	})
	if err != nil {
		return err
	}
	scrapes := recorder.scrapes()
	return running.Until(ctx, "a scrape of it", func(context.Context) error {
		// The next one may have begun before the export.
		if recorder.scrapes() < scrapes+2 {
			return fmt.Errorf("%d scrapes so far", recorder.scrapes())
		}
		return nil
	})
}

// ofThisRun leaves out the traces that the file has from earlier runs.
func ofThisRun(all kept.Traces, sent []shop.Sent) kept.Traces {
	own := kept.Traces{}
	for _, s := range sent {
		if trace, ok := all[[16]byte(s.TraceID)]; ok {
			own[[16]byte(s.TraceID)] = trace
		}
	}
	return own
}
