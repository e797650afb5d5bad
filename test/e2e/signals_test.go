package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestSignals: a Python service that sends traces, metrics and logs to one endpoint sees no error, whichever protocol
// its exporters use. Its metrics can be scraped, and its logs are dropped.
func TestSignals(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush))
	for _, protocol := range []string{"grpc", "http"} {
		sendSignals(t, running, protocol, 7)
	}
	untilSum(t, running, running.ServiceMetricsURL(), 7, "shop_requests_total", "job", "shop-grpc")
	untilSum(t, running, running.ServiceMetricsURL(), 7, "shop_latency_milliseconds_count", "job", "shop-http")
	untilSum(t, running, running.MetricsURL(), 14, "ml_pipeline_requests_total")
	for _, transport := range []string{"grpc", "http"} {
		untilSum(t, running, running.TelemetryURL(), 7, "otelcol_receiver_accepted_log_records", "transport", transport)
	}
	ours, err := scrape.Fetch(t.Context(), running.MetricsURL())
	require.NoError(t, err)
	assert.Zero(t, ours.Sum("shop_requests_total"), "services' metrics are apart from the collector's")
	assertNoWarnings(t, running)
}

// TestLogs: with deploy/victorialogs the lines of a kept trace are found by its ID.
func TestLogs(t *testing.T) {
	t.Parallel()
	logs := stack.StartVictoriaLogs(t)
	options := stack.CollectorOptions(t, stack.Root(t, "deploy/victorialogs/otelcol.yaml"))
	options.Env = append(options.Env, "OTELCOL_ML_LOGS_ENDPOINT="+logs.OTLPEndpoint())
	running := stack.StartCollector(t, options)
	slowest := sendSignals(t, running, "http", 7)

	stack.Until(t, running.Process, "the slow trace", func(context.Context) error {
		traces, err := kept.Read(running.KeptFile())
		if err != nil {
			return err
		}
		for id := range traces {
			if id.String() == slowest {
				return nil
			}
		}
		return fmt.Errorf("trace %s is not kept", slowest)
	})
	stack.Until(t, logs.Process, "the line of the trace", func(ctx context.Context) error {
		records, err := logs.Query(ctx, "trace_id:"+slowest)
		if err != nil {
			return err
		}
		if len(records) != 1 || records[0]["_msg"] != "request 6" {
			return fmt.Errorf("found %v, want one line, request 6", records)
		}
		return nil
	})
	assertNoWarnings(t, running)
}

// sendSignals runs a Python service, which must write no line to its standard error, and returns the ID of the trace of
// its last request, which took a second.
func sendSignals(t *testing.T, to *collector.Collector, protocol string, requests int) string {
	t.Helper()
	endpoint := map[string]string{"grpc": to.GRPC, "http": to.HTTP}[protocol]
	command := exec.CommandContext(t.Context(), stack.SignalsPython(t), stack.Root(t, "test/e2e/python/signals.py"),
		protocol, "shop-"+protocol, fmt.Sprint(requests))
	command.Env = append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+endpoint)
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	require.NoError(t, err, stderr.String())
	require.Empty(t, stderr.String())
	return strings.TrimSpace(string(output))
}

// untilSum waits until the sum of a metric at a URL is a number.
func untilSum(t *testing.T, running *collector.Collector, url string, want float64, metric string, nameValues ...string) {
	t.Helper()
	stack.Until(t, running.Process, metric, func(ctx context.Context) error {
		samples, err := scrape.Fetch(ctx, url)
		if err != nil {
			return err
		}
		if got := samples.Sum(metric, nameValues...); got != want {
			return fmt.Errorf("%s %v is %v, want %v", metric, nameValues, got, want)
		}
		return nil
	})
}

// assertNoWarnings fails the test where the collector has logged a warning or an error.
func assertNoWarnings(t *testing.T, running *collector.Collector) {
	t.Helper()
	for _, line := range strings.Split(running.Log(), "\n") {
		assert.NotContains(t, line, "\twarn\t")
		assert.NotContains(t, line, "\terror\t")
	}
}
