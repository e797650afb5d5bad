package mltrainingconnector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/otelcol-ml/otelcol-ml/connector/mltrainingconnector/internal/metadata"
)

var (
	toTraining = pipeline.NewIDWithName(pipeline.SignalTraces, "training")
	toSample   = pipeline.NewIDWithName(pipeline.SignalTraces, "sample")
)

// running is a connector with two pipelines.
type running struct {
	connector.Traces
	training, rest consumertest.TracesSink
}

func start(t *testing.T, change func(*Config)) *running {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	cfg.To = []pipeline.ID{toTraining}
	if change != nil {
		change(cfg)
	}
	require.NoError(t, cfg.Validate())
	r := &running{}
	var err error
	r.Traces, err = NewFactory().CreateTracesToTraces(t.Context(), connectortest.NewNopSettings(metadata.Type), cfg,
		connector.NewTracesRouter(map[pipeline.ID]consumer.Traces{toTraining: &r.training, toSample: &r.rest}))
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, r.Shutdown(context.Background())) })
	return r
}

// span is a span to send: its trace, its name and its stage, where it has one.
type span struct {
	trace byte
	name  string
	stage string
}

// batch has the spans of one service, those of each scope apart where scopes are more than one.
func batch(pipelineName string, scopes ...[]span) ptrace.Traces {
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	resource.SetSchemaUrl("resource schema")
	if pipelineName != "" {
		resource.Resource().Attributes().PutStr("ml.pipeline.name", pipelineName)
	}
	for i, spans := range scopes {
		scope := resource.ScopeSpans().AppendEmpty()
		scope.Scope().SetName(fmt.Sprint("scope ", i))
		scope.SetSchemaUrl("scope schema")
		for _, s := range spans {
			to := scope.Spans().AppendEmpty()
			to.SetTraceID(pcommon.TraceID{s.trace})
			to.SetName(s.name)
			if s.stage != "" {
				to.Attributes().PutStr("ml.stage", s.stage)
			}
		}
	}
	return traces
}

