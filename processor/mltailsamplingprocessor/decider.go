package mltailsamplingprocessor

import (
	"context"
	"maps"
	"math"
	"reflect"
	"slices"
	"sync"
	"time"

	tailsampling "github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/cache"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/buffer"
)

// decider is contrib's tail_sampling, which decides on the traces of a buffer.
//
// It gets one empty span for each trace to be decided and evaluates its policies at
// its next tick. Two policy extensions of ours take part in the decision:
//
//   - loader comes first, in a drop policy that never matches. It replaces the
//     empty span by the trace's own spans, so that every other policy, and what
//     is released, has those.
//   - recorder comes last in each policy: the policy becomes an `and` of itself
//     and of a recorder, which always matches and records the name.
//
// All of that runs in the one goroutine in which contrib decides.
type decider struct {
	processor.Traces
	buffer *buffer.Buffer
	logger *zap.Logger

	taken buffer.Taken
	// id is the trace that is being decided, and matched are the policies that have kept it so far.
	id      pcommon.TraceID
	loaded  bool
	matched []string
}

const (
	loaderName   = "buffer"
	loaderType   = "mltailsampling_loader"
	recorderType = "mltailsampling_recorder"
)

// traceStateGate has contrib write the probability of a probabilistic policy into the trace state.
const traceStateGate = "processor.tailsamplingprocessor.usetracestate"

// newDecider creates contrib's processor with the settings of cfg. What it keeps goes to next.
func newDecider(ctx context.Context, set processor.Settings, cfg *Config, h *buffer.Buffer, next consumer.Traces) (*decider, error) {
	j := &decider{buffer: h, logger: set.Logger}
	inner := cfg.Config
	// A trace is due when it comes here. One that has its root is decided at the next tick.
	inner.DecisionWait, inner.DecisionWaitAfterRootReceived = 0, time.Millisecond
	inner.NumTraces, inner.BlockOnOverflow, inner.MaximumTraceSizeBytes = math.MaxUint64, false, 0
	inner.PolicyCfgs = withRecorders(cfg.PolicyCfgs)
	inner.Options = append(slices.Clone(cfg.Options),
		tailsampling.WithSampledDecisionCache(&decisions{buffer: h, kept: true}),
		tailsampling.WithNonSampledDecisionCache(&decisions{buffer: h}),
		tailsampling.WithSampledHooks(j.kept),
	)
	inner.DecisionCache = tailsampling.DecisionCacheConfig{}

	factory := tailsampling.NewFactory()
	set.ID = component.NewIDWithName(factory.Type(), set.ID.Name())
	consumer, err := consumer.NewTraces(func(ctx context.Context, td ptrace.Traces) error {
		if td.ResourceSpans().Len() == 0 {
			return nil // exported while its decision was pending
		}
		return next.ConsumeTraces(ctx, td)
	})
	if err != nil {
		return nil, err
	}
	err = withTraceState(func() error {
		j.Traces, err = factory.CreateTraces(ctx, set, &inner, consumer)
		return err
	})
	return j, err
}

// Start starts contrib's processor with our policy extensions beside those of the host.
func (j *decider) Start(ctx context.Context, host component.Host) error {
	return withTraceState(func() error { return j.Traces.Start(ctx, policyHost{host, j}) })
}

// decide passes traces to the policies.
func (j *decider) decide(ctx context.Context, ids [][16]byte) {
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	spans.EnsureCapacity(len(ids))
	for _, id := range ids {
		spans.AppendEmpty().SetTraceID(id)
	}
	if err := j.ConsumeTraces(ctx, td); err != nil { // it never returns one
		j.logger.Error("tail_sampling refused traces", zap.Error(err))
	}
}

// load replaces the empty span of a trace by its own spans.
func (j *decider) load(id pcommon.TraceID, trace *samplingpolicy.TraceData) {
	j.id, j.matched = id, j.matched[:0]
	trace.ReceivedBatches = ptrace.NewTraces()
	if j.loaded = j.buffer.Take(id, &j.taken); !j.loaded {
		return
	}
	trace.SpanCount, trace.SizeBytes = j.taken.Spans, uint64(j.taken.Size)
	unmarshaler := ptrace.ProtoUnmarshaler{}
	td, err := unmarshaler.UnmarshalTraces(j.taken.Encoded)
	if err != nil { // what we have encoded can be decoded
		j.logger.Error("A waiting trace cannot be decoded and is dropped", zap.Stringer("trace", id), zap.Error(err))
		return
	}
	trace.ReceivedBatches = td
}

// kept notes on a trace by which policies it was kept.
func (j *decider) kept(_ context.Context, id pcommon.TraceID, trace *tailsampling.TraceData) {
	if !j.loaded || id != j.id {
		return
	}
	// Of a composite policy only the first one to match is known.
	if name := trace.PolicyName; name != "" && !slices.Contains(j.matched, name) {
		j.matched = append([]string{name}, j.matched...)
	}
	span, ok := rootOrFirst(trace.ReceivedBatches)
	if !ok || len(j.matched) == 0 {
		return
	}
	names := span.Attributes().PutEmptySlice(vocab.SamplingPolicies)
	names.EnsureCapacity(len(j.matched))
	for _, name := range j.matched {
		names.AppendEmpty().SetStr(name)
	}
}

