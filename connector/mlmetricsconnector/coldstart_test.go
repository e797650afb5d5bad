package mlmetricsconnector

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// A load of which the span does not reports whether it is a reload must not count
// as one, or the alert on reloads would fire for it.
func TestALoadThatMayBeAReloadIsNotCountedAsOne(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.FlushInterval = time.Hour
	c, sink := newTestConnector(t, config, time.Now)
	require.NoError(t, c.Start(context.Background(), componenttest.NewNopHost()))
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr(vocab.PipelineName, "p")
	span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.Attributes().PutBool(vocab.SignalColdStart, true)
	span.Attributes().PutStr(vocab.ColdStartComponent, "model")
	require.NoError(t, c.ConsumeTraces(context.Background(), td))
	require.NoError(t, c.Shutdown(context.Background()))

	all := sink.AllMetrics()
	for _, m := range all[len(all)-1].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() == "ml.cold_starts" {
			require.Equal(t, 1, m.Sum().DataPoints().Len())
			dp := m.Sum().DataPoints().At(0)
			require.EqualValues(t, 1, dp.IntValue())
			reload, _ := dp.Attributes().Get("reload")
			require.Equal(t, "false", reload.AsString())
			return
		}
	}
	require.Fail(t, "no ml.cold_starts")
}
