package observe

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

func TestLongLabelsAreCut(t *testing.T) {
	clock := newFakeClock()
	a := newAggregate(calls(), settings{Now: clock.Now, LabelLength: 10})
	a.Consume(spansNamed("0123456789", "0123456789a", "0123456789b", "01234567é", "012345678é", "012345678é and more", "\U0001F600\U0001F600\U0001F600"))
	flush(t, a)
	require.Equal(t, map[string]string{
		"calls span=0123456789":           "3",
		"calls span=01234567é":            "1",
		"calls span=012345678":            "2",
		"calls span=\U0001F600\U0001F600": "1",
	}, exported(flush(t, a)))
	require.EqualValues(t, 2, a.takeCounts().CutLabels, "each time that a series was looked up")
}

// FuzzCut cuts texts: what is left is at most as long as the limit, begins the text, and is UTF-8 where the text is.
func FuzzCut(f *testing.F) {
	f.Add("é\U0001F600a", 3)
	f.Add("\xff\xfe\x80\x80\x80\x80\x80", 6)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		texts := texts{limit: max(limit, 0)}
		cut := texts.cut(text)
		require.True(t, strings.HasPrefix(text, cut))
		if texts.limit == 0 {
			require.Equal(t, text, cut)
			return
		}
		require.LessOrEqual(t, len(cut), texts.limit)
		require.GreaterOrEqual(t, len(cut), min(len(text), texts.limit-utf8.UTFMax))
		if utf8.ValidString(text) {
			require.True(t, utf8.ValidString(cut))
		}
		require.Equal(t, len(cut) < len(text), texts.wasCut)
	})
}

// TestOnlyScalarsAreLabels: a map or a list, which may be nested without end, is no label.
func TestOnlyScalarsAreLabels(t *testing.T) {
	for name, set := range map[string]func(pcommon.Value){
		"map":   func(v pcommon.Value) { v.SetEmptyMap().PutStr("a", "b") },
		"slice": func(v pcommon.Value) { v.SetEmptySlice().AppendEmpty().SetStr("a") },
		"bytes": func(v pcommon.Value) { v.SetEmptyBytes().Append(1, 2, 3) },
	} {
		a := newAggregate(shippedPlan(), settings{})
		td := spansNamed("predict")
		span := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
		set(span.Attributes().PutEmpty(vocab.ModelName))
		a.Consume(td)
		for series := range exported(flush(t, a)) {
			require.NotContains(t, series, vocab.ModelName, name)
		}
	}
}

// TestMemoryComesBack: after a flood of long names whose series have expired, what is left on the heap is little.
func TestMemoryComesBack(t *testing.T) {
	clock := newFakeClock()
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	a := newAggregate(shippedPlan(), settings{Now: clock.Now, SeriesLimit: 10_000, LabelLength: 256, Expiration: 15 * time.Minute})
	empty := heap()
	discard := func(pmetric.Metrics) error { return nil }
	for i := range 90 {
		names := make([]string, 100)
		for j := range names {
			names[j] = fmt.Sprint(i, " ", j, strings.Repeat(" long", 1600))
		}
		a.Consume(spansNamed(names...))
	}
	_, err := a.Flush(discard)
	require.NoError(t, err)
	full := heap()
	require.Less(t, full-before, uint64(64<<20), "9,000 names of 8 kB")
	for range 10 {
		clock.advance(10 * time.Minute)
		_, err := a.Flush(discard)
		require.NoError(t, err)
	}
	after := heap()
	t.Logf("kB on the heap: %d when empty, %d when full, %d after all series expired", (empty-before)>>10, (full-before)>>10, (after-before)>>10)
	require.Less(t, after-before, empty-before+2<<20)
	runtime.KeepAlive(a)
}

// TestTooManyAttributes: a plan has room for as many attributes as compiled.Set.
func TestTooManyAttributes(t *testing.T) {
	metrics := everyKind()
	for i := range 300 {
		m := metrics[0]
		m.Name = fmt.Sprint("m", i)
		m.Labels = append(m.Labels[:len(m.Labels):len(m.Labels)], metric.Label{Name: "x", Field: metric.Field{Key: fmt.Sprint("attribute.", i)}})
		metrics = append(metrics, m)
	}
	_, err := compiled.Compile(metrics)
	require.ErrorContains(t, err, "must be 256 or fewer")
}
