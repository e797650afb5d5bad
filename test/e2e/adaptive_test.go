package e2e

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// incidentRates give half of all requests a long queue. The other signals are so rare that their share of the budget
// takes them even if all requests arrive within a second.
var incidentRates = shop.Rates{LongQueue: 0.5, Revalidated: 0.001, FeatureCascade: 0.001, Unavailable: 0.001, LooseTypes: 0.4}

// TestAdaptiveSampling runs an incident through the overlay that keeps a number of traces per second. How the rate is held
// is tested where time is simulated; this is about what becomes of the traces in the built collector.
func TestAdaptiveSampling(t *testing.T) {
	t.Parallel()
	const n, waves = 6000, 12
	options := stack.CollectorOptions(t, stack.FastFlush,
		stack.Root(t, "deploy/adaptive-sampling/otelcol.yaml"), stack.Root(t, "test/e2e/testdata/recount.yaml"))
	options.Env = append(options.Env, "OTELCOL_ML_TRACE_BUDGET=30")
	running := stack.StartCollector(t, options)
	services := open(t, running, shop.Config{})
	source := shop.NewSource(5, incidentRates, time.Now().Add(-time.Minute), time.Millisecond)
	var sent []shop.Sent
	for range waves {
		for range n / waves {
			sent = append(sent, services.Play(source.Next()))
		}
		require.NoError(t, services.Flush(t.Context()))
	}
	traces := untilDecided(t, running, len(sent))

	// Rare signals are whole, abundant ones are not.
	rare, mustKeep := 0, 0
	for _, s := range sent {
		if truth.MustKeep(s) {
			mustKeep++
		}
		trace, ok := traces[pcommon.TraceID(s.TraceID)]
		if s.Revalidated() || s.FeatureCascade() || s.FeaturesUnavailable() {
			rare++
			require.True(t, ok, "trace %s is lost: signals %v", s.TraceID, s.Signals())
		}
		if ok {
			assertWhole(t, s, trace)
		}
	}
	require.Positive(t, rare)
	assert.Less(t, len(traces), mustKeep, "so it is not the fixed policies that decide")

	// What the kept traces say they stand for is what was sent, within five standard deviations.
	made, counted, variance := map[string]float64{}, map[string]float64{}, map[string]float64{}
	for _, s := range sent {
		made["requests"]++
		for signal := range s.Signals() {
			made[signal]++
		}
		trace, ok := traces[pcommon.TraceID(s.TraceID)]
		if !ok {
			continue
		}
		count, ok := trace[0].Number("ml.sampling.adjusted_count")
		require.True(t, ok)
		for _, span := range trace {
			same, _ := span.Number("ml.sampling.adjusted_count")
			require.Equal(t, count, same)
			require.Contains(t, span.TraceState().AsRaw(), "ot=th:")
		}
		if s.Revalidated() || s.FeatureCascade() || s.FeaturesUnavailable() {
			require.Equal(t, 1.0, count)
		}
		counted["requests"] += count
		variance["requests"] += count * (count - 1)
		for signal := range s.Signals() {
			counted[signal] += count
			variance[signal] += count * (count - 1)
		}
	}
	for name, want := range made {
		assert.InDelta(t, want, counted[name], 5*math.Sqrt(variance[name])+1e-6, name)
		t.Logf("%s: sent %v, counted from kept traces %.0f ± %.0f", name, want, counted[name], math.Sqrt(variance[name]))
	}

	// mlmetrics reads the same out of the trace state.
	stack.Until(t, running.Process, "the kept traces counted again", func(ctx context.Context) error {
		metrics, err := running.Metrics(ctx)
		if err != nil {
			return err
		}
		if all := metrics.Sum("ml_pipeline_requests_total", "collector_instance", "kept"); math.Abs(all-counted["requests"]) > 0.01*counted["requests"] {
			return fmt.Errorf("%v requests, not %v", all, counted["requests"])
		}
		for signal, n := range metrics.By("ml_signals_total", "signal", "collector_instance", "kept") {
			if math.Abs(n-counted[signal]) > 0.01*counted[signal]+1 {
				return fmt.Errorf("%v of %s, not %v", n, signal, counted[signal])
			}
		}
		return nil
	})

	telemetry, err := running.Telemetry(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, made["queue_bound"], telemetry.Sum("otelcol_extension_mlsampling_traces", "signal", "queue_bound"))
	assert.Zero(t, telemetry.Sum("otelcol_extension_mlsampling_unreadable_tracestates"))
	assert.Positive(t, telemetry.Sum("otelcol_extension_mlsampling_classes"))
}
