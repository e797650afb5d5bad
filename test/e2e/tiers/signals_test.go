package tiers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestSignalsOfServices: a gateway takes metrics and logs too. All metrics of a service come to the same sampler, so that no
// series is served by two.
func TestSignalsOfServices(t *testing.T) {
	t.Parallel()
	addresses, port := hosts(t, 104, 3)
	var samplers []*collector.Collector
	var list []string
	for _, host := range addresses[:2] {
		o := samplerOptions(t, "deploy/two-tier/sampler.yaml", host, port)
		samplers, list = append(samplers, stack.StartCollector(t, o)), append(list, o.Addresses.GRPC)
	}
	gateway := startGateway(t, "deploy/two-tier/gateway-static.yaml", addresses[2], "OTELCOL_ML_SAMPLERS="+strings.Join(list, ","))
	connection, err := grpc.NewClient(gateway.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer connection.Close()

	const services, times = 10, 3
	for n := 1; n <= times; n++ { // a service sends its total again and again
		for s := range services {
			name := fmt.Sprintf("service-%d", s)
			_, err := pmetricotlp.NewGRPCClient(connection).Export(t.Context(), pmetricotlp.NewExportRequestFromMetrics(total(name, float64(n))))
			require.NoError(t, err)
			_, err = plogotlp.NewGRPCClient(connection).Export(t.Context(), plogotlp.NewExportRequestFromLogs(line(name)))
			require.NoError(t, err)
		}
	}
	until(t, samplers, "the lines of the services", func(sum func(string, ...string) int) error {
		if n := sum("otelcol_receiver_accepted_log_records"); n != services*times {
			return fmt.Errorf("%d, want %d", n, services*times)
		}
		if n := sum("otelcol_receiver_accepted_metric_points"); n != services*times {
			return fmt.Errorf("%d points, want %d", n, services*times)
		}
		return nil
	})
	served := map[string]int{}
	for _, s := range samplers {
		samples, err := scrape.Fetch(t.Context(), s.ServiceMetricsURL())
		require.NoError(t, err)
		for service, value := range samples.By("jobs_total", "job") {
			served[service]++
			assert.Equal(t, float64(times), value, service)
		}
	}
	assert.Len(t, served, services)
	for service, n := range served {
		assert.Equal(t, 1, n, service)
	}
}

func total(service string, value float64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", service)
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("jobs")
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	point := sum.DataPoints().AppendEmpty()
	point.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	point.SetDoubleValue(value)
	return md
}

func line(service string) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", service)
	rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("done")
	return ld
}
