package mltailsamplingprocessor

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tailsampling "github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// TestEquivalence sends the same random traffic under random policies through
// contrib's tail_sampling and through mltailsampling, and compares the spans
// that they let through. Limits on rates are left out: they depend on when, to
// the millisecond, a trace is looked at.
func TestEquivalence(t *testing.T) {
	const cases = 100
	var excluded atomic.Int64
	var all sync.WaitGroup
	for seed := range uint64(cases) {
		all.Go(func() { // not t.Parallel: the cases mostly wait, and all of them can at once
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 7))
				settings := randomSettings(random)
				onTime, afterwards, traces := randomTraffic(random)
				// A machine that stalls for half the decision wait makes spans late that were not meant to be.
				for !compare(t, settings, onTime, afterwards, traces, &excluded) {
					t.Log("sending took too long; once more")
				}
			})
		})
	}
	all.Wait()
	assert.Greater(t, excluded.Load(), int64(1000), "traces that were dropped undecoded, of 8,000")
}

// under is a processor and what it lets through.
type under struct {
	processor.Traces
	sink    *consumertest.TracesSink
	decided func() int64
}

func compare(t *testing.T, settings map[string]any, onTime, afterwards []ptrace.Traces, traces int64, excluded *atomic.Int64) bool {
	contribs, ours := newContrib(t, settings), newOurs(t, settings)
	start := time.Now()
	both := []under{contribs, ours}
	for _, u := range both {
		require.NoError(t, u.Start(t.Context(), componenttest.NewNopHost()))
		for _, td := range onTime {
			require.NoError(t, u.ConsumeTraces(t.Context(), clone(td)))
		}
	}
	fast := time.Since(start) < decisionWait/2
	for _, u := range both {
		if fast {
			require.Eventually(t, func() bool { return u.decided() == traces }, time.Minute, 10*time.Millisecond)
			for _, td := range afterwards {
				require.NoError(t, u.ConsumeTraces(t.Context(), clone(td)))
			}
		}
		require.NoError(t, u.Shutdown(context.Background()))
	}
	if fast {
		excluded.Add(ours.Traces.(*tailSampling).buffer.Stats().NoMatch.Load())
		want, got := spansOf(t, contribs.sink), spansOf(t, ours.sink)
		if !assert.Equal(t, want, got) {
			t.Log(settings)
		}
	}
	return fast
}

const decisionWait = 2 * time.Second

func newContrib(t *testing.T, settings map[string]any) under {
	u := under{sink: &consumertest.TracesSink{}}
	factory := tailsampling.NewFactory()
	cfg := factory.CreateDefaultConfig().(*tailsampling.Config)
	require.NoError(t, confmap.NewFromStringMap(settings).Unmarshal(cfg))
	var decided atomic.Int64
	count := func(context.Context, pcommon.TraceID, *tailsampling.TraceData) { decided.Add(1) }
	cfg.Options = append(cfg.Options, tailsampling.WithSampledHooks(count), tailsampling.WithNonSampledHooks(count))
	u.decided = decided.Load
	var err error
	require.NoError(t, withTraceState(func() error {
		u.Traces, err = factory.CreateTraces(context.Background(), processortest.NewNopSettings(factory.Type()), cfg, u.sink)
		return err
	}))
	// Policies are made at the start, so that has to see the gate as well.
	u.Traces = startsWithTraceState{u.Traces}
	return u
}

type startsWithTraceState struct{ processor.Traces }

func (s startsWithTraceState) Start(ctx context.Context, host component.Host) error {
	return withTraceState(func() error { return s.Traces.Start(ctx, host) })
}

func newOurs(t *testing.T, settings map[string]any) under {
	u := under{sink: &consumertest.TracesSink{}}
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(settings).Unmarshal(cfg))
	require.NoError(t, cfg.Validate())
	p, err := newProcessor(context.Background(), processortest.NewNopSettings(NewFactory().Type()), cfg, u.sink)
	require.NoError(t, err)
	u.Traces = p
	s := p.buffer.Stats()
	u.decided = func() int64 { return s.Kept.Load() + s.NotKept.Load() + s.NoMatch.Load() }
	return u
}

func clone(td ptrace.Traces) ptrace.Traces {
	c := ptrace.NewTraces()
	td.CopyTo(c)
	return c
}

