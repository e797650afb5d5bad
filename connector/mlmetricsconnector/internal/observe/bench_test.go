package observe

import (
	"fmt"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/builtin"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/testspans"
)

// batches returns batches of 64 traces, 512 spans, as many as SDKs send at once.
func batches(n, models int) (out []ptrace.Traces, spans int) {
	for i := range n {
		td := testspans.Batch(64, models, uint64(i))
		spans += td.SpanCount()
		out = append(out, td)
	}
	return out, spans
}

// shippedPlan and shippedOptions are those of `mlmetrics: {}`. The clock has spans arrive when they have ended.
func shippedPlan() *compiled.Plan { return compile(builtin.Metrics()) }

func shippedOptions() settings {
	now := testspans.Start.Add(2 * time.Second)
	return settings{SeriesLimit: 10_000, AdjustedCounts: true, Now: func() time.Time { return now }}
}

// warm observes other traces first, as in the middle between two flushes.
func warm(a *aggregate, models int) {
	for i := range uint64(64) {
		td := testspans.Batch(64, models, 1000+i)
		for _, s := range a.observers {
			s.consume(td, a.now())
		}
	}
}

// BenchmarkConsume observes batches that are in the processor's cache, as they are when the connector gets them: mlsignals
// has just read them. The last case has too many batches and series for that.
func BenchmarkConsume(b *testing.B) {
	for _, c := range []struct{ models, batches int }{{1, 2}, {50, 2}, {2500, 16}} {
		b.Run(fmt.Sprintf("models=%d", c.models), func(b *testing.B) {
			a := newAggregate(shippedPlan(), shippedOptions())
			input, spans := batches(c.batches, c.models)
			warm(a, c.models)
			for _, td := range input {
				a.Consume(td)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				a.Consume(input[i%len(input)])
			}
			report(b, len(input), spans)
		})
	}
}

// BenchmarkConsumeParallel has as many writers as -cpu says.
func BenchmarkConsumeParallel(b *testing.B) {
	a := newAggregate(shippedPlan(), shippedOptions())
	input, spans := batches(2, 50)
	warm(a, 50)
	for _, s := range a.observers {
		for _, td := range input {
			s.consume(td, a.now())
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			a.Consume(input[i%len(input)])
		}
	})
	report(b, len(input), spans)
}

// BenchmarkFlush flushes series that have all changed.
func BenchmarkFlush(b *testing.B) {
	a := newAggregate(shippedPlan(), shippedOptions())
	input, _ := batches(16, 2500)
	series := 0
	for range b.N {
		b.StopTimer()
		for _, td := range input {
			a.Consume(td)
		}
		series = 0
		b.StartTimer()
		_, err := a.Flush(func(m pmetric.Metrics) error { series += m.DataPointCount(); return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(series), "ns/series")
	b.ReportMetric(float64(series), "series")
}

func report(b *testing.B, batches, spans int) {
	perBatch := float64(spans) / float64(batches)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/perBatch, "ns/span")
}
