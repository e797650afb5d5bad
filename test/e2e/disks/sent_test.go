package disks

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// send sends requests of which each one tells, and returns what their traces are once the collector has decided on them.
func send(t testing.TB, to *collector.Collector, seed uint64, requests int) []shop.Sent {
	t.Helper()
	before, err := to.Sampling(t.Context())
	require.NoError(t, err)
	services, err := shop.Open(t.Context(), shop.Config{Endpoint: to.GRPC})
	require.NoError(t, err)
	source := shop.NewSource(seed, shop.Rates{LongQueue: 1}, time.Now().Add(-time.Minute), time.Millisecond)
	var sent []shop.Sent
	for i := range requests {
		sent = append(sent, services.Play(source.Next()))
		if i%100 == 99 {
			require.NoError(t, services.Flush(t.Context()))
		}
	}
	require.NoError(t, services.Close(t.Context()))
	stack.Until(t, to.Process, "decisions on all traces", func(ctx context.Context) error {
		now, err := to.Sampling(ctx)
		if err != nil {
			return err
		}
		if decided := now.Decided - before.Decided; decided < requests {
			return fmt.Errorf("%d of %d are decided", decided, requests)
		}
		return nil
	})
	return sent
}

func spans(sent []shop.Sent) (n int) {
	for _, s := range sent {
		n += len(s.Spans)
	}
	return n
}

// missing is the number of spans that are not there.
func missing(sent []shop.Sent, have kept.Traces) (n int) {
	for _, s := range sent {
		different := map[pcommon.SpanID]bool{}
		for _, span := range have[pcommon.TraceID(s.TraceID)] {
			different[span.SpanID()] = true
		}
		n += len(s.Spans) - len(different)
	}
	return n
}

// untilTelemetry waits for a condition of the collector's own metrics.
func untilTelemetry(t testing.TB, running *collector.Collector, what string, condition func(scrape.Samples) error) {
	t.Helper()
	stack.Until(t, running.Process, what, func(ctx context.Context) error {
		telemetry, err := running.Telemetry(ctx)
		if err != nil {
			return err
		}
		return condition(telemetry)
	})
}

// untilCounted waits until the metrics have every span.
func untilCounted(t testing.TB, running *collector.Collector, want int) {
	t.Helper()
	stack.Until(t, running.Process, "the metrics", func(ctx context.Context) error {
		metrics, err := running.Metrics(ctx)
		if err != nil {
			return err
		}
		if n := int(metrics.Sum("duration_ms_count")); n != want {
			return fmt.Errorf("%d of %d spans are counted", n, want)
		}
		return nil
	})
}
