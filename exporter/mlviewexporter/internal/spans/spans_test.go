package spans_test

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/spans"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/viewtest"
)

const ms = int64(time.Millisecond)

func named(t *testing.T, all []spans.Span, name string) spans.Span {
	for _, s := range all {
		if s.Name() == name {
			return s
		}
	}
	require.Fail(t, "no span", name)
	return spans.Span{}
}

// TestSegmentsOfTheArticle: section 6 says 580 ms of queue and then 315 ms of compute, 11 ms of cache and 812 of database.
func TestSegmentsOfTheArticle(t *testing.T) {
	all := spans.All(viewtest.Article(t))
	assert.Equal(t, []spans.Segment{{spans.Queue, 0, 580 * ms}, {spans.Compute, 580 * ms, 895 * ms}}, named(t, all, "ml.inference").Segments())
	assert.Equal(t, []spans.Segment{{spans.Cache, 0, 11 * ms}, {spans.Database, 11 * ms, 823 * ms}}, named(t, all, "ml.feature_extraction").Segments())
	assert.Equal(t, []spans.Segment{{spans.Load, 0, 38 * ms}}, named(t, all, "tokenizer_init").Segments())
	repair := named(t, all, "ml.post_processing").Segments()
	require.Len(t, repair, 1)
	assert.Equal(t, spans.Repair, repair[0].Part)
	assert.Equal(t, 37*ms, repair[0].To)
	assert.Empty(t, named(t, all, "ml.input_validation").Segments())

	lost := named(t, all, "ml.inference").Lost()
	assert.Equal(t, [4]float64{0, 580, 0, 0}, lost)
}

func TestSegments(t *testing.T) {
	for _, c := range []struct {
		name       string
		to         time.Duration
		attributes map[string]any
		want       []spans.Segment
	}{
		{"a wait without room lies ahead", 100, map[string]any{"ml.inference.queue_wait_ms": 250.0, "ml.inference.forward_pass_ms": 80.0},
			[]spans.Segment{{spans.Queue, -230 * ms, 20 * ms}, {spans.Compute, 20 * ms, 100 * ms}}},
		{"compute longer than its span is cut", 100, map[string]any{"ml.inference.forward_pass_ms": 500.0},
			[]spans.Segment{{spans.Compute, 0, 100 * ms}}},
		{"prefill and decode are parts of the compute", 100, map[string]any{"ml.inference.queue_wait_ms": 20.0, "ml.inference.forward_pass_ms": 80.0, "ml.inference.prefill_ms": 30.0, "ml.inference.decode_ms": 40.0},
			[]spans.Segment{{spans.Queue, 0, 20 * ms}, {spans.Prefill, 20 * ms, 50 * ms}, {spans.Decode, 50 * ms, 90 * ms}, {spans.Compute, 90 * ms, 100 * ms}}},
		{"prefill without a compute", 100, map[string]any{"ml.inference.prefill_ms": 30.0},
			[]spans.Segment{{spans.Prefill, 0, 30 * ms}}},
		{"values that cannot be true are not drawn", 100, map[string]any{"ml.inference.queue_wait_ms": -5.0, "ml.features.db_lookup_ms": "soon"}, nil},
		{"a repair without events takes all validations but the first", 90,
			map[string]any{"ml.signal.revalidated": true, "ml.post_processing.validation_attempts": int64(3)},
			[]spans.Segment{{spans.Repair, 30 * ms, 90 * ms}}},
		{"a load longer than its span is cut", 100, map[string]any{"ml.signal.cold_start": true, "ml.cold_start.duration_ms": 1e9},
			[]spans.Segment{{spans.Load, 0, 100 * ms}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := spans.All(viewtest.Trace(t, "t", viewtest.Span{Name: "s", To: c.to * time.Millisecond, Attributes: c.attributes}))
			assert.Equal(t, c.want, all[0].Segments())
		})
	}
}

func TestRoot(t *testing.T) {
	diagnosed := map[string]any{"ml.diagnosis.bottleneck": "other"}
	for _, c := range []struct {
		name  string
		spans []viewtest.Span
		root  string
		whole bool
	}{
		{"without a parent", []viewtest.Span{{Name: "child", Parent: "root"}, {Name: "root", From: 1}}, "root", true},
		{"of several the diagnosed one", []viewtest.Span{{Name: "one"}, {Name: "two", From: 1, Attributes: diagnosed}}, "two", true},
		{"a diagnosed one stands for a lost root", []viewtest.Span{{Name: "a", Parent: "x"}, {Name: "b", Parent: "x", From: 1, Attributes: diagnosed}}, "b", false},
		{"else the first", []viewtest.Span{{Name: "b", Parent: "x", From: 1}, {Name: "a", Parent: "x"}}, "a", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := spans.All(viewtest.Trace(t, "t", c.spans...))
			root, whole := spans.Root(all)
			assert.Equal(t, c.root, all[root].Name())
			assert.Equal(t, c.whole, whole)
		})
	}
}

// TestEnd: a span without a valid duration ends where it starts.
func TestEnd(t *testing.T) {
	span := ptrace.NewSpan()
	for _, c := range []struct{ start, end, want pcommon.Timestamp }{
		{5, 9, 9}, {5, 5, 5}, {5, 4, 5}, {0, 9, 0}, {5, math.MaxUint64, 5}, {1 << 63, 1<<63 + 9, math.MaxInt64},
	} {
		span.SetStartTimestamp(c.start)
		span.SetEndTimestamp(c.end)
		assert.EqualValues(t, c.want, spans.Span{Span: span}.End(), "%d to %d", c.start, c.end)
	}
}

func TestClip(t *testing.T) {
	assert.Equal(t, "short", spans.Clip("short", 5))
	long := spans.Clip(strings.Repeat("é", 30_000), 101)
	assert.LessOrEqual(t, len(long), 104)
	assert.True(t, utf8.ValidString(long))
	assert.Equal(t, "a\uFFFDb", spans.Clip("a\xffb", 10))
}