// rootOrFirst returns the first span without a parent, or else the first one.
func rootOrFirst(td ptrace.Traces) (first ptrace.Span, ok bool) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if span.ParentSpanID().IsEmpty() {
					return span, true
				}
				if !ok {
					first, ok = span, true
				}
			}
		}
	}
	return first, ok
}

// withRecorders returns the policies with a loader ahead of them and a recorder in each.
func withRecorders(policies []tailsampling.PolicyCfg) []tailsampling.PolicyCfg {
	loader := tailsampling.PolicyCfg{}
	loader.Name, loader.Type = loaderName, tailsampling.Drop
	loader.DropCfg.SubPolicyCfg = []tailsampling.AndSubPolicyCfg{recorder(loaderName)}
	loader.DropCfg.SubPolicyCfg[0].Type = loaderType
	result := []tailsampling.PolicyCfg{loader}
	for _, p := range policies {
		switch p.Type {
		case tailsampling.Drop, tailsampling.Composite: // neither can be part of an `and`
		case tailsampling.And:
			p.AndCfg.SubPolicyCfg = append(slices.Clone(p.AndCfg.SubPolicyCfg), recorder(p.Name))
		default:
			wrapped := tailsampling.PolicyCfg{}
			wrapped.Name, wrapped.Type = p.Name, tailsampling.And
			wrapped.AndCfg.SubPolicyCfg = []tailsampling.AndSubPolicyCfg{subPolicy(&p), recorder(p.Name)}
			p = wrapped
		}
		result = append(result, p)
	}
	return result
}

func recorder(policy string) (r tailsampling.AndSubPolicyCfg) {
	r.Name, r.Type = policy, recorderType
	return r
}

// subPolicy returns a policy as a part of an `and`. The settings are those of a
// struct that contrib embeds in both and does not export; by reflection, those
// of later versions are copied too.
func subPolicy(p *tailsampling.PolicyCfg) (sub tailsampling.AndSubPolicyCfg) {
	from, to := reflect.ValueOf(p).Elem(), reflect.ValueOf(&sub).Elem()
	for _, field := range reflect.VisibleFields(to.Type()) {
		if field.IsExported() && !field.Anonymous {
			if same := from.FieldByName(field.Name); same.IsValid() {
				to.FieldByIndex(field.Index).Set(same)
			}
		}
	}
	return sub
}

// gates guards traceStateGate while it is switched.
var gates sync.Mutex

// withTraceState calls do with traceStateGate on. Contrib reads the gate when a
// processor is created and started, and only then; a tail_sampling beside ours
// keeps its own.
func withTraceState(do func() error) error {
	gates.Lock()
	defer gates.Unlock()
	registry := featuregate.GlobalRegistry()
	before := false
	registry.VisitAll(func(g *featuregate.Gate) {
		if g.ID() == traceStateGate {
			before = g.IsEnabled()
		}
	})
	if !before {
		if err := registry.Set(traceStateGate, true); err != nil {
			return err
		}
		defer func() { _ = registry.Set(traceStateGate, false) }()
	}
	return do()
}

// decisions is contrib's decision cache, backed by the buffer.
type decisions struct {
	buffer *buffer.Buffer
	kept   bool
}

var _ cache.Cache = (*decisions)(nil)

func (d *decisions) Get(id pcommon.TraceID) (cache.DecisionMetadata, bool) {
	kept, dropped := d.buffer.Decision(id)
	return cache.DecisionMetadata{}, d.kept && kept || !d.kept && dropped
}

func (d *decisions) Put(id pcommon.TraceID, _ cache.DecisionMetadata) { d.buffer.Decided(id, d.kept) }

// policyHost is a host with our policy extensions.
type policyHost struct {
	component.Host
	decider *decider
}

func (h policyHost) GetExtensions() map[component.ID]component.Component {
	extensions := maps.Clone(h.Host.GetExtensions())
	if extensions == nil {
		extensions = map[component.ID]component.Component{}
	}
	extensions[component.MustNewID(loaderType)] = policyExtension{evaluate: func(string) evaluator {
		return func(id pcommon.TraceID, trace *samplingpolicy.TraceData) samplingpolicy.Decision {
			h.decider.load(id, trace)
			return samplingpolicy.NotSampled
		}
	}}
	extensions[component.MustNewID(recorderType)] = policyExtension{evaluate: func(policy string) evaluator {
		return func(pcommon.TraceID, *samplingpolicy.TraceData) samplingpolicy.Decision {
			h.decider.matched = append(h.decider.matched, policy)
			return samplingpolicy.Sampled
		}
	}}
	return extensions
}

// policyExtension makes evaluators for the policy of a name.
type policyExtension struct {
	component.StartFunc
	component.ShutdownFunc
	evaluate func(policy string) evaluator
}

func (e policyExtension) NewEvaluator(policy string, _ map[string]any) (samplingpolicy.Evaluator, error) {
	return e.evaluate(policy), nil
}

type evaluator func(id pcommon.TraceID, trace *samplingpolicy.TraceData) samplingpolicy.Decision

func (e evaluator) Evaluate(_ context.Context, id pcommon.TraceID, trace *samplingpolicy.TraceData) (samplingpolicy.Decision, error) {
	return e(id, trace), nil
}

func (evaluator) IsStateful() bool { return false }
