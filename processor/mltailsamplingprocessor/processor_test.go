package mltailsamplingprocessor

import (
	"context"
	"encoding/binary"
	"runtime"
	"sync"
	"testing"
	"time"

	tailsampling "github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/internal/wholetrace"
	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/metadatatest"
)

// sink records batches and what the context says of them.
type sink struct {
	mutex   sync.Mutex
	batches []ptrace.Traces
	extents []wholetrace.Extent
	refuse  error
}

func (*sink) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: true} }

func (s *sink) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.batches = append(s.batches, td)
	s.extents = append(s.extents, wholetrace.From(ctx))
	return s.refuse
}

func (s *sink) len() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.batches)
}

// trace returns the batches of a trace and what was said of them.
func (s *sink) trace(n uint64) (batches []ptrace.Traces, extents []wholetrace.Extent) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for i, td := range s.batches {
		if td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).TraceID() == traceID(n) {
			batches, extents = append(batches, td), append(extents, s.extents[i])
		}
	}
	return batches, extents
}

func traceID(n uint64) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[:], n)
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// one returns a batch with one span.
func one(n uint64, name string, change func(ptrace.Span)) ptrace.Traces {
	td := ptrace.NewTraces()
	span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetTraceID(traceID(n))
	span.SetSpanID(pcommon.SpanID{1})
	span.SetName(name)
	if change != nil {
		change(span)
	}
	return td
}

func failed(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError) }

func child(s ptrace.Span) { s.SetParentSpanID(pcommon.SpanID{9}) }

func signal(key string) func(ptrace.Span) {
	return func(s ptrace.Span) { s.Attributes().PutBool(key, true) }
}

// start starts a processor with a decision wait that has passed at once.
func start(t *testing.T, next consumer.Traces, host component.Host, settings map[string]any) *tailSampling {
	cfg := createDefaultConfig().(*Config)
	settings["decision_wait"] = time.Nanosecond
	require.NoError(t, confmap.NewFromStringMap(settings).Unmarshal(cfg))
	require.NoError(t, cfg.Validate())
	p, err := newProcessor(context.Background(), processortest.NewNopSettings(metadata.Type), cfg, next)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), host))
	return p
}

func policy(name, kind string, settings map[string]any) map[string]any {
	p := map[string]any{"name": name, "type": kind}
	if settings != nil {
		p[kind] = settings
	}
	return p
}

var (
	errorsPolicy  = policy("errors", "status_code", map[string]any{"status_codes": []any{"ERROR"}})
	repairs       = policy("repairs", "boolean_attribute", map[string]any{"key": "ml.signal.revalidated", "value": true})
	queues        = policy("queues", "boolean_attribute", map[string]any{"key": "ml.signal.queue_bound", "value": true})
	half          = policy("half", "probabilistic", map[string]any{"sampling_percentage": 50})
	repairsFailed = map[string]any{"name": "failed repairs", "type": "and", "and": map[string]any{"and_sub_policy": []any{errorsPolicy, repairs}}}
)

// TestNamesOfThePolicies: a kept trace has those that matched, in the order of the configuration.
func TestNamesOfThePolicies(t *testing.T) {
	next := &sink{}
	p := start(t, next, componenttest.NewNopHost(), map[string]any{"policies": []any{
		errorsPolicy, repairs, queues, repairsFailed,
		map[string]any{"name": "never", "type": "drop", "drop": map[string]any{"drop_sub_policy": []any{policy("x", "trace_state", map[string]any{"key": "a", "values": []any{"b"}})}}},
		policy("long enough", "span_count", map[string]any{"min_spans": 3}),
	}})
	send := func(td ptrace.Traces) { require.NoError(t, p.ConsumeTraces(t.Context(), td)) }
	both := func(s ptrace.Span) {
		failed(s)
		signal("ml.signal.revalidated")(s)
	}
	send(one(1, "failed", failed))
	batch := one(2, "child", func(s ptrace.Span) { child(s); both(s) })
	one(2, "root", signal("ml.signal.queue_bound")).ResourceSpans().MoveAndAppendTo(batch.ResourceSpans())
	send(batch)
	send(one(3, "ordinary", nil))
	batch = one(4, "first", child)
	for range 2 {
		one(4, "next", child).ResourceSpans().MoveAndAppendTo(batch.ResourceSpans())
	}
	send(batch)
	require.Eventually(t, func() bool { return next.len() == 3 }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, p.Shutdown(t.Context()))

	names := func(n uint64) (on string, names []any) {
		batches, extents := next.trace(n)
		require.Len(t, batches, 1)
		assert.Equal(t, []wholetrace.Extent{wholetrace.Whole}, extents)
		for _, rs := range batches[0].ResourceSpans().All() {
			for _, span := range rs.ScopeSpans().At(0).Spans().All() {
				if v, ok := span.Attributes().Get(vocab.SamplingPolicies); ok {
					require.Empty(t, on, "on one span")
					on, names = span.Name(), v.Slice().AsRaw()
				}
				assert.Contains(t, span.TraceState().AsRaw(), "ot=th:0", "it stands for itself")
			}
		}
		return on, names
	}
	on, matched := names(1)
	assert.Equal(t, "failed", on)
	assert.Equal(t, []any{"errors"}, matched)
	on, matched = names(2)
	assert.Equal(t, "root", on)
	assert.Equal(t, []any{"errors", "repairs", "queues", "failed repairs"}, matched)
	on, matched = names(4)
	assert.Equal(t, "first", on, "where the root is missing")
	assert.Equal(t, []any{"long enough"}, matched)
}

