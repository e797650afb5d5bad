package tiers

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestSpansWaitForSampler: a sampler of a static list goes away. Its spans wait in the gateway, whose own metrics have them as
// sent and its queue as empty; the alert MLSpansWaitForSampler fires, and ends when the sampler is back and has them.
func TestSpansWaitForSampler(t *testing.T) {
	t.Parallel()
	addresses, port := hosts(t, 103, 3)
	var samplers []*collector.Collector
	var options []collector.Options
	var list []string
	for _, host := range addresses[:2] {
		o := samplerOptions(t, "deploy/two-tier/sampler.yaml", host, port)
		samplers, options, list = append(samplers, stack.StartCollector(t, o)), append(options, o), append(list, o.Addresses.GRPC)
	}
	gateway := startGateway(t, "deploy/two-tier/gateway-static.yaml", addresses[2], "OTELCOL_ML_SAMPLERS="+strings.Join(list, ","))
	untilBackends(t, []*collector.Collector{gateway}, 2)
	prometheus := stack.StartPrometheus(t, []string{withoutDelay(t, "MLSpansWaitForSampler")},
		samplers[0].Addresses.Telemetry, samplers[1].Addresses.Telemetry, gateway.Addresses.Telemetry)
	traffic := newTraffic(t, gateway.GRPC, 57)

	traffic.send(1, 100) // the first increments of the counters, which Prometheus does not see
	untilTakenIn(t, samplers, spans(traffic.all()))
	prometheus.UntilEqual("sum(otelcol_receiver_accepted_spans and on (instance) otelcol_processor_mltailsampling_waiting_traces)", float64(spans(traffic.all())))
	// More than the second one takes when it is back: otherwise Prometheus does not see that its counter restarted, and
	// the alert ends only with the window of the rule.
	traffic.send(10, 100)
	untilTakenIn(t, samplers, spans(traffic.all()))
	prometheus.UntilEqual("sum(otelcol_receiver_accepted_spans and on (instance) otelcol_processor_mltailsampling_waiting_traces)", float64(spans(traffic.all())))
	untilState(t, prometheus, "MLSpansWaitForSampler", v1.AlertStateInactive)

	taken := number(t, samplers[1], "otelcol_receiver_accepted_spans")
	kill(t, samplers[1])
	traffic.send(5, 100)
	sent := spans(traffic.all())
	until(t, []*collector.Collector{gateway}, "the spans that the gateway says it has sent", func(sum func(string, ...string) int) error {
		if n := sum("otelcol_exporter_sent_spans", "exporter", "load_balancing"); n < sent {
			return fmt.Errorf("%d of %d", n, sent)
		}
		return nil
	})
	require.Zero(t, number(t, gateway, "otelcol_exporter_queue_size", "exporter", "load_balancing"), "no other metric shows it")
	untilState(t, prometheus, "MLSpansWaitForSampler", v1.AlertStateFiring)

	back := stack.StartCollector(t, options[1])
	untilTakenIn(t, []*collector.Collector{samplers[0], back}, sent-taken)
	traffic.send(2, 100)
	untilState(t, prometheus, "MLSpansWaitForSampler", v1.AlertStateInactive)
}

// withoutDelay returns a copy of the shipped rules in which an alert fires at once.
func withoutDelay(t testing.TB, alert string) string {
	t.Helper()
	text, err := os.ReadFile(stack.Root(t, "deploy/prometheus/rules-collector.yaml"))
	require.NoError(t, err)
	delay := regexp.MustCompile(`(?s)(- alert: ` + alert + `\n.*?for: )\w+`)
	require.True(t, delay.Match(text))
	path := t.TempDir() + "/rules.yaml"
	require.NoError(t, os.WriteFile(path, delay.ReplaceAll(text, []byte("${1}0s")), 0o600))
	return path
}

// untilState waits until an alert is evaluated, and in a state.
func untilState(t testing.TB, prometheus *stack.Prometheus, alert string, state v1.AlertState) {
	t.Helper()
	stack.Until(t, prometheus.Process, alert+" "+string(state), func(ctx context.Context) error {
		rules, err := prometheus.Rules(ctx, nil)
		if err != nil {
			return err
		}
		for _, group := range rules.Groups {
			for _, rule := range group.Rules {
				if r, is := rule.(v1.AlertingRule); is && r.Name == alert {
					if r.LastEvaluation.IsZero() || r.State != string(state) {
						return fmt.Errorf("it is %s", r.State)
					}
					return nil
				}
			}
		}
		return fmt.Errorf("no such rule")
	})
}
