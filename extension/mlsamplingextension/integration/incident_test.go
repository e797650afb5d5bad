package integration

import (
	"context"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/budget"
	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/classify"
	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/policy"
	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor"
)

const (
	perSecond = 1000 // traces that the services make
	allowed   = 100  // traces per second to keep
)

// sampler is the policy on simulated time: each judgement is 1 ms after the one
// before. The processor itself runs on real time, and is made to decide by its
// shutdown, so that the test does not wait.
type sampler struct {
	component.StartFunc
	component.ShutdownFunc
	policy *policy.Policy
	now    time.Time
	random *rand.Rand
	// factory makes the processor, contrib the part of its settings that is contrib's.
	factory processor.Factory
	contrib func(component.Config) *tailsamplingprocessor.Config
}

func newSampler(factory processor.Factory, contrib func(component.Config) *tailsamplingprocessor.Config) *sampler {
	s := &sampler{now: time.Unix(1_700_000_000, 0), random: rand.New(rand.NewPCG(3, 4)), factory: factory, contrib: contrib}
	s.policy = &policy.Policy{
		Reader: classify.Reader{Latency: 800 * time.Millisecond},
		Budget: budget.New(budget.Limits{
			Budget: allowed, ClassBudget: math.Inf(1), Baseline: classify.Baseline, BaselineShare: 0.03,
			KeepAll: []string{classify.Training}, Known: classify.Known(), MaxClasses: 500,
		}, func() time.Time { return s.now }),
		Unreadable: &atomic.Int64{},
	}
	return s
}

// NewEvaluator makes it a samplingpolicy.Extension.
func (s *sampler) NewEvaluator(string, map[string]any) (samplingpolicy.Evaluator, error) {
	return ticking{s.policy, s}, nil
}

type ticking struct {
	*policy.Policy
	sampler *sampler
}

func (t ticking) EvaluateWithThreshold(ctx context.Context, id pcommon.TraceID, trace *samplingpolicy.TraceData) (samplingpolicy.Decision, sampling.Threshold, error) {
	t.sampler.now = t.sampler.now.Add(time.Second / perSecond)
	return t.Policy.EvaluateWithThreshold(ctx, id, trace)
}

type host struct {
	component.Host
	extensions map[component.ID]component.Component
}

func (h host) GetExtensions() map[component.ID]component.Component { return h.extensions }

// run sends the traces of some seconds through the processor and returns what it kept.
func (s *sampler) run(t *testing.T, seconds int, mix []kind) (made map[string]int, kept []ptrace.Traces) {
	config := s.factory.CreateDefaultConfig()
	cfg := s.contrib(config)
	cfg.NumTraces = 1_000_000
	cfg.DecisionWait = time.Hour // decided at shutdown
	cfg.PolicyCfgs = make([]tailsamplingprocessor.PolicyCfg, 1)
	cfg.PolicyCfgs[0].Name, cfg.PolicyCfgs[0].Type = "adaptive", "mlsampling"

	sink := &consumertest.TracesSink{}
	p, err := s.factory.CreateTraces(t.Context(), processortest.NewNopSettings(s.factory.Type()), config, sink)
	require.NoError(t, err)
	id := component.MustNewID("mlsampling")
	require.NoError(t, p.Start(t.Context(), host{componenttest.NewNopHost(), map[component.ID]component.Component{id: s}}))

	made = map[string]int{}
	for range seconds * perSecond {
		k := pick(mix, s.random.Float64())
		made[k.name]++
		gateway, worker := k.spans(s.random)
		// Of two services, so in two batches, in either order.
		if s.random.IntN(2) == 0 {
			gateway, worker = worker, gateway
		}
		require.NoError(t, p.ConsumeTraces(t.Context(), gateway))
		require.NoError(t, p.ConsumeTraces(t.Context(), worker))
	}
	require.NoError(t, p.Shutdown(t.Context()))
	return made, sink.AllTraces()
}

// kind is traces that are alike.
type kind struct {
	name    string
	share   float64 // of all traces
	signals []string
	failed  bool
	slow    bool
}

func pick(mix []kind, at float64) kind {
	for _, k := range mix[:len(mix)-1] {
		if at -= k.share; at < 0 {
			return k
		}
	}
	return mix[len(mix)-1]
}

func (k kind) spans(random *rand.Rand) (gateway, worker ptrace.Traces) {
	var id pcommon.TraceID
	for i := range id {
		id[i] = byte(random.Uint32())
	}
	duration := 400 * time.Millisecond
	if k.slow {
		duration = 1500 * time.Millisecond
	}
	make := func(service string) (ptrace.Traces, ptrace.Span) {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", service)
		span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetName(k.name)
		span.SetTraceID(id)
		span.SetSpanID(pcommon.SpanID(id[:8]))
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Unix(1_700_000_000, 0)))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(time.Unix(1_700_000_000, 0).Add(duration)))
		return td, span
	}
	gateway, _ = make("gateway")
	worker, span := make("inference")
	span.SetParentSpanID(pcommon.SpanID(id[8:]))
	span.Attributes().PutStr("ml.model.name", "llama")
	for _, signal := range k.signals {
		span.Attributes().PutBool("ml.signal."+signal, true)
	}
	if k.failed {
		span.Status().SetCode(ptrace.StatusCodeError)
	}
	return gateway, worker
}

// estimate is what is estimated from the kept traces of a kind.
type estimate struct {
	kept            int
	count, variance float64
}