// TestProbabilityInTheTraceState: the baseline says for how many traces each one stands.
func TestProbabilityInTheTraceState(t *testing.T) {
	next := &sink{}
	p := start(t, next, componenttest.NewNopHost(), map[string]any{"policies": []any{half}})
	const traces = 200
	for n := range uint64(traces) {
		require.NoError(t, p.ConsumeTraces(t.Context(), one(n+1, "a", nil)))
	}
	require.NoError(t, p.Shutdown(t.Context()))
	assert.InDelta(t, traces/2, next.len(), 40)
	for _, td := range next.batches {
		assert.Equal(t, "ot=th:8", td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).TraceState().AsRaw())
	}
}

// TestTheGateIsOurs: a tail_sampling beside ours is not changed.
func TestTheGateIsOurs(t *testing.T) {
	p := start(t, &sink{}, componenttest.NewNopHost(), map[string]any{"policies": []any{half}})
	require.NoError(t, p.Shutdown(t.Context()))
	featuregate.GlobalRegistry().VisitAll(func(g *featuregate.Gate) {
		if g.ID() == traceStateGate {
			assert.False(t, g.IsEnabled())
		}
	})
}

func TestLateSpansAndPassedOn(t *testing.T) {
	next := &sink{}
	p := start(t, next, componenttest.NewNopHost(), map[string]any{
		"policies": []any{errorsPolicy},
		"pass_on":  map[string]any{"any": []any{map[string]any{"attribute": "ml.stage", "values": []any{"training"}}}},
	})
	require.NoError(t, p.ConsumeTraces(t.Context(), one(1, "kept", failed)))
	require.Eventually(t, func() bool { return next.len() == 1 }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, p.ConsumeTraces(t.Context(), one(1, "late", nil)))
	require.NoError(t, p.ConsumeTraces(t.Context(), one(2, "stage", func(s ptrace.Span) { s.Attributes().PutStr("ml.stage", "training") })))
	require.Eventually(t, func() bool { return next.len() == 3 }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, p.Shutdown(t.Context()))
	_, extents := next.trace(1)
	assert.Equal(t, []wholetrace.Extent{wholetrace.Whole, wholetrace.Late}, extents)
	_, extents = next.trace(2)
	assert.Equal(t, []wholetrace.Extent{wholetrace.Passed}, extents)
}

// TestShutdownDecides what waits, or discards it where that is wanted.
// TestIDsThatShareAHalf: decisions are remembered by the whole ID. The policies see every trace, and nothing stays held.
func TestIDsThatShareAHalf(t *testing.T) {
	const traces = 100
	next := &sink{}
	p := start(t, next, componenttest.NewNopHost(), map[string]any{"policies": []any{errorsPolicy}})
	for half := range 2 {
		for n := range traces {
			td := one(1, "a", failed)
			var id pcommon.TraceID
			id[half*8], id[half*8+1] = 0xff, byte(n)
			td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetTraceID(id)
			require.NoError(t, p.ConsumeTraces(t.Context(), td))
		}
	}
	require.Eventually(t, func() bool { return next.len() == 2*traces && p.buffer.Bytes() == 0 }, time.Minute, 5*time.Millisecond)
	require.NoError(t, p.Shutdown(t.Context()))
}

// TestShortOfMemory: while the live heap is over pressure_heap_bytes most new traces are dropped, and no longer once it is not.
func TestShortOfMemory(t *testing.T) {
	p := start(t, &sink{}, componenttest.NewNopHost(), map[string]any{"policies": []any{errorsPolicy}, "pressure_heap_bytes": 200 << 20})
	next, dropped := uint64(1), func() int64 { return p.buffer.Stats().Pressure.Load() }
	consume := func() {
		for range 100 {
			require.NoError(t, p.ConsumeTraces(t.Context(), one(next, "a", nil)))
			next++
		}
	}
	consume()
	require.Zero(t, dropped())
	much := make([]byte, 300<<20)
	runtime.GC()
	require.Eventually(t, func() bool { consume(); return dropped() > 0 }, time.Minute, 10*time.Millisecond)
	runtime.KeepAlive(much)
	require.Eventually(t, func() bool {
		before := dropped()
		consume()
		return dropped() == before
	}, time.Minute, 100*time.Millisecond, "the processor notices by itself that there is memory again")
	require.NoError(t, p.Shutdown(t.Context()))
}

