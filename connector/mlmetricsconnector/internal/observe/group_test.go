package observe

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/recent"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// TestAlikeSpansAreToldApart sends pairs of spans of which the second differs from the one that followed last time in
// one thing only, so that a group that was guessed wrongly would show.
func TestAlikeSpansAreToldApart(t *testing.T) {
	metrics := everyKind()
	for name, change := range map[string]func(ptrace.Span){
		"status":             func(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError) },
		"kind":               func(s ptrace.Span) { s.SetKind(ptrace.SpanKindClient) },
		"name":               func(s ptrace.Span) { s.SetName("Second") },
		"name of one letter": func(s ptrace.Span) { s.SetName("s") },
		"attribute more":     func(s ptrace.Span) { s.Attributes().PutStr(vocab.ModelName, "m") },
		"attribute less":     func(s ptrace.Span) { s.Attributes().Remove(vocab.Stage) },
		"attribute instead": func(s ptrace.Span) {
			s.Attributes().Remove(vocab.Stage)
			s.Attributes().PutStr(vocab.ModelName, vocab.StageInference)
		},
		"attribute's value": func(s ptrace.Span) { s.Attributes().PutStr(vocab.Stage, vocab.StageTraining) },
		"attribute's type":  func(s ptrace.Span) { s.Attributes().PutInt(vocab.Stage, 7) },
		"empty attribute":   func(s ptrace.Span) { s.Attributes().PutStr(vocab.Stage, "") },
		"empty key":         func(s ptrace.Span) { s.Attributes().PutStr("", "training") },
	} {
		t.Run(name, func(t *testing.T) {
			a, r := newAggregate(compile(metrics), settings{}), newReference(metrics)
			for _, changed := range []bool{false, false, true, false, true, true} {
				td := spansNamed("first", "second")
				td.ResourceSpans().At(0).Resource().Attributes().PutStr(vocab.PipelineName, "p")
				if changed {
					change(td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(1))
				}
				a.observers[0].consume(td, a.now())
				r.consume(td)
			}
			r.requireFlush(t, flush(t, a))
			r.requireFlush(t, flush(t, a))
		})
	}
}

func TestResourcesAreToldApart(t *testing.T) {
	metrics := everyKind()
	a, r := newAggregate(compile(metrics), settings{}), newReference(metrics)
	for _, attributes := range []map[string]any{
		{vocab.ServiceName: "a"}, {vocab.ServiceName: "b"}, {}, {vocab.ServiceName: "a", vocab.PipelineName: "p"},
		{vocab.ServiceName: "a", vocab.DeploymentEnvironment: "x"}, {vocab.ServiceName: "a", vocab.DeploymentEnvironmentName: "x"},
		{vocab.DeploymentEnvironment: "a"}, {vocab.ServiceName: 7}, {vocab.ServiceName: true}, {"acme.rack": 7},
	} {
		for range 2 {
			td := spansNamed("span", "span")
			require.NoError(t, td.ResourceSpans().At(0).Resource().Attributes().FromRaw(attributes))
			a.observers[0].consume(td, a.now())
			r.consume(td)
		}
	}
	r.requireFlush(t, flush(t, a))
	r.requireFlush(t, flush(t, a))
}

// TestFullCachesChangeNothing sends more resources and groups than an observer remembers, with numbers among the
// labels, and goes on with those that were forgotten.
func TestFullCachesChangeNothing(t *testing.T) {
	metrics := slices.DeleteFunc(everyKind(), func(m metric.Definition) bool {
		return !slices.Contains([]string{"duration_ms", "ml.cold_starts", vocab.BatchSize, "acme.rack"}, m.Name)
	})
	for _, flushes := range []int{0, 3} {
		a, r := newAggregate(compile(metrics), settings{}), newReference(metrics)
		s := a.observers[0]
		send := func(i int) {
			td := spansNamed("span", "another")
			attributes := td.ResourceSpans().At(0).Resource().Attributes()
			attributes.PutInt(vocab.ServiceName, int64(1000+i%4))
			attributes.PutInt("acme.rack", int64(i))
			for j, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
				span.Attributes().PutInt(vocab.ModelVersion, int64(i%3+j))
				span.Attributes().PutInt(vocab.BatchSize, int64(i%50))
				span.Attributes().PutBool(vocab.SignalColdStart, true)
				span.Attributes().PutInt(vocab.ColdStartComponent, int64(i%2))
				span.SetEndTimestamp(span.StartTimestamp() + pcommon.Timestamp(i)*1e6)
			}
			s.consume(td, a.now())
			r.consume(td)
		}
		next := 0
		for range flushes + 1 {
			for range maxResources + 10 {
				send(next)
				next++
			}
			for i := range 20 {
				send(next - 1 - i)
			}
			if flushes > 0 {
				r.requireFlush(t, flush(t, a))
			}
		}
		require.LessOrEqual(t, s.caches.resources.Len(), 2*maxResources)
		r.requireFlush(t, flush(t, a))
		r.requireFlush(t, flush(t, a))
	}
}

// TestRetiredAccumulatorsAreNotUsed has a cache of two groups, from which others are dropped and whose series expire
// meanwhile: nothing may be added to an accumulator that no flush looks at.
func TestRetiredAccumulatorsAreNotUsed(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		clock := newFakeClock()
		a := newAggregate(calls(), settings{Delta: true, Expiration: 40 * time.Second, Now: clock.Now})
		s := a.observers[0]
		s.caches.groups = recent.New[uint64, *group](2, 0)
		sent, counted := map[string]int64{}, map[string]int64{}
		count := func() {
			clock.advance(15 * time.Second)
			each(flush(t, a), func(m pmetric.Metric) {
				for _, dp := range m.Sum().DataPoints().All() {
					name, _ := dp.Attributes().Get("span")
					counted[name.Str()] += dp.IntValue()
				}
			})
		}
		for range 400 {
			var names []string
			for range r.IntN(4) {
				name := []string{"a", "b", "c", "d"}[r.IntN(4)]
				names = append(names, name)
				sent[name]++
			}
			s.consume(spansNamed(names...), a.now())
			if r.IntN(2) == 0 {
				continue
			}
			count()
		}
		count()
		require.Equal(t, sent, counted)
	}
}
