package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// step is one span of a run, exported by itself when it has ended.
type step struct {
	service, pipeline, scope, name string
	root                           bool
}

// runs are exported a step at a time, with decision waits in between. None is in the baseline.
var runs = map[string]struct {
	steps []step
	kept  []string
}{
	// The lesson's own code: no resource attributes but the service's name, the tracer ml-pipeline, the root last.
	"a run known by its stages": {
		steps: []step{
			{"churn", "", "ml-pipeline", "data-ingestion", false},
			{"churn", "", "psycopg2", "SELECT", false},
			{"churn", "", "ml-pipeline", "feature-engineering", false},
			{"churn", "", "ml-pipeline", "epoch", false},
			{"churn", "", "ml-pipeline", "model-training", false},
			{"churn", "", "ml-pipeline", "pipeline-run", true},
		},
		kept: []string{"SELECT", "data-ingestion", "epoch", "feature-engineering", "model-training", "pipeline-run"},
	},
	"a run known by its pipeline's name": {
		steps: []step{
			{"trainer", "churn-training", "psycopg2", "SELECT", false},
			{"store", "recommendation", "store", "lookup", false},
			{"trainer", "churn-training", "trainer", "step without a stage", false},
			{"trainer", "churn-training", "trainer", "the whole run", true},
		},
		kept: []string{"SELECT", "lookup", "step without a stage", "the whole run"},
	},
	// What proves that the above is not kept for another reason.
	"a request": {
		steps: []step{
			{"gateway", "recommendation", "psycopg2", "SELECT", false},
			{"gateway", "recommendation", "ml-pipeline", "epoch", false},
			{"gateway", "recommendation", "ml-pipeline", "ml.pipeline.request", true},
		},
	},
}

// TestTrainingRuns: a run whose spans come hours apart, here several decision waits, is kept whole. So are the spans
// without a stage, those of the services that it calls, and the root, which comes last.
func TestTrainingRuns(t *testing.T) {
	t.Parallel()
	options := stack.CollectorOptions(t, stack.FastFlush)
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s"}
	running := stack.StartCollector(t, options)
	ids := map[string]pcommon.TraceID{}
	next := byte(1)
	for name := range runs {
		ids[name] = notInBaseline(&next)
	}
	for round := range 6 {
		for name, run := range runs {
			if round < len(run.steps) {
				export(t, running, spanOf(ids[name], byte(round+1), run.steps[round]))
			}
		}
		for range 2 {
			untilWaitHasPassed(t, running, notInBaseline(&next))
		}
	}

	for name, run := range runs {
		if len(run.kept) == 0 {
			continue
		}
		var names []string
		for _, span := range untilKept(t, running, ids[name], len(run.kept)) {
			names = append(names, span.Name())
		}
		slices.Sort(names)
		assert.Equal(t, run.kept, names, name)
	}
	telemetry, err := running.Telemetry(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 10, telemetry.Sum("otelcol_processor_mltailsampling_passed_spans"), "the spans of both runs")
	testStagesCounted(t, running)
	stack.Stop(t, running.Process)
	traces, err := kept.Read(running.KeptFile())
	require.NoError(t, err)
	assert.Empty(t, traces[ids["a request"]])
}

// testStagesCounted: the metrics have every stage once.
func testStagesCounted(t *testing.T, running *collector.Collector) {
	t.Helper()
	stack.Until(t, running.Process, "the stages' counters", func(ctx context.Context) error {
		metrics, err := running.Metrics(ctx)
		if err != nil {
			return err
		}
		for _, stage := range []string{"data_ingestion", "feature_engineering", "training"} {
			if calls := metrics.Sum("ml_stage_calls_total", "ml_stage", stage); calls != 1 {
				return fmt.Errorf("%v spans of the stage %s are counted", calls, stage)
			}
		}
		return nil
	})
}

// untilWaitHasPassed sends a trace and waits until it is decided: whatever came before it then is, too.
func untilWaitHasPassed(t *testing.T, running *collector.Collector, probe pcommon.TraceID) {
	t.Helper()
	before := decided(t, running)
	export(t, running, spanOf(probe, 1, step{"probe", "", "probe", "probe", true}))
	stack.Until(t, running.Process, "the decision on a probe", func(context.Context) error {
		if n := decided(t, running); n <= before {
			return fmt.Errorf("%v traces are decided", n)
		}
		return nil
	})
}

func decided(t *testing.T, running *collector.Collector) int {
	t.Helper()
	sampling, err := running.Sampling(t.Context())
	require.NoError(t, err)
	return sampling.Decided
}

// notInBaseline is the next trace ID that chance does not keep. The decision caches distinguish traces by the second half.
func notInBaseline(next *byte) pcommon.TraceID {
	for {
		id := pcommon.TraceID{0: 7, 15: *next}
		*next++
		if !truth.InBaseline(trace.TraceID(id)) {
			return id
		}
	}
}

func spanOf(id pcommon.TraceID, n byte, s step) ptrace.Traces {
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", s.service)
	if s.pipeline != "" {
		resource.Resource().Attributes().PutStr("ml.pipeline.name", s.pipeline)
	}
	scope := resource.ScopeSpans().AppendEmpty()
	scope.Scope().SetName(s.scope)
	span := scope.Spans().AppendEmpty()
	span.SetTraceID(id)
	span.SetSpanID(pcommon.SpanID{n})
	if !s.root {
		span.SetParentSpanID(pcommon.SpanID{99})
	}
	span.SetName(s.name)
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	span.SetEndTimestamp(span.StartTimestamp() + 1_000_000)
	return traces
}
