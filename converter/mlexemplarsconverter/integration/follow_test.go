package integration

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector"
	"github.com/otelcol-ml/otelcol-ml/converter/mlexemplarsconverter"
	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension"
)

type m = map[string]any

var (
	signals = []string{"queue_bound", "high_queue_wait", "feature_cascade", "features_unavailable", "revalidated", "cold_start"}
	stages  = []string{"request", "inference", "post_processing", "training", "evaluation"}
	codes   = []string{"OK", "ERROR", "UNSET"}
)

// TestEveryExemplarIsKept draws policies, has the converter make rules of them, and sends the same random traces to
// both: every trace that an exemplar points at is kept by every sampler.
func TestEveryExemplarIsKept(t *testing.T) {
	const rounds, traces = 300, 100
	exemplars := 0
	for seed := range uint64(rounds) {
		d := draw{rand.New(rand.NewPCG(seed, 5))}
		conf := d.config()
		require.NoError(t, mlexemplarsconverter.NewFactory().Create(confmap.ConverterSettings{Logger: zap.NewNop()}).Convert(t.Context(), conf))

		var sent []ptrace.Traces
		for i := range traces {
			sent = append(sent, d.trace(i)...)
		}
		pointed := pointedAt(t, conf, sent)
		exemplars += len(pointed)
		for _, sampler := range samplers(conf) {
			kept := keptBy(t, conf, sampler, sent)
			for id, span := range pointed {
				require.True(t, kept[id], "seed %d: an exemplar points at a trace that %s drops\nspan: %s\npolicies: %v\nrules: %v",
					seed, sampler, span, conf.Get("processors::"+sampler), conf.Get("connectors::mlmetrics"))
			}
		}
	}
	require.Greater(t, exemplars, rounds*traces/10, "there are exemplars to speak of")
}

type draw struct{ *rand.Rand }

func one[T any](d draw, of ...T) T { return of[d.IntN(len(of))] }

func some(d draw, of []string) []any {
	var drawn []any
	for _, s := range of {
		if d.IntN(3) == 0 {
			drawn = append(drawn, s)
		}
	}
	return append(drawn, one(d, of...))
}

// config is a pipeline with mlmetrics and, behind it, one sampler or two.
func (d draw) config() *confmap.Conf {
	processors, pipelines := m{}, m{"traces": m{"receivers": []any{"otlp"}, "exporters": []any{"mlmetrics", "forward"}}}
	for i := range 1 + d.IntN(2) {
		name := fmt.Sprintf("tail_sampling/%d", i)
		var policies []any
		for j := range 1 + d.IntN(4) {
			policies = append(policies, d.policy(fmt.Sprint(j), true))
		}
		processors[name] = m{"decision_wait": "1h", "policies": policies} // decided at shutdown
		pipelines[fmt.Sprintf("traces/%d", i)] = m{"receivers": []any{"forward"}, "processors": []any{name}, "exporters": []any{"debug"}}
	}
	return confmap.NewFromStringMap(m{
		"connectors": m{"mlmetrics": m{}, "forward": m{}},
		"processors": processors,
		"extensions": m{"ml_sampling": m{"budget": 1, "keep_all": some(d, append([]string{"training", "error", "slow"}, signals...))}},
		"service":    m{"pipelines": pipelines},
	})
}

func (d draw) policy(name string, top bool) m {
	p := m{"name": name}
	types := []string{
		"latency", "latency", "status_code", "boolean_attribute", "boolean_attribute", "string_attribute", "probabilistic",
		"rate_limiting", "span_count", "ml_sampling", "always_sample",
	}
	if top {
		types = append(types, "and", "and", "not", "composite")
	}
	kind := one(d, types...)
	p["type"] = kind
	switch kind {
	case "latency":
		p[kind] = m{"threshold_ms": one(d, 0, 200, 500, 900), "upper_threshold_ms": one(d, 0, 0, 1000)}
	case "status_code":
		p[kind] = m{"status_codes": some(d, codes)}
	case "boolean_attribute":
		p[kind] = m{"key": "ml.signal." + one(d, signals...), "value": d.IntN(4) > 0, "invert_match": d.IntN(4) == 0}
	case "string_attribute":
		p[kind] = m{
			"key": one(d, "ml.stage", "ml.stage", "service.name"), "values": some(d, append([]string{"^t", "e"}, stages...)),
			"enabled_regex_matching": d.IntN(3) == 0, "invert_match": d.IntN(4) == 0,
		}
	case "probabilistic":
		p[kind] = m{"sampling_percentage": one(d, 0.0, 5, 30, 100), "hash_salt": one(d, "", "pepper")}
	case "rate_limiting":
		p[kind] = m{"spans_per_second": 10}
	case "span_count":
		p[kind] = m{"min_spans": 3}
	case "and":
		p[kind] = m{"and_sub_policy": d.policies()}
	case "not":
		p[kind] = m{"not_sub_policy": d.policy("n", false)}
	case "composite":
		p[kind] = m{"max_total_spans_per_second": 10, "composite_sub_policy": d.policies()}
	}
	return p
}

func (d draw) policies() []any {
	var list []any
	for i := range 1 + d.IntN(3) {
		list = append(list, d.policy(fmt.Sprintf("s%d", i), false))
	}
	return list
}