// spansOf returns every span with its resource and scope as JSON, sorted.
func spansOf(t *testing.T, sink *consumertest.TracesSink) (spans []string) {
	marshaler := ptrace.JSONMarshaler{}
	for _, td := range sink.AllTraces() {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					one := ptrace.NewTraces()
					r := one.ResourceSpans().AppendEmpty()
					rs.Resource().CopyTo(r.Resource())
					s := r.ScopeSpans().AppendEmpty()
					ss.Scope().CopyTo(s.Scope())
					to := s.Spans().AppendEmpty()
					span.CopyTo(to)
					to.Attributes().Remove(vocab.SamplingPolicies)
					text, err := marshaler.MarshalTraces(one)
					require.NoError(t, err)
					spans = append(spans, string(text))
				}
			}
		}
	}
	slices.Sort(spans)
	return spans
}

// What attributes, services and states the traffic has, and the policies name.
var (
	keys     = []string{"ml.signal.revalidated", "ml.signal.queue_bound", "ml.stage", "http.route", "attempts", "service.name"}
	texts    = []string{"training", "inference", "/predict", "/features", "a", "true", ""}
	states   = []string{"", "vendor=x", "ot=th:8", "ot=rv:ffffffffffffff", "vendor=y,ot=th:c;rv:11111111111111", "not a state"}
	statuses = []string{"ERROR", "OK", "UNSET"}
)

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

func randomSettings(random *rand.Rand) map[string]any {
	var policies []any
	for i := range 1 + random.IntN(5) {
		name := fmt.Sprintf("policy %d", i)
		var p map[string]any
		switch random.IntN(10) {
		case 0, 1:
			p = map[string]any{"type": "and", "and": map[string]any{"and_sub_policy": randomParts(random)}}
		case 2:
			p = map[string]any{"type": "drop", "drop": map[string]any{"drop_sub_policy": randomParts(random)}}
		case 3:
			p = map[string]any{"type": "not", "not": map[string]any{"not_sub_policy": randomLeaf(random, "sub")}}
		default:
			p = randomLeaf(random, name)
		}
		p["name"] = name
		policies = append(policies, p)
	}
	settings := map[string]any{"decision_wait": decisionWait, "policies": policies, "sample_on_first_match": random.IntN(4) == 0}
	if random.IntN(2) == 0 {
		settings["decision_cache"] = map[string]any{"sampled_cache_size": 1000, "non_sampled_cache_size": 1000}
	}
	return settings
}

func randomParts(random *rand.Rand) (parts []any) {
	for i := range 1 + random.IntN(3) {
		name := fmt.Sprintf("part %d", i)
		p := randomLeaf(random, name)
		if random.IntN(4) == 0 {
			p = map[string]any{"name": name, "type": "not", "not": map[string]any{"not_sub_policy": p}}
		}
		parts = append(parts, p)
	}
	return parts
}

func randomLeaf(random *rand.Rand, name string) map[string]any {
	key, invert := pick(random, keys), random.IntN(4) == 0
	settings := []func() (string, map[string]any){
		func() (string, map[string]any) {
			return "boolean_attribute", map[string]any{"key": key, "value": random.IntN(4) > 0, "invert_match": invert}
		},
		func() (string, map[string]any) {
			return "string_attribute", map[string]any{"key": key, "values": []any{pick(random, texts), pick(random, texts)}, "invert_match": invert}
		},
		func() (string, map[string]any) {
			return "string_attribute", map[string]any{"key": key, "values": []any{"^/pre", "ing$"}, "enabled_regex_matching": true, "invert_match": invert}
		},
		func() (string, map[string]any) {
			return "numeric_attribute", map[string]any{"key": key, "min_value": random.IntN(5) - 2, "max_value": 1 + random.IntN(4), "invert_match": invert}
		},
		func() (string, map[string]any) {
			return "latency", map[string]any{"threshold_ms": random.IntN(1500) - 1, "upper_threshold_ms": random.IntN(2) * 1600}
		},
		func() (string, map[string]any) {
			return "probabilistic", map[string]any{"sampling_percentage": pick(random, []float64{0, 3, 50, 100}), "hash_salt": pick(random, []string{"", "salt"})}
		},
		func() (string, map[string]any) {
			return "status_code", map[string]any{"status_codes": []any{pick(random, statuses)}}
		},
		func() (string, map[string]any) {
			return "span_count", map[string]any{"min_spans": random.IntN(12), "max_spans": random.IntN(2) * 12}
		},
		func() (string, map[string]any) {
			return "trace_state", map[string]any{"key": "vendor", "values": []any{"x"}}
		},
		func() (string, map[string]any) {
			return "ottl_condition", map[string]any{"error_mode": "ignore", "span": []any{`IsRootSpan() and name == "span 1"`}}
		},
		func() (string, map[string]any) { return "trace_flags", nil },
	}
	if random.IntN(20) == 0 {
		return map[string]any{"name": name, "type": "always_sample"}
	}
	kind, of := pick(random, settings)()
	p := map[string]any{"name": name, "type": kind}
	if of != nil {
		p[kind] = of
	}
	return p
}

