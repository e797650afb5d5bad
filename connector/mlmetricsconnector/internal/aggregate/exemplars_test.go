package aggregate

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/catalogue"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/exemplar"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// everything keeps every trace.
func everything() *exemplar.Rules {
	return &exemplar.Rules{Percentage: 100, DecisionWait: 10 * time.Second}
}

// shipped are the rules of otelcol.yaml.
func shipped() *exemplar.Rules {
	return &exemplar.Rules{
		Signals: vocab.Signals, Stages: []string{vocab.StageTraining}, Errors: true,
		Latency: 800 * time.Millisecond, Percentage: 3, DecisionWait: 10 * time.Second,
	}
}

func traceID(n uint64) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// sampledID and droppedID are the first trace IDs that the probabilistic policy of the rules keeps and drops.
func sampledID(r *exemplar.Rules, sampled bool) pcommon.TraceID {
	h := exemplar.NewHash(r)
	for n := uint64(1); ; n++ {
		if h.Keeps(traceID(n)) == sampled {
			return traceID(n)
		}
	}
}

type exemplarPoint struct {
	metric   string
	exemplar pmetric.Exemplar
}

func exemplars(metrics pmetric.Metrics) (out []exemplarPoint) {
	add := func(name string, list pmetric.ExemplarSlice) {
		for _, e := range list.All() {
			out = append(out, exemplarPoint{name, e})
		}
	}
	if metrics.ResourceMetrics().Len() == 0 {
		return nil
	}
	for _, m := range metrics.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		switch m.Type() {
		case pmetric.MetricTypeHistogram:
			for _, dp := range m.Histogram().DataPoints().All() {
				add(m.Name(), dp.Exemplars())
			}
		case pmetric.MetricTypeExponentialHistogram:
			for _, dp := range m.ExponentialHistogram().DataPoints().All() {
				add(m.Name(), dp.Exemplars())
			}
		case pmetric.MetricTypeSum:
			for _, dp := range m.Sum().DataPoints().All() {
				add(m.Name(), dp.Exemplars())
			}
		}
	}
	return out
}

// ended adds a span that ended just now.
func ended(td ptrace.Traces, clock *fakeClock, id pcommon.TraceID, took time.Duration) ptrace.Span {
	if td.ResourceSpans().Len() == 0 {
		td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	}
	span := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().AppendEmpty()
	span.SetTraceID(id)
	span.SetSpanID(pcommon.SpanID{1})
	span.SetName("predict")
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(clock.Now().Add(-took)))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(clock.Now()))
	span.Attributes().PutStr(vocab.Stage, vocab.StageInference)
	return span
}

func TestExemplarsPointAtKeptTracesOnly(t *testing.T) {
	rules := shipped()
	dropped, sampled := sampledID(rules, false), sampledID(rules, true)
	late := func(s ptrace.Span) {
		s.SetStartTimestamp(s.StartTimestamp() - 20e9)
		s.SetEndTimestamp(s.EndTimestamp() - 20e9)
	}
	for name, tc := range map[string]struct {
		id     pcommon.TraceID
		took   time.Duration
		change func(ptrace.Span)
		kept   bool
	}{
		"ordinary":             {dropped, time.Second / 10, nil, false},
		"sampled":              {sampled, time.Second / 10, nil, true},
		"signal":               {dropped, time.Second / 10, func(s ptrace.Span) { s.Attributes().PutBool(vocab.SignalQueueBound, true) }, true},
		"signal that is false": {dropped, time.Second / 10, func(s ptrace.Span) { s.Attributes().PutBool(vocab.SignalQueueBound, false) }, false},
		"unknown signal":       {dropped, time.Second / 10, func(s ptrace.Span) { s.Attributes().PutBool("ml.signal.other", true) }, false},
		"error":                {dropped, time.Second / 10, func(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError) }, true},
		"ok":                   {dropped, time.Second / 10, func(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeOk) }, false},
		"training":             {dropped, time.Second / 10, func(s ptrace.Span) { s.Attributes().PutStr(vocab.Stage, vocab.StageTraining) }, true},
		"at the threshold":     {dropped, 800 * time.Millisecond, nil, false},
		"over by part of a ms": {dropped, 800*time.Millisecond + 999*time.Microsecond, nil, false},
		"over the threshold":   {dropped, 801 * time.Millisecond, nil, true},
		"late error":           {dropped, time.Second / 10, func(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError); late(s) }, false},
		"late and sampled":     {sampled, time.Second / 10, late, true},
		"longer than the wait": {dropped, 11 * time.Second, nil, false},
		"no trace ID":          {pcommon.TraceID{}, time.Second, nil, false},
		"start in the future": {dropped, time.Second / 10, func(s ptrace.Span) {
			s.Status().SetCode(ptrace.StatusCodeError)
			s.SetStartTimestamp(s.EndTimestamp() + 5)
		}, true},
		"error and no timestamp": {dropped, 0, func(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError); s.SetStartTimestamp(0) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newFakeClock()
			a := New(plan.Compile(catalogue.Metrics(), rules.Signals...), Options{Exemplars: rules, Now: clock.Now})
			td := ptrace.NewTraces()
			span := ended(td, clock, tc.id, tc.took)
			if tc.change != nil {
				tc.change(span)
			}
			a.Consume(td)
			require.Empty(t, exemplars(flush(t, a)), "a point at zero has none")
			got := exemplars(flush(t, a))
			if !tc.kept {
				require.Empty(t, got)
				return
			}
			require.NotEmpty(t, got)
			for _, e := range got {
				require.Equal(t, tc.id, e.exemplar.TraceID())
				require.Equal(t, pcommon.SpanID{1}, e.exemplar.SpanID())
				require.Equal(t, pcommon.NewTimestampFromTime(clock.Now()), e.exemplar.Timestamp())
			}
			require.Empty(t, exemplars(flush(t, a)), "each is exported once")
		})
	}
}

