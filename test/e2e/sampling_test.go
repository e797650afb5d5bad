package e2e

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// testKept reads the file of kept traces: each trace that must be kept is there whole, and about 3 % of the rest.
func testKept(t *testing.T, running *collector.Collector, sent []shop.Sent) {
	traces := untilDecided(t, running, len(sent))

	rest, baseline := 0, 0
	for _, s := range sent {
		trace, ok := traces[pcommon.TraceID(s.TraceID)]
		switch {
		case truth.MustKeep(s):
			require.True(t, ok, "trace %s is lost: signals %v, failed %v, %v long", s.TraceID, s.Signals(), s.Failed(), s.Duration())
		default:
			rest++
			if ok {
				baseline++
			}
			require.Equal(t, truth.InBaseline(s.TraceID), ok, "routine trace %s", s.TraceID)
		}
		if ok {
			assertWhole(t, s, trace)
		}
	}

	// Five standard deviations of the binomial distribution: a sound collector passes but for once in a million runs.
	want := truth.Baseline * float64(rest)
	assert.InDelta(t, want, float64(baseline), 5*math.Sqrt(want*(1-truth.Baseline)), "of %d routine traces", rest)
}

func assertWhole(t *testing.T, sent shop.Sent, trace kept.Trace) {
	t.Helper()
	require.Len(t, trace, len(sent.Spans), "spans of trace %s", sent.TraceID)
	got := map[pcommon.SpanID]kept.Span{}
	for _, span := range trace {
		got[span.SpanID()] = span
	}
	for _, span := range sent.Spans {
		of, ok := got[pcommon.SpanID(span.ID)]
		require.True(t, ok, "span %s of trace %s", span.Name, sent.TraceID)
		require.Equal(t, span.Name, of.Name())
		require.Equal(t, span.Service, of.Service())
		require.Equal(t, span.Duration, of.Duration())
	}
}

// untilDecided waits until so many traces are decided and the kept ones written, and returns those.
func untilDecided(t *testing.T, running *collector.Collector, traces int) kept.Traces {
	t.Helper()
	var keep int
	stack.Until(t, running.Process, "sampling decisions", func(ctx context.Context) error {
		sampling, err := running.Sampling(ctx)
		if err != nil {
			return err
		}
		keep = sampling.Kept
		if sampling.Decided < traces {
			return fmt.Errorf("%d of %d traces are decided", sampling.Decided, traces)
		}
		return nil
	})
	var written kept.Traces
	stack.Until(t, running.Process, "the file of kept traces", func(context.Context) error {
		var err error
		if written, err = kept.Read(running.KeptFile()); err != nil {
			return err
		}
		if len(written) < keep {
			return fmt.Errorf("the file has %d of %d traces", len(written), keep)
		}
		return nil
	})
	return written
}