// randomTraffic returns batches whose spans, of many traces, services and
// scopes, are in any order, some of them twice, and spans that come after the
// decision.
func randomTraffic(random *rand.Rand) (onTime, afterwards []ptrace.Traces, traces int64) {
	const count = 80
	var first, last []source
	for i := range count {
		var id pcommon.TraceID
		binary.BigEndian.PutUint64(id[8:], random.Uint64())
		if random.IntN(3) > 0 {
			binary.BigEndian.PutUint64(id[:8], random.Uint64())
		}
		spans := 1 + random.IntN(12)
		for n := range spans {
			s := randomSpan(random, id, i, n)
			if n > 0 && random.IntN(12) == 0 {
				last = append(last, s)
			} else {
				first = append(first, s)
			}
		}
	}
	return batches(random, first), batches(random, last), count
}

// source is a span and where it is from.
type source struct {
	service, scope int
	span           ptrace.Span
}

func randomSpan(random *rand.Rand, id pcommon.TraceID, trace, n int) source {
	span := ptrace.NewSpan()
	span.SetTraceID(id)
	span.SetSpanID(pcommon.SpanID{byte(trace + 1), byte(n + 1), 1})
	if n > 0 {
		span.SetParentSpanID(pcommon.SpanID{byte(trace + 1), 1, 1})
	}
	span.SetName(fmt.Sprintf("span %d", n))
	base := uint64(1_700_000_000_000_000_000)
	start := base + uint64(random.IntN(800))*1_000_000
	end := start + uint64(random.IntN(1_000_000_000))
	switch random.IntN(60) {
	case 0:
		start = 0
	case 1:
		end = ^uint64(0)
	case 2:
		start, end = end, start
	}
	span.SetStartTimestamp(pcommon.Timestamp(start))
	span.SetEndTimestamp(pcommon.Timestamp(end))
	span.Status().SetCode(pick(random, []ptrace.StatusCode{ptrace.StatusCodeUnset, ptrace.StatusCodeUnset, ptrace.StatusCodeOk, ptrace.StatusCodeError}))
	if random.IntN(3) == 0 {
		span.TraceState().FromRaw(pick(random, states))
	}
	span.SetFlags(uint32(random.IntN(8) / 7))
	for range random.IntN(4) {
		randomAttribute(random, span.Attributes())
	}
	span.Attributes().PutEmptyBytes("payload").FromRaw([]byte{0, 1, byte(random.IntN(256))})
	if random.IntN(4) == 0 {
		event := span.Events().AppendEmpty()
		event.SetName("event")
		event.Attributes().PutEmptySlice("values").AppendEmpty().SetDouble(1.5)
	}
	return source{random.IntN(4), random.IntN(2), span}
}

func randomAttribute(random *rand.Rand, to pcommon.Map) {
	key := pick(random, keys)
	switch random.IntN(5) {
	case 0:
		to.PutBool(key, random.IntN(2) == 0)
	case 1:
		to.PutInt(key, int64(random.IntN(7)-2))
	case 2:
		to.PutDouble(key, 2.5)
	default:
		to.PutStr(key, pick(random, texts))
	}
}

// batches puts spans into batches in random order, and some batches in twice.
func batches(random *rand.Rand, spans []source) (all []ptrace.Traces) {
	random.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
	for len(spans) > 0 {
		n := min(1+random.IntN(60), len(spans))
		td := ptrace.NewTraces()
		byService := map[int]ptrace.ResourceSpans{}
		byScope := map[[2]int]ptrace.ScopeSpans{}
		for _, s := range spans[:n] {
			rs, ok := byService[s.service]
			if !ok {
				rs = td.ResourceSpans().AppendEmpty()
				rs.SetSchemaUrl(strings.Repeat("s", s.service))
				rs.Resource().Attributes().PutStr("service.name", fmt.Sprintf("service %d", s.service))
				if s.service == 3 {
					rs.Resource().Attributes().PutStr("ml.stage", "training")
				}
				byService[s.service] = rs
			}
			ss, ok := byScope[[2]int{s.service, s.scope}]
			if !ok {
				ss = rs.ScopeSpans().AppendEmpty()
				ss.Scope().SetName(fmt.Sprintf("scope %d", s.scope))
				ss.SetSchemaUrl("schema")
				byScope[[2]int{s.service, s.scope}] = ss
			}
			s.span.CopyTo(ss.Spans().AppendEmpty())
		}
		spans = spans[n:]
		all = append(all, td)
		if random.IntN(8) == 0 {
			all = append(all, clone(td))
		}
	}
	return all
}