func TestExemplarsAreTheSlowestAndBounded(t *testing.T) {
	rules := shipped()
	rules.Latency = 0
	rules.Percentage = 50
	clock := newFakeClock()
	a := New(plan.Compile(catalogue.Metrics(), rules.Signals...), Options{Exemplars: rules, Now: clock.Now})
	r := rand.New(rand.NewPCG(1, 2))
	hash := exemplar.NewHash(rules)
	var slowestSampled, slowestMarked time.Duration
	for range 20 {
		td := ptrace.NewTraces()
		for range 100 {
			id, took := traceID(r.Uint64()), time.Duration(r.IntN(5000))*time.Millisecond
			s := ended(td, clock, id, took)
			if r.IntN(300) == 0 {
				s.Status().SetCode(ptrace.StatusCodeError)
				s.SetName("failed")
				slowestMarked = max(slowestMarked, took)
			} else if hash.Keeps(id) {
				slowestSampled = max(slowestSampled, took)
			}
		}
		a.Consume(td)
	}
	flush(t, a)
	got := flush(t, a)
	for _, m := range got.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() != "duration_ms" {
			continue
		}
		require.Equal(t, 2, m.Histogram().DataPoints().Len())
		for _, dp := range m.Histogram().DataPoints().All() {
			name, _ := dp.Attributes().Get("span.name")
			require.LessOrEqual(t, dp.Exemplars().Len(), exemplar.PerSeries)
			buckets, largest := map[int]bool{}, 0.0
			for _, e := range dp.Exemplars().All() {
				bucket := 0
				for bucket < dp.ExplicitBounds().Len() && e.DoubleValue() > dp.ExplicitBounds().At(bucket) {
					bucket++
				}
				require.False(t, buckets[bucket], "one for each bucket")
				buckets[bucket] = true
				largest = max(largest, e.DoubleValue())
			}
			expected := slowestSampled
			if name.Str() == "failed" {
				expected = slowestMarked
			}
			require.Equal(t, float64(expected.Milliseconds()), largest)
			require.Len(t, buckets, exemplar.PerSeries)
		}
	}
}

func TestMarkedBeforeSampled(t *testing.T) {
	rules := shipped()
	clock := newFakeClock()
	a := New(calls(), Options{Exemplars: rules, Now: clock.Now})
	for i := range 5 {
		td := ptrace.NewTraces()
		ended(td, clock, sampledID(rules, true), time.Duration(500+i)*time.Millisecond)
		if i == 2 {
			s := ended(td, clock, sampledID(rules, false), 10*time.Millisecond)
			s.Status().SetCode(ptrace.StatusCodeError)
		}
		a.Consume(td)
	}
	flush(t, a)
	got := exemplars(flush(t, a))
	require.Len(t, got, 1)
	require.Equal(t, sampledID(rules, false), got[0].exemplar.TraceID(), "the error, though it was faster")
}
