package mlsignalsprocessor

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
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
				assert.Equal(t, tc.joins, p.joins.Stats().Hits)
			})
		}
	}
}

// Which of two spans gets the value is told by the order: the later one.
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