func TestShutdownDecides(t *testing.T) {
	for _, drop := range []bool{false, true} {
		next := &sink{}
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, confmap.NewFromStringMap(map[string]any{
			"decision_wait": "1h", "policies": []any{errorsPolicy}, "drop_pending_traces_on_shutdown": drop,
		}).Unmarshal(cfg))
		p, err := newProcessor(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, next)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		const traces = 5000
		for n := range uint64(traces) {
			change := failed
			if n%2 == 0 {
				change = nil
			}
			require.NoError(t, p.ConsumeTraces(t.Context(), one(n+1, "a", change)))
		}
		require.NoError(t, p.Shutdown(t.Context()))
		if drop {
			assert.Zero(t, next.len())
		} else {
			assert.Equal(t, traces/2, next.len())
		}
	}
}

// TestManySenders is for the race detector; every trace with an error is kept, once and whole.
func TestManySenders(t *testing.T) {
	next := &sink{}
	p := start(t, next, componenttest.NewNopHost(), map[string]any{"policies": []any{errorsPolicy}, "num_traces": 200})
	const senders, traces = 8, 500
	var wait sync.WaitGroup
	for sender := range uint64(senders) {
		wait.Go(func() {
			for n := range uint64(traces) {
				assert.NoError(t, p.ConsumeTraces(context.Background(), one(1+sender*traces+n, "a", failed)))
			}
		})
	}
	wait.Wait()
	require.NoError(t, p.Shutdown(t.Context()))
	assert.Equal(t, senders*traces, next.len())
}

func TestANextComponentThatRefuses(t *testing.T) {
	next := &sink{refuse: assert.AnError}
	p := start(t, next, componenttest.NewNopHost(), map[string]any{"policies": []any{errorsPolicy}})
	require.NoError(t, p.ConsumeTraces(t.Context(), one(1, "a", failed)))
	require.Eventually(t, func() bool { return next.len() == 1 }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, p.ConsumeTraces(t.Context(), one(1, "late", nil)))
	require.Eventually(t, func() bool { return next.len() == 2 }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, p.Shutdown(t.Context()))
}

// extension is a policy extension of a user: it keeps traces whose first span has a name.
type extension struct {
	component.StartFunc
	component.ShutdownFunc
}

func (extension) NewEvaluator(string, map[string]any) (samplingpolicy.Evaluator, error) {
	return evaluator(func(_ pcommon.TraceID, trace *samplingpolicy.TraceData) samplingpolicy.Decision {
		if trace.ReceivedBatches.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Name() == "wanted" {
			return samplingpolicy.Sampled
		}
		return samplingpolicy.NotSampled
	}), nil
}

type hostWith map[component.ID]component.Component

func (h hostWith) GetExtensions() map[component.ID]component.Component { return h }