func estimates(t *testing.T, kept []ptrace.Traces) map[string]estimate {
	t.Helper()
	all := map[string]estimate{}
	for _, td := range kept {
		require.Equal(t, 2, td.SpanCount(), "a trace is kept whole")
		var name string
		var counts []float64
		for _, rs := range td.ResourceSpans().All() {
			span := rs.ScopeSpans().At(0).Spans().At(0)
			name = span.Name()
			attribute, ok := span.Attributes().Get("ml.sampling.adjusted_count")
			require.True(t, ok)
			state, err := sampling.NewW3CTraceState(span.TraceState().AsRaw())
			require.NoError(t, err)
			require.InDelta(t, state.OTelValue().AdjustedCount(), attribute.Double(), 1e-9, "attribute and trace state agree")
			threshold, ok := state.OTelValue().TValueThreshold()
			require.True(t, ok)
			require.True(t, threshold.ShouldSample(sampling.TraceIDToRandomness(span.TraceID())), "the threshold is consistent with the trace ID")
			counts = append(counts, attribute.Double())
		}
		require.Equal(t, counts[0], counts[1])
		e := all[name]
		e.kept++
		e.count += counts[0]
		e.variance += counts[0] * (counts[0] - 1)
		all[name] = e
	}
	return all
}

var (
	rare  = []string{"revalidated", "failed", "cold start", "failed in the queue"}
	quiet = []kind{
		{name: "queued", share: 0.004, signals: []string{"queue_bound"}},
		{name: "queued and slow", share: 0.004, signals: []string{"queue_bound", "high_queue_wait"}, slow: true},
		{name: "revalidated", share: 0.002, signals: []string{"revalidated"}},
		{name: "failed", share: 0.001, failed: true},
		{name: "cold start", share: 0.0005, signals: []string{"cold_start"}},
		{name: "failed in the queue", share: 0.001, signals: []string{"queue_bound"}, failed: true},
		{name: "ordinary"},
	}
)

// incident gives half of all traffic a signal.
func incident() []kind {
	mix := append([]kind(nil), quiet...)
	mix[0].share, mix[1].share = 0.2, 0.3
	return mix
}

// TestIncident runs quiet traffic, then an incident, through mltailsampling, and
// through tail_sampling with and without its feature gate that writes thresholds too.
func TestIncident(t *testing.T) {
	const gate = "processor.tailsamplingprocessor.usetracestate"
	contrib := func(c component.Config) *tailsamplingprocessor.Config { return c.(*tailsamplingprocessor.Config) }
	ours := func(c component.Config) *tailsamplingprocessor.Config {
		return &c.(*mltailsamplingprocessor.Config).Config
	}
	for name, through := range map[string]struct {
		factory processor.Factory
		contrib func(component.Config) *tailsamplingprocessor.Config
		gate    bool
	}{
		"mltailsampling":                {mltailsamplingprocessor.NewFactory(), ours, false},
		"tail_sampling":                 {tailsamplingprocessor.NewFactory(), contrib, false},
		"tail_sampling, gate for state": {tailsamplingprocessor.NewFactory(), contrib, true},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, featuregate.GlobalRegistry().Set(gate, through.gate))
			t.Cleanup(func() { require.NoError(t, featuregate.GlobalRegistry().Set(gate, false)) })
			s := newSampler(through.factory, through.contrib)

			made, kept := s.run(t, 20, quiet)
			estimated := estimates(t, kept)
			for _, k := range quiet[:len(quiet)-1] {
				assert.Equal(t, made[k.name], estimated[k.name].kept, "%s in quiet times", k.name)
			}
			assertCounts(t, made, estimated)

			// Every second of the incident, from the first on. Noise of the choice: at most 100 traces are kept by
			// chance, so it is 10; four times that.
			const noise = 40
			before := 0
			made, estimated = map[string]int{}, map[string]estimate{}
			for second := 1; second <= 40; second++ {
				now, kept := s.run(t, 1, incident())
				switch second {
				case 1:
					assert.LessOrEqual(t, len(kept), 154+noise, "over the budget by a third for each time that there is e times as much")
				case 2:
					assert.LessOrEqual(t, before+len(kept), 2*115+noise, "which the next ones make up for")
				default:
					assert.InDelta(t, allowed, len(kept), 0.1*allowed+noise, "second %d", second)
				}
				before += len(kept)
				for name, n := range now {
					made[name] += n
				}
				for name, e := range estimates(t, kept) {
					sum := estimated[name]
					estimated[name] = estimate{sum.kept + e.kept, sum.count + e.count, sum.variance + e.variance}
				}
				if second == 3 {
					t.Logf("first 3 s of the incident: %.0f kept per second", float64(before)/3)
					assertCounts(t, made, estimated)
				}
			}
			for _, name := range rare {
				assert.Equal(t, made[name], estimated[name].kept, "rare: %s", name)
			}
			t.Logf("all of the incident: %.1f kept per second", float64(before)/40)
			assert.InEpsilon(t, allowed, float64(before)/40, 0.1)
			assertCounts(t, made, estimated)
			for name := range made {
				t.Logf("%-20s made %6d kept %5d counted %8.1f ± %.1f", name, made[name], estimated[name].kept, estimated[name].count, math.Sqrt(estimated[name].variance))
			}
		})
	}
}

// assertCounts checks the counts estimated from kept traces, within four standard deviations.
func assertCounts(t *testing.T, made map[string]int, estimated map[string]estimate) {
	t.Helper()
	for name, n := range made {
		e := estimated[name]
		assert.InDelta(t, n, e.count, 4*math.Sqrt(e.variance)+1e-6, "%s: %d kept", name, e.kept)
	}
}