// spanNames are those of the spans that a pipeline got, sorted.
func spanNames(sink *consumertest.TracesSink) []string {
	var all []string
	for _, traces := range sink.AllTraces() {
		for _, resource := range traces.ResourceSpans().All() {
			for _, scope := range resource.ScopeSpans().All() {
				for _, span := range scope.Spans().All() {
					all = append(all, span.Name())
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestRoutes(t *testing.T) {
	for name, test := range map[string]struct {
		change         func(*Config)
		batches        []ptrace.Traces
		training, rest []string
	}{
		"a request": {
			batches: []ptrace.Traces{batch("recommendation", []span{{1, "request", "request"}, {1, "step", ""}})},
			rest:    []string{"request", "step"},
		},
		"a run, its root last": {
			batches: []ptrace.Traces{
				batch("", []span{{1, "ingest", "data_ingestion"}}),
				batch("", []span{{1, "train", "training"}}),
				batch("", []span{{1, "root", ""}}),
			},
			training: []string{"ingest", "root", "train"},
			rest:     []string{"ingest"}, // for the spans that tail sampling holds already
		},
		"a request beside a run": {
			batches: []ptrace.Traces{
				batch("", []span{{1, "before", ""}, {2, "request", "request"}}, []span{{1, "train", "training"}, {1, "after", ""}}),
			},
			training: []string{"after", "before", "train"},
			rest:     []string{"request", "train"},
		},
		"another service's span of a run": {
			batches: []ptrace.Traces{
				batch("", []span{{1, "train", "training"}}),
				batch("recommendation", []span{{1, "lookup", ""}, {2, "lookup of a request", ""}}),
			},
			training: []string{"lookup", "train"},
			rest:     []string{"lookup of a request", "train"},
		},
		"all of a pipeline that trains by its name": {
			batches: []ptrace.Traces{
				batch("churn-training", []span{{1, "SELECT", ""}, {2, "SELECT", ""}}),
				batch("recommendation", []span{{1, "lookup", ""}}),
			},
			training: []string{"SELECT", "SELECT", "lookup"},
		},
		"no name trains": {
			change:  func(c *Config) { c.PipelineName = "" },
			batches: []ptrace.Traces{batch("churn-training", []span{{1, "SELECT", ""}})},
			rest:    []string{"SELECT"},
		},
		"a name of one's own": {
			change:   func(c *Config) { c.PipelineName = "^nightly$" },
			batches:  []ptrace.Traces{batch("nightly", []span{{1, "a", ""}}), batch("nightly-serving", []span{{2, "b", ""}})},
			training: []string{"a"},
			rest:     []string{"b"},
		},
		"a forgotten run": {
			change: func(c *Config) { c.Traces = 2 },
			batches: []ptrace.Traces{
				batch("", []span{{1, "a", "training"}}), batch("", []span{{2, "b", "training"}}), batch("", []span{{3, "c", "training"}}),
				batch("", []span{{1, "forgotten", ""}, {3, "known", ""}, {1, "a", "evaluation"}}),
			},
			training: []string{"a", "a", "b", "c", "known", "forgotten"},
			rest:     []string{"a", "a", "b", "c"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, test.change)
			for _, b := range test.batches {
				b.MarkReadOnly()
				require.NoError(t, r.ConsumeTraces(t.Context(), b))
			}
			slices.Sort(test.training)
			slices.Sort(test.rest)
			assert.Equal(t, test.training, spanNames(&r.training), "training")
			assert.Equal(t, test.rest, spanNames(&r.rest), "the rest")
		})
	}
}

func TestSplitKeepsResourceAndScope(t *testing.T) {
	r := start(t, nil)
	require.NoError(t, r.ConsumeTraces(t.Context(), batch("shop", []span{{1, "request", ""}}, []span{{2, "train", "training"}, {3, "fit", "training"}})))
	require.Len(t, r.training.AllTraces(), 1)
	resources := r.training.AllTraces()[0].ResourceSpans()
	require.Equal(t, 1, resources.Len())
	of := resources.At(0)
	assert.Equal(t, "resource schema", of.SchemaUrl())
	pipelineName, _ := of.Resource().Attributes().Get("ml.pipeline.name")
	assert.Equal(t, "shop", pipelineName.Str())
	require.Equal(t, 1, of.ScopeSpans().Len(), "the scope without training is left out")
	assert.Equal(t, "scope 1", of.ScopeSpans().At(0).Scope().Name())
	assert.Equal(t, "scope schema", of.ScopeSpans().At(0).SchemaUrl())
	assert.Equal(t, 2, of.ScopeSpans().At(0).Spans().Len())
}

func TestPassesOnWithoutCopy(t *testing.T) {
	r := start(t, nil)
	sent := batch("shop", []span{{1, "request", "request"}})
	require.NoError(t, r.ConsumeTraces(t.Context(), sent))
	assert.Equal(t, sent, r.rest.AllTraces()[0])
	allocations := testing.AllocsPerRun(100, func() {
		r.rest.Reset()
		_ = r.ConsumeTraces(t.Context(), sent)
	})
	assert.LessOrEqual(t, allocations, 2.0, "the sink's own")
}

func TestConcurrent(t *testing.T) {
	r := start(t, func(c *Config) { c.Traces = 8 })
	var group sync.WaitGroup
	for worker := range byte(4) {
		group.Go(func() {
			for n := range byte(100) {
				stage := ""
				if n%3 == 0 {
					stage = "training"
				}
				assert.NoError(t, r.ConsumeTraces(context.Background(), batch("", []span{{worker*16 + n%16, "a", stage}})))
			}
		})
	}
	group.Wait()
	assert.GreaterOrEqual(t, r.training.SpanCount()+r.rest.SpanCount(), 400)
}

func TestWiring(t *testing.T) {
	for name, test := range map[string]struct {
		pipelines []pipeline.ID
		says      string
	}{
		"nothing takes the rest": {[]pipeline.ID{toTraining}, "another one has to take what is not training"},
		"no such pipeline":       {[]pipeline.ID{toSample}, "traces/training"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := createDefaultConfig().(*Config)
			cfg.To = []pipeline.ID{toTraining}
			consumers := map[pipeline.ID]consumer.Traces{}
			for _, id := range test.pipelines {
				consumers[id] = consumertest.NewNop()
			}
			_, err := NewFactory().CreateTracesToTraces(t.Context(), connectortest.NewNopSettings(metadata.Type), cfg, connector.NewTracesRouter(consumers))
			assert.ErrorContains(t, err, test.says)
		})
	}
}

// TestRefusedRunsAreNotSentAgain: where training's pipeline refuses, as an exporter with a full queue does, the sender
// is not asked to send again what the metrics ahead of the connector have counted.
func TestRefusedRunsAreNotSentAgain(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.To = []pipeline.ID{toTraining}
	rest := &consumertest.TracesSink{}
	c, err := NewFactory().CreateTracesToTraces(t.Context(), connectortest.NewNopSettings(metadata.Type), cfg,
		connector.NewTracesRouter(map[pipeline.ID]consumer.Traces{toTraining: consumertest.NewErr(errors.New("queue is full")), toSample: rest}))
	require.NoError(t, err)
	require.NoError(t, c.ConsumeTraces(t.Context(), batch("shop", []span{{1, "request", ""}, {2, "fit", "training"}})))
	assert.Equal(t, 2, rest.SpanCount(), "the request, and the stage by which the run became known")
	require.NoError(t, c.Shutdown(t.Context()))
}