func TestPoliciesOfExtensions(t *testing.T) {
	next := &sink{}
	host := hostWith{component.MustNewID("wanted"): extension{}}
	p := start(t, next, host, map[string]any{"policies": []any{map[string]any{"name": "by name", "type": "wanted"}}})
	require.NoError(t, p.ConsumeTraces(t.Context(), one(1, "wanted", nil)))
	require.NoError(t, p.ConsumeTraces(t.Context(), one(2, "other", nil)))
	require.NoError(t, p.Shutdown(t.Context()))
	require.Equal(t, 1, next.len())
	names, _ := next.batches[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().Get(vocab.SamplingPolicies)
	assert.Equal(t, []any{"by name"}, names.Slice().AsRaw())
	assert.Len(t, host, 1, "the host's own extensions are not changed")
}

// TestComposite: it may be composed of policies that are known, and its name is on what it keeps.
func TestComposite(t *testing.T) {
	next := &sink{}
	p := start(t, next, componenttest.NewNopHost(), map[string]any{"policies": []any{map[string]any{
		"name": "all", "type": "composite", "composite": map[string]any{
			"max_total_spans_per_second": 1000, "policy_order": []any{"errors", "repairs"},
			"composite_sub_policy": []any{errorsPolicy, repairs},
			"rate_allocation":      []any{map[string]any{"policy": "errors", "percent": 50}, map[string]any{"policy": "repairs", "percent": 50}},
		},
	}}})
	require.NoError(t, p.ConsumeTraces(t.Context(), one(1, "a", failed)))
	require.NoError(t, p.ConsumeTraces(t.Context(), one(2, "b", nil)))
	require.NoError(t, p.Shutdown(t.Context()))
	require.Equal(t, 1, next.len())
	names, _ := next.batches[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().Get(vocab.SamplingPolicies)
	assert.Equal(t, []any{"all"}, names.Slice().AsRaw())
}

// TestErrorsOfPolicies are contrib's.
func TestErrorsOfPolicies(t *testing.T) {
	for name, policies := range map[string][]any{
		"unknown type":   {map[string]any{"name": "x", "type": "unknown"}},
		"no name":        {map[string]any{"type": "always_sample"}},
		"twice":          {errorsPolicy, errorsPolicy},
		"no status code": {policy("x", "status_code", map[string]any{"status_codes": []any{}})},
		"bad expression": {policy("x", "string_attribute", map[string]any{"key": "a", "values": []any{"("}, "enabled_regex_matching": true})},
		"bad OTTL":       {policy("x", "ottl_condition", map[string]any{"error_mode": "ignore", "span": []any{"what"}})},
		"in an and":      {map[string]any{"name": "x", "type": "and", "and": map[string]any{"and_sub_policy": []any{map[string]any{"name": "y", "type": "unknown"}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			settings := map[string]any{"policies": policies}
			errorOf := func(u under) string {
				err := u.Start(t.Context(), componenttest.NewNopHost())
				require.Error(t, err)
				_ = u.Shutdown(t.Context())
				return err.Error()
			}
			assert.Equal(t, errorOf(newContrib(t, settings)), errorOf(newOurs(t, settings)))
		})
	}
}

// TestSpanIngest is contrib's alone.
func TestSpanIngest(t *testing.T) {
	next := &sink{}
	factory := NewFactory()
	cfg := factory.CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{"sampling_strategy": "span-ingest", "policies": []any{errorsPolicy}}).Unmarshal(cfg))
	p, err := factory.CreateTraces(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, next)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.ConsumeTraces(t.Context(), one(1, "a", failed)))
	require.Eventually(t, func() bool { return next.len() == 1 }, 10*time.Second, 5*time.Millisecond, "before any wait")
	require.NoError(t, p.Shutdown(t.Context()))
}

func TestTelemetry(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	next := &sink{}
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(map[string]any{"decision_wait": "1ns", "policies": []any{errorsPolicy}}).Unmarshal(cfg))
	set := metadatatest.NewSettings(tel)
	p, err := newProcessor(t.Context(), set, cfg, next)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.ConsumeTraces(t.Context(), one(1, "a", failed)))
	require.NoError(t, p.ConsumeTraces(t.Context(), one(2, "b", nil)))
	require.Eventually(t, func() bool { return next.len() == 1 && p.buffer.Stats().NoMatch.Load() == 1 }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, p.ConsumeTraces(t.Context(), one(2, "late", nil)))

	point := func(value int64, labels ...string) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Value: value, Attributes: attributes(labels...)}
	}
	metadatatest.AssertEqualProcessorMltailsamplingTraces(t, tel, []metricdata.DataPoint[int64]{
		point(1, "decision", "sampled"), point(1, "decision", "not_sampled"),
	}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorMltailsamplingEvaluatedTraces(t, tel, []metricdata.DataPoint[int64]{point(1)}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorMltailsamplingDroppedTraces(t, tel, []metricdata.DataPoint[int64]{
		point(1, "reason", "no_match"), point(0, "reason", "too_large"), point(0, "reason", "shutdown"),
		point(0, "reason", "overload"), point(0, "reason", "memory"),
	}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorMltailsamplingLateSpans(t, tel, []metricdata.DataPoint[int64]{
		point(0, "decision", "sampled"), point(1, "decision", "not_sampled"),
	}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorMltailsamplingDecidedEarly(t, tel, []metricdata.DataPoint[int64]{
		point(0, "bound", "num_traces"), point(0, "bound", "max_bytes"),
	}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorMltailsamplingPassedSpans(t, tel, []metricdata.DataPoint[int64]{point(0)}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorMltailsamplingWaitingTraces(t, tel, []metricdata.DataPoint[int64]{point(0)}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorMltailsamplingWaitingBytes(t, tel, []metricdata.DataPoint[int64]{point(0)}, metricdatatest.IgnoreTimestamp())
	require.NoError(t, p.Shutdown(t.Context()))
}

func TestContribsDefaults(t *testing.T) {
	ours := createDefaultConfig().(*Config)
	assert.Equal(t, tailsampling.NewFactory().CreateDefaultConfig(), &ours.Config)
	assert.Equal(t, createDefaultConfig(), NewFactory().CreateDefaultConfig())
}
