package observe

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// pointsPerPart is series.maxPoints.
const pointsPerPart = 1 << 13

// TestFlushInParts refuses the second part of a flush of more series than are sent at once: the first is not sent again
// with delta points, the second not lost.
func TestFlushInParts(t *testing.T) {
	options := shippedOptions()
	options.SeriesLimit, options.Delta = 0, true
	a := newAggregate(shippedPlan(), options)
	const spans = pointsPerPart + 1000
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr(vocab.PipelineName, "p")
	ss := rs.ScopeSpans().AppendEmpty().Spans()
	for i := range spans {
		span := ss.AppendEmpty()
		span.SetName(fmt.Sprint("span ", i))
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(options.Now()) - 1e9)
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(options.Now()))
	}
	a.Consume(td)

	counted, sends, points := map[string]uint64{}, 0, 0
	take := func(m pmetric.Metrics) {
		points = max(points, m.DataPointCount())
		for _, metric := range m.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
			if metric.Name() != "duration_ms" {
				continue
			}
			for _, dp := range metric.Histogram().DataPoints().All() {
				name, _ := dp.Attributes().Get("span.name")
				counted[name.Str()] += dp.Count()
			}
		}
	}
	refused := errors.New("no")
	_, err := a.Flush(func(m pmetric.Metrics) error {
		if sends++; sends == 2 {
			return refused
		}
		take(m)
		return nil
	})
	require.ErrorIs(t, err, refused)
	require.Len(t, counted, pointsPerPart)
	_, err = a.Flush(func(m pmetric.Metrics) error { take(m); return nil })
	require.NoError(t, err)

	require.Len(t, counted, spans)
	for name, n := range counted {
		require.EqualValues(t, 1, n, name)
	}
	require.Less(t, points, 2*pointsPerPart)
}
