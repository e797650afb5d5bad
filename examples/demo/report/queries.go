package report

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/prometheus/prometheus/promql"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
)

// The article's queries of section 7, word for word.
const (
	TraceQLQueue = `{ span.ml.inference.queue_wait_ms > span.ml.inference.forward_pass_ms }
| select(span.ml.batch.size, span.ml.device.id)
`
	PromQLFallback = `histogram_quantile(0.95,
  sum by (service_name, le) (
    rate(ml_feature_extraction_db_lookup_ms_bucket[5m])
  )
)
`
	PromQLRevalidation = `sum(rate(ml_post_processing_validation_attempts_sum[10m]))
/
sum(rate(ml_post_processing_validation_attempts_count[10m]))
> 1.3
`
	PromQLStages = `topk(5,
  histogram_quantile(0.95,
    sum by (service_name, le) (
      rate(
        duration_ms_bucket{ml_pipeline_name="recommendation"}[5m]
      )
    )
  )
)
`
)

// RevalidationAverage is PromQLRevalidation without its threshold: what is compared.
const RevalidationAverage = `sum(rate(ml_post_processing_validation_attempts_sum[10m]))
/
sum(rate(ml_post_processing_validation_attempts_count[10m]))`

// printQueries answers the article's four queries: the TraceQL one from the kept traces, which are what Tempo would
// hold, and the PromQL ones by Prometheus' own engine from scrapes of the collector.
func (f *Findings) printQueries(ctx context.Context, out *Printer) error {
	out.Heading("Query 1: requests that waited longer for the GPU than it computed (TraceQL, over the kept traces)")
	out.Quote(TraceQLQueue)
	f.printQueue(out)

	out.Heading("Query 2: feature store fallback, p95 over the last 5 minutes (PromQL)")
	out.Quote(PromQLFallback)
	if err := f.printByService(ctx, out, PromQLFallback, "p95 of db_lookup_ms"); err != nil {
		return err
	}

	out.Heading("Query 3: alert on rising revalidation rates (PromQL)")
	out.Quote(PromQLRevalidation)
	if err := f.printRevalidation(ctx, out); err != nil {
		return err
	}

	out.Heading("Query 4: the five slowest stages, p95 (PromQL)")
	out.Quote(PromQLStages)
	return f.printByService(ctx, out, PromQLStages, "p95 of duration_ms")
}

// shownRows are enough of a long answer to see what it is like.
const shownRows = 5

func (f *Findings) printQueue(out *Printer) {
	type match struct {
		span          kept.Span
		wait, forward float64
	}
	var matches []match
	traces := map[string]bool{}
	for id, trace := range f.Kept {
		for _, s := range trace {
			wait, hasWait := s.Number("ml.inference.queue_wait_ms")
			forward, hasForward := s.Number("ml.inference.forward_pass_ms")
			if hasWait && hasForward && wait > forward {
				matches = append(matches, match{s, wait, forward})
				traces[id.String()] = true
			}
		}
	}
	slices.SortFunc(matches, func(a, b match) int {
		if a.wait != b.wait {
			return sign(b.wait - a.wait)
		}
		return slices.Compare(ids(a.span), ids(b.span))
	})
	rows := [][]string{{"trace", "queue wait", "forward pass", "batch size", "device"}}
	for _, m := range matches[:min(shownRows, len(matches))] {
		rows = append(rows, []string{
			m.span.TraceID().String(), milliseconds(m.wait), milliseconds(m.forward),
			m.span.Text("ml.batch.size"), m.span.Text("ml.device.id"),
		})
	}
	out.Table(rows)
	out.Note("  %s traces match; these waited longest.", grouped(len(traces)))
}

func ids(s kept.Span) []byte { id := s.TraceID(); return id[:] }

func sign(f float64) int {
	switch {
	case f < 0:
		return -1
	case f > 0:
		return 1
	default:
		return 0
	}
}

func (f *Findings) printByService(ctx context.Context, out *Printer, query, what string) error {
	answer, err := f.ask(ctx, query)
	if err != nil {
		return err
	}
	rows := [][]string{{"service_name", what}}
	for _, sample := range answer {
		rows = append(rows, []string{sample.Metric.Get("service_name"), milliseconds(sample.F)})
	}
	out.Table(rows)
	return nil
}

func (f *Findings) printRevalidation(ctx context.Context, out *Printer) error {
	answer, err := f.ask(ctx, PromQLRevalidation)
	if err != nil {
		return err
	}
	average, err := f.ask(ctx, RevalidationAverage)
	if err != nil {
		return err
	}
	verdict := "does not fire"
	if len(answer) > 0 {
		verdict = "fires"
	}
	for _, sample := range average {
		out.Note("  The average is %.3f attempts: the alert %s.", sample.F, verdict)
	}
	return nil
}

func (f *Findings) ask(ctx context.Context, query string) (promql.Vector, error) {
	answer, err := f.History.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("query %q: %w", query, err)
	}
	sort.Slice(answer, func(i, j int) bool { return answer[i].F > answer[j].F })
	return answer, nil
}
