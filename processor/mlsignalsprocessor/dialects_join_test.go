package mlsignalsprocessor

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// The spans of a request reach the collector in any order and in batches of
// their own. Each value of a join must come out once, whatever the order.
func TestJoinsAcrossBatches(t *testing.T) {
	for _, tc := range []struct {
		file  string
		joins int64
		want  map[string][]float64 // the values over all spans, ascending
	}{
		{"triton/parent_first", 2, map[string][]float64{
			vocab.QueueWait:         {2, 400},
			vocab.ForwardPass:       {11.9, 25},
			vocab.QueueComputeRatio: {2 / 11.9, 16},
		}},
		{"triton/batch", 2, map[string][]float64{
			vocab.QueueWait:         {4.95, 49.95},
			vocab.ForwardPass:       {30, 30},
			vocab.QueueComputeRatio: {0.165, 1.665},
		}},
		{"sglang/wait_first", 2, map[string][]float64{
			vocab.QueueWait:         {6.5, 430.25},
			vocab.ForwardPass:       {52, 55, 900, 1200},
			vocab.QueueComputeRatio: {0.125, 430.25 / 55},
		}},
		{"sglang/disaggregated", 2, map[string][]float64{
			vocab.QueueWait:         {15.25, 31.5},
			vocab.ForwardPass:       {50, 761},
			vocab.QueueComputeRatio: {15.25 / 761, 0.63},
		}},
		{"sglang/retraction", 3, map[string][]float64{
			vocab.QueueWait:         {10, 430, 845},
			vocab.ForwardPass:       {50, 55, 100, 1008},
			vocab.QueueComputeRatio: {10. / 1008, 8.45, 8.6},
		}},
	} {
		for _, order := range []string{"as sent", "reversed"} {
			t.Run(tc.file+" "+order, func(t *testing.T) {
				p := newTestProcessor(t, defaultConfig())
				batches := oneSpanEach(golden.ReadTraces(t, filepath.Join(dialectData, tc.file+".input.json")))
				if order == "reversed" {
					slices.Reverse(batches)
				}
				got := map[string][]float64{}
				for _, batch := range batches {
					span := process(t, p, batch).ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
					for key := range tc.want {
						if v, ok := span.Attributes().Get(key); ok {
							got[key] = append(got[key], v.Double())
						}
					}
				}
				for key, want := range tc.want {
					slices.Sort(got[key])
					assert.InDeltaSlice(t, want, got[key], 1e-9, fmt.Sprint(key, " ", got[key]))
				}
				assert.Equal(t, tc.joins, p.joins.Stats(time.Now()).Hits)
			})
		}
	}
}

// Which of two spans gets the value is decided by the order: the later one gets it.
func TestJoinMarksTheSpanThatArrivesLater(t *testing.T) {
	for file, marked := range map[string]string{"parent_first": "compute", "child_first": "densenet_onnx"} {
		p := newTestProcessor(t, defaultConfig())
		for _, batch := range oneSpanEach(golden.ReadTraces(t, filepath.Join(dialectData, "triton", file+".input.json"))) {
			span := process(t, p, batch).ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
			_, ok := span.Attributes().Get(vocab.QueueWait)
			assert.Equal(t, span.Name() == marked, ok, "%s: %s", file, span.Name())
		}
	}
}

// A gateway may have marked the spans before, and they come in another order then. With several
// waits under one parent who meets whom can depend on the order, so that stays the same.
func TestASecondCollectorChangesNothing(t *testing.T) {
	inputs, err := filepath.Glob(filepath.Join(dialectData, "*", "*.input.json"))
	require.NoError(t, err)
	require.NotEmpty(t, inputs)
	traces := map[string]ptrace.Traces{"a wait for nothing": waitForNothing()}
	for _, input := range inputs {
		traces[input] = golden.ReadTraces(t, input)
	}
	for name, td := range traces {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			for range 10 {
				batches := oneSpanEach(td)
				order := func() []int { return random.Perm(len(batches)) }
				if nests := regexp.MustCompile("/(db_clients|feast|google_adk|openinference|otel_genai|openllmetry|guardrails_ai|nemo_lens|vllm)/"); nests.MatchString(name) {
					// Of spans that arrive after the one above them the second collector may find what the first could not.
					order = func() []int { return childrenFirst(batches, random) }
				}
				if strings.HasSuffix(name, "sglang/retraction.input.json") || strings.HasSuffix(name, "temporal/activities.input.json") {
					same := order()
					order = func() []int { return same }
				}
				p := newTestProcessor(t, defaultConfig())
				for _, i := range order() {
					batches[i] = process(t, p, batches[i])
				}
				once := make([][]byte, len(batches))
				for i, batch := range batches {
					once[i] = encode(t, batch)
				}
				p = newTestProcessor(t, defaultConfig())
				for _, i := range order() {
					require.Equal(t, asJSON(t, once[i]), asJSON(t, encode(t, process(t, p, batches[i]))))
				}
			}
		})
	}
}

// waitForNothing is a wait and a compute that takes no time: there is no ratio to show that they have met.
func waitForNothing() ptrace.Traces {
	td := ptrace.NewTraces()
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	ss.Scope().SetName("sglang server")
	for i, name := range []string{"prefill_waiting", "prefill_forward"} {
		span := ss.Spans().AppendEmpty()
		span.SetName(name)
		span.SetTraceID(pcommon.TraceID{1})
		span.SetSpanID(pcommon.SpanID{byte(2 + i)})
		span.SetParentSpanID(pcommon.SpanID{1})
		span.SetStartTimestamp(pcommon.Timestamp(1e18 + i*1e7))
		span.SetEndTimestamp(1e18 + 1e7)
	}
	return td
}

// oneSpanEach puts every span into a batch of its own.
func oneSpanEach(td ptrace.Traces) []ptrace.Traces {
	var batches []ptrace.Traces
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				one := ptrace.NewTraces()
				r := one.ResourceSpans().AppendEmpty()
				rs.Resource().CopyTo(r.Resource())
				s := r.ScopeSpans().AppendEmpty()
				ss.Scope().CopyTo(s.Scope())
				span.CopyTo(s.Spans().AppendEmpty())
				batches = append(batches, one)
			}
		}
	}
	return batches
}
