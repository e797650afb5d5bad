package traffic

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

const article = "../../../../testdata/article/flamegraph.json"

func TestShapeHasExactlyTheSeries(t *testing.T) {
	for _, series := range []int{10, 12, 1000, 1002, 50_000, 100_000} {
		shape, err := ShapeOf(series)
		require.NoError(t, err)
		assert.Equal(t, series, shape.Series(), "%+v", shape)
	}
	for _, series := range []int{0, 8, 9, 11, 1001} {
		_, err := ShapeOf(series)
		assert.ErrorContains(t, err, "must be an even number of at least 10", series)
	}
}

// As many requests as Requests says have every label set, every trace ID once, and what Counts says.
func TestRequests(t *testing.T) {
	for _, series := range []int{10, 1000, 5000} {
		shape, err := ShapeOf(series)
		require.NoError(t, err)
		source, err := New(article, shape)
		require.NoError(t, err)

		var buffer []byte
		var got Counts
		labels := map[string]bool{}
		requests := source.Requests()
		ids := map[pcommon.TraceID]int{}
		for n := range requests {
			request := source.Request(n, buffer)
			buffer = request.Data
			td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(request.Data)
			require.NoError(t, err)
			require.Equal(t, request.Spans, td.SpanCount())
			got.Spans += uint64(request.Spans)
			models := map[pcommon.TraceID]string{}
			for _, rs := range td.ResourceSpans().All() {
				pipeline, _ := rs.Resource().Attributes().Get("ml.pipeline.name")
				for _, span := range rs.ScopeSpans().At(0).Spans().All() {
					ids[span.TraceID()]++
					model := ""
					if v, ok := span.Attributes().Get("ml.model.name"); ok {
						model = v.Str()
						if before, seen := models[span.TraceID()]; seen {
							require.Equal(t, before, model, "the spans of a trace have one model")
						}
						models[span.TraceID()] = model
					}
					labels[pipeline.Str()+"/"+span.Name()+"/"+model] = true
					require.Greater(t, span.EndTimestamp(), span.StartTimestamp())
					switch span.Name() {
					case "ml.inference":
						got.Requests++
					case "db_fallback":
						got.Slow++
					}
				}
			}
		}
		assert.Len(t, labels, series)
		assert.Equal(t, source.Counts(requests), got)
		assert.Len(t, ids, int(requests)*traces, "no trace ID comes twice")
		for id, spans := range ids {
			require.Contains(t, []int{8, 10}, spans, id)
		}
		assert.Equal(t, got.Requests, got.Slow*slowEvery)
	}
}

// A request's bytes are its own: the next one in the same buffer is made of the template again.
func TestRequestsInOneBuffer(t *testing.T) {
	source, err := New(article, Shape{Pipelines: 3, Models: 7})
	require.NoError(t, err)
	want := source.Request(5, nil)
	again := source.Request(5, source.Request(4, nil).Data)
	assert.Equal(t, want, again)
	assert.NotEqual(t, want.Data, source.Request(5+uint64(len(source.templates)), nil).Data)
}