// trace has up to four spans, in a batch each.
func (d draw) trace(n int) []ptrace.Traces {
	var id pcommon.TraceID
	for i := range id {
		id[i] = byte(d.Uint32())
	}
	var batches []ptrace.Traces
	began := time.Now().Add(-3 * time.Second)
	for i := range 1 + d.IntN(4) {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", one(d, stages...))
		span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetName(fmt.Sprintf("span %d of %d", i, n)) // a series of its own
		span.SetTraceID(id)
		span.SetSpanID(pcommon.SpanID{byte(i + 1)})
		start := began.Add(time.Duration(d.IntN(300)) * time.Millisecond)
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(start.Add(time.Duration(d.ExpFloat64() * 3e8))))
		span.Attributes().PutStr("ml.stage", one(d, stages...))
		if d.IntN(5) == 0 {
			span.Attributes().PutBool("ml.signal."+one(d, signals...), d.IntN(4) > 0)
		}
		span.Status().SetCode(one(d, ptrace.StatusCodeUnset, ptrace.StatusCodeUnset, ptrace.StatusCodeOk, ptrace.StatusCodeError))
		batches = append(batches, td)
	}
	return batches
}

// pointedAt returns the traces of mlmetrics' exemplars, and a span of each.
func pointedAt(t *testing.T, conf *confmap.Conf, sent []ptrace.Traces) map[pcommon.TraceID]string {
	t.Helper()
	factory := mlmetricsconnector.NewFactory()
	config := factory.CreateDefaultConfig()
	sub, err := conf.Sub("connectors::mlmetrics")
	require.NoError(t, err)
	require.True(t, sub.IsSet("exemplars::sampling_percentage"), "the converter has been here")
	require.NoError(t, sub.Unmarshal(config))
	require.NoError(t, config.(*mlmetricsconnector.Config).Validate())

	sink := &consumertest.MetricsSink{}
	c, err := factory.CreateTracesToMetrics(t.Context(), connectortest.NewNopSettings(factory.Type()), config, sink)
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context(), componenttest.NewNopHost()))
	for _, td := range sent {
		require.NoError(t, c.ConsumeTraces(t.Context(), td))
	}
	require.NoError(t, c.Shutdown(t.Context()))

	names := map[pcommon.TraceID]string{}
	for _, td := range sent {
		span := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
		names[span.TraceID()] += fmt.Sprintf("%v, %v, %v; ", span.EndTimestamp().AsTime().Sub(span.StartTimestamp().AsTime()), span.Status().Code(), span.Attributes().AsRaw())
	}
	pointed := map[pcommon.TraceID]string{}
	add := func(exemplars pmetric.ExemplarSlice) {
		for _, e := range exemplars.All() {
			pointed[e.TraceID()] = names[e.TraceID()]
		}
	}
	for _, md := range sink.AllMetrics() {
		for _, rm := range md.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, metric := range sm.Metrics().All() {
					switch metric.Type() {
					case pmetric.MetricTypeHistogram:
						for _, point := range metric.Histogram().DataPoints().All() {
							add(point.Exemplars())
						}
					case pmetric.MetricTypeSum:
						for _, point := range metric.Sum().DataPoints().All() {
							add(point.Exemplars())
						}
					}
				}
			}
		}
	}
	return pointed
}

func samplers(conf *confmap.Conf) []string {
	return slices.Sorted(maps.Keys(conf.Get("processors").(map[string]any)))
}

type host struct {
	component.Host
	extensions map[component.ID]component.Component
}

func (h host) GetExtensions() map[component.ID]component.Component { return h.extensions }

// keptBy returns the traces that a sampler keeps.
func keptBy(t *testing.T, conf *confmap.Conf, name string, sent []ptrace.Traces) map[pcommon.TraceID]bool {
	t.Helper()
	extensions := mlsamplingextension.NewFactory()
	settings, err := conf.Sub("extensions::ml_sampling")
	require.NoError(t, err)
	extensionConfig := extensions.CreateDefaultConfig()
	require.NoError(t, settings.Unmarshal(extensionConfig))
	adaptive, err := extensions.Create(t.Context(), extensiontest.NewNopSettings(extensions.Type()), extensionConfig)
	require.NoError(t, err)

	factory := tailsamplingprocessor.NewFactory()
	config := factory.CreateDefaultConfig()
	sub, err := conf.Sub("processors::" + name)
	require.NoError(t, err)
	require.NoError(t, sub.Unmarshal(config))
	sink := &consumertest.TracesSink{}
	p, err := factory.CreateTraces(t.Context(), processortest.NewNopSettings(factory.Type()), config, sink)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), host{componenttest.NewNopHost(), map[component.ID]component.Component{component.NewID(extensions.Type()): adaptive}}))
	for _, td := range sent {
		require.NoError(t, p.ConsumeTraces(t.Context(), td))
	}
	require.NoError(t, p.Shutdown(t.Context()))
	require.NoError(t, adaptive.Shutdown(t.Context()))

	kept := map[pcommon.TraceID]bool{}
	for _, td := range sink.AllTraces() {
		for _, rs := range td.ResourceSpans().All() {
			kept[rs.ScopeSpans().At(0).Spans().At(0).TraceID()] = true
		}
	}
	return kept
}
