package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestSideBySide: with the example's file contrib's tail_sampling keeps the same traces with the same spans as
// mltailsampling does, without the names of the policies.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.Root(t, "examples/side-by-side/otelcol.yaml")))
	services := open(t, running, shop.Config{})
	source := shop.NewSource(17, everyKind, time.Now().Add(-time.Minute), time.Millisecond)
	const traces = 2000
	for range traces {
		services.Play(source.Next())
	}
	require.NoError(t, services.Flush(t.Context()))
	untilDecided(t, running, traces)
	stack.Until(t, running.Process, "the decisions of tail_sampling", func(ctx context.Context) error {
		telemetry, err := running.Telemetry(ctx)
		if err != nil {
			return err
		}
		// That inside mltailsampling counts in the same metrics.
		decided := telemetry.Sum(ofContrib + "global_count_traces_sampled")
		if evaluated := telemetry.Sum("otelcol_processor_mltailsampling_evaluated_traces"); decided < evaluated+traces {
			return fmt.Errorf("%v, want %v", decided, evaluated+traces)
		}
		return nil
	})
	stack.Stop(t, running.Process)

	spansOf := func(file string) (map[pcommon.TraceID]map[pcommon.SpanID]int, int) {
		all, err := kept.Read(file)
		require.NoError(t, err)
		spans, named := map[pcommon.TraceID]map[pcommon.SpanID]int{}, 0
		for id, trace := range all {
			spans[id] = map[pcommon.SpanID]int{}
			for _, span := range trace {
				spans[id][span.SpanID()]++
				if len(span.List("ml.sampling.policies")) > 0 {
					named++
				}
			}
		}
		return spans, named
	}
	ours, named := spansOf(running.KeptFile())
	assert.Len(t, ours, named, "a trace names its policies once")
	contribs, named := spansOf(filepath.Join(filepath.Dir(running.KeptFile()), "kept-by-tail-sampling.jsonl"))
	assert.Zero(t, named)
	assert.Equal(t, contribs, ours)
	assert.Greater(t, len(ours), traces/20)
	assert.Less(t, len(ours), traces/2)
}
