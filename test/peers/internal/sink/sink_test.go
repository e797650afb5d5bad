package sink

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func TestObserved(t *testing.T) {
	s, err := Start()
	require.NoError(t, err)
	defer s.Stop()
	conn, err := grpc.NewClient("passthrough:///"+s.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	client := pmetricotlp.NewGRPCClient(conn)

	// The cumulative counts of two label sets, the increments of one, three times.
	for i := range uint64(3) {
		md := pmetric.NewMetrics()
		metrics := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
		cumulative := metrics.AppendEmpty()
		cumulative.SetName("cumulative")
		cumulative.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		for _, model := range []string{"a", "b"} {
			p := cumulative.Histogram().DataPoints().AppendEmpty()
			p.Attributes().PutStr("model", model)
			p.SetCount(10 * i)
		}
		delta := metrics.AppendEmpty()
		delta.SetName("delta")
		delta.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		delta.Histogram().DataPoints().AppendEmpty().SetCount(7)
		calls := metrics.AppendEmpty()
		calls.SetName("calls")
		calls.SetEmptySum().DataPoints().AppendEmpty()
		newest := metrics.AppendEmpty()
		newest.SetName("newest")
		newest.SetEmptyGauge().DataPoints().AppendEmpty()
		_, err := client.Export(t.Context(), pmetricotlp.NewExportRequestFromMetrics(md))
		require.NoError(t, err)
	}

	values, series := s.Observed("cumulative")
	assert.Equal(t, uint64(40), values)
	assert.Equal(t, 2, series)
	values, series = s.Observed("delta")
	assert.Equal(t, uint64(21), values)
	assert.Equal(t, 1, series)
	assert.Equal(t, 5, s.Series())
}
