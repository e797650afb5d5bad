package waterfall_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/spans"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/viewtest"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/waterfall"
)

type s = viewtest.Span

const ms = time.Millisecond

func rows(c *waterfall.Chart) map[string]waterfall.Row {
	byName := map[string]waterfall.Row{}
	for _, r := range c.Rows {
		byName[r.Name()] = r
	}
	return byName
}

// TestArticle: the flamegraph of the article's section 6, in place and length.
func TestArticle(t *testing.T) {
	c := waterfall.Draw(spans.All(viewtest.Article(t)))
	got := rows(c)
	at := func(elapsed float64) float64 { return elapsed / 1820 * waterfall.Scale }
	for _, want := range []struct {
		name        string
		depth       int
		from, width float64
		bars        []float64 // from and width of each
		critical    bool
		found       string
	}{
		{"ml.pipeline.request", 0, 0, 1820, nil, true, ""},
		{"ml.input_validation", 1, 0, 18, nil, true, ""},
		{"ml.feature_extraction", 1, 18, 823, []float64{18, 11, 29, 812}, true, "fell back to the database: 812\u00a0ms, 99\u00a0% of the span"},
		{"ml.batch_assembly", 1, 841, 47, nil, true, ""},
		{"tokenizer_init", 2, 841, 38, []float64{841, 38}, true, "cold start: tokenizer was loaded"},
		{"ml.inference", 1, 888, 895, []float64{888, 580, 1468, 315}, true, "waited 580\u00a0ms for the GPU, 1.84 times the compute"},
	} {
		r, ok := got[want.name]
		require.True(t, ok, want.name)
		assert.Equal(t, want.depth, r.Depth, want.name)
		assert.InDelta(t, at(want.from), r.X, 0.01, want.name)
		assert.InDelta(t, at(want.width), r.Width, 0.01, want.name)
		require.Len(t, r.Bars, len(want.bars)/2, want.name)
		for i, b := range r.Bars {
			assert.InDelta(t, at(want.bars[2*i]), b.X, 0.01, "%s %s", want.name, b.Part)
			assert.InDelta(t, at(want.bars[2*i+1]), b.Width, 0.01, "%s %s", want.name, b.Part)
		}
		assert.Equal(t, want.critical, r.Critical, want.name)
		if want.found != "" {
			require.Len(t, r.Findings, 1, want.name)
			assert.Equal(t, want.found, r.Findings[0].Text)
		}
	}
	require.NotEmpty(t, got["ml.post_processing"].Findings)
	assert.Contains(t, got["ml.post_processing"].Findings[0].Text, "silent repair: validated 2 times")
	assert.Equal(t, []int64{0, 500e6, 1000e6, 1500e6}, elapsed(c))
}

func elapsed(c *waterfall.Chart) (all []int64) {
	for _, tick := range c.Ticks {
		all = append(all, tick.Elapsed)
	}
	return all
}

// TestCriticalPath: of two concurrent spans of one name, the one that ended last.
func TestCriticalPath(t *testing.T) {
	td := viewtest.Trace(t, "t",
		s{Name: "root", To: 100 * ms, Attributes: map[string]any{"ml.diagnosis.critical_path": []any{"root", "fetch", "finish"}}},
		s{Name: "fetch", ID: "short", Parent: "root", To: 40 * ms},
		s{Name: "fetch", ID: "long", Parent: "root", To: 80 * ms},
		s{Name: "beside", Parent: "root", From: 10 * ms, To: 30 * ms},
		s{Name: "finish", Parent: "root", From: 80 * ms, To: 100 * ms},
	)
	critical := map[string]bool{}
	for _, r := range waterfall.Draw(spans.All(td)).Rows {
		id := r.SpanID()
		critical[string(id[:])] = r.Critical
	}
	assert.Equal(t, map[string]bool{"root\x00\x00\x00\x00": true, "short\x00\x00\x00": false, "long\x00\x00\x00\x00": true, "beside\x00\x00": false, "finish\x00\x00": true}, critical)
}

// TestBrokenTrees: every span has one row, whatever its parents say.
func TestBrokenTrees(t *testing.T) {
	for name, td := range map[string][]s{
		"a circle":              {{Name: "a", Parent: "b"}, {Name: "b", Parent: "c"}, {Name: "c", Parent: "a"}},
		"its own parent":        {{Name: "root", To: ms}, {Name: "a", Parent: "a"}},
		"a circle beside root":  {{Name: "root", To: ms}, {Name: "a", Parent: "b"}, {Name: "b", Parent: "a"}},
		"a lost parent":         {{Name: "root", To: ms}, {Name: "a", Parent: "lost"}},
		"ends before it starts": {{Name: "root", From: 5 * ms, To: ms}},
	} {
		t.Run(name, func(t *testing.T) {
			c := waterfall.Draw(spans.All(viewtest.Trace(t, "t", td...)))
			require.Len(t, c.Rows, len(td))
			for _, r := range c.Rows {
				assert.GreaterOrEqual(t, r.Width, 0.0)
				assert.LessOrEqual(t, r.X+r.Width, float64(waterfall.Scale)+0.001)
			}
		})
	}
	lost := rows(waterfall.Draw(spans.All(viewtest.Trace(t, "t", s{Name: "root", To: ms}, s{Name: "a", Parent: "lost"}))))
	assert.Equal(t, []waterfall.Finding{{Kind: "gap", Text: "its parent has not come"}}, lost["a"].Findings)
}

// TestHugeTrace: a trace as deep as it is long, of which the rows with a signal stay.
func TestHugeTrace(t *testing.T) {
	const n = 20_000
	all := []s{{Name: "root", ID: "0", To: n * ms}}
	for i := 1; i < n; i++ {
		span := s{Name: "deep", ID: fmt.Sprint(i), Parent: fmt.Sprint(i - 1), To: time.Duration(n-i) * ms}
		if i == n-1 {
			span.Name, span.Failed = "the one that failed", true
		}
		all = append(all, span)
	}
	c := waterfall.Draw(spans.All(viewtest.Trace(t, "t", all...)))
	assert.Len(t, c.Rows, waterfall.MostRows)
	assert.Equal(t, n-waterfall.MostRows, c.Hidden)
	assert.Equal(t, "root", c.Rows[0].Name())
	assert.Equal(t, "the one that failed", c.Rows[len(c.Rows)-1].Name())
}

func TestNothing(t *testing.T) {
	assert.Empty(t, waterfall.Draw(nil).Rows)
}
