package tiers

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// TestTwoTiers runs two gateways and three samplers, then replaces one sampler as a rollout does, then has one die.
func TestTwoTiers(t *testing.T) {
	t.Parallel()
	const overlay = "deploy/two-tier/sampler.yaml"
	addresses, port := hosts(t, 101, 6)
	samplerHosts, gatewayHosts := addresses[:4], addresses[4:]

	dns := names{file: t.TempDir() + "/hosts"}
	dns.resolve(t, samplerHosts[:3]...)
	withNames := dns.within(t, stack.CollectorBinary(t))

	// The fourth is the one that will replace the third.
	var samplers []*collector.Collector
	var targets []string
	for _, host := range samplerHosts {
		s := stack.StartCollector(t, samplerOptions(t, overlay, host, port))
		samplers = append(samplers, s)
		targets = append(targets, s.Addresses.Metrics, s.Addresses.Telemetry)
	}
	var gateways []*collector.Collector
	var entries []string
	for _, host := range gatewayHosts {
		options := gatewayOptions(t, "deploy/two-tier/gateway-dns.yaml", host,
			"OTELCOL_ML_SAMPLERS="+samplersName, "OTELCOL_ML_SAMPLERS_PORT="+port)
		options.Binary = withNames
		g := stack.StartCollector(t, options)
		gateways, entries = append(gateways, g), append(entries, g.GRPC)
	}
	untilBackends(t, gateways, 3)
	prometheus := stack.StartPrometheus(t, nil, targets...)
	traffic := newTraffic(t, startFront(t, entries...), 51)

	ok := t.Run("all is well", func(t *testing.T) {
		traffic.send(6, 200)
		sent := traffic.all()
		untilArrived(t, samplers, len(sent))
		untilDecided(t, samplers...)
		untilKept(t, sent, samplers...)
		untilCounted(prometheus.In(t), sent)
		f := look(t, sent, samplers...)
		assert.Empty(t, ids(f.missing), "traces that are lost")
		assert.Empty(t, ids(f.partial), "traces that are kept in part")
		assert.Empty(t, ids(f.repeated), "traces with spans twice")
		var shares []int
		for _, s := range samplers[:3] {
			shares = append(shares, number(t, s, newTraces))
			assert.Positive(t, shares[len(shares)-1], "traces at %s", s.GRPC)
		}
		assert.Equal(t, len(sent), shares[0]+shares[1]+shares[2], "each trace is at one sampler")
		t.Logf("%d traces, %d spans; samplers have %v; %d telling, %d kept", len(sent), spans(sent), shares, f.telling, f.kept)
	})
	require.True(t, ok)

	ok = t.Run("a sampler is replaced", func(t *testing.T) { testReplaced(t, traffic, dns, gateways, samplers, samplerHosts, prometheus.In(t)) })
	require.True(t, ok)

	t.Run("a sampler dies", func(t *testing.T) {
		serving := []*collector.Collector{samplers[0], samplers[1], samplers[3]}
		left := []string{samplerHosts[0], samplerHosts[3]}
		testDies(t, traffic, dns, gateways, serving, left, prometheus.In(t))
	})
}

// testReplaced takes the third sampler out of the name and the fourth in, while requests go on, and stops the third
// once it has nothing left: the order in which Kubernetes ends a pod with a preStop hook.
func testReplaced(
	t *testing.T, traffic *traffic, dns names, gateways, samplers []*collector.Collector, hosts []string, prometheus *stack.Prometheus,
) {
	leaving := samplers[2]
	stop := traffic.flow()
	defer stop()
	untilGrown(t, leaving, 20)
	untouched := len(traffic.all()) - flowWave
	updates := backendUpdates(t, gateways)
	dns.resolve(t, hosts[0], hosts[1], hosts[3])
	began := time.Now()
	until(t, gateways, "both gateways to know", func(sum func(string, ...string) int) error {
		if n := sum("otelcol_loadbalancer_num_backend_updates"); n < updates+len(gateways) {
			return fmt.Errorf("%d updates of %d", n-updates, len(gateways))
		}
		return nil
	})
	t.Logf("both gateways knew after %s", time.Since(began).Round(100*time.Millisecond))
	untilGrown(t, samplers[3], 20)
	moved := len(traffic.all())
	untilDecided(t, leaving)
	// What it has counted is scraped: the last series of its own and the spans that it took in are the same number.
	accepted := number(t, leaving, "otelcol_receiver_accepted_spans")
	prometheus.UntilEqual(fmt.Sprintf("sum(duration_ms_count{instance=%q})", leaving.Addresses.Metrics), float64(accepted))
	for metric := range truth.Counters(traffic.all()) {
		// Series that the last spans have started are at zero at first.
		own, err := leaving.Metrics(t.Context())
		require.NoError(t, err)
		prometheus.UntilEqual(fmt.Sprintf("sum(%s{instance=%q}) or vector(0)", metric, leaving.Addresses.Metrics), own.Sum(metric))
	}
	stack.Stop(t, leaving.Process)
	traffic.afterMore(t, 10*flowWave)
	stop()

	sent := traffic.all()
	staying := []*collector.Collector{samplers[0], samplers[1], samplers[3]}
	untilDecided(t, staying...)
	untilKept(t, sent, samplers...)
	untilCounted(prometheus, sent)
	f := look(t, sent, samplers...)
	assert.Empty(t, ids(f.missing), "traces that are lost")
	assert.Empty(t, ids(f.repeated), "traces with spans twice")
	// A trace whose spans come before and after the change is at two samplers, each of which judges its part.
	underWay := map[[16]byte]bool{}
	for _, s := range sent[untouched:moved] {
		underWay[s.TraceID] = true
	}
	for _, s := range f.partial {
		assert.True(t, underWay[s.TraceID], "trace %s was not under way during the change and is kept in part", s.TraceID)
	}
	t.Logf("%d traces, %d kept, %d of them in part, of %d that were under way", len(sent), f.kept, len(f.partial), len(underWay))
}

// testDies kills the second of the serving samplers while it holds traces, and takes it out of the name only once the
// gateways have tried in vain.
func testDies(
	t *testing.T, traffic *traffic, dns names, gateways, serving []*collector.Collector, left []string, prometheus *stack.Prometheus,
) {
	dying, living := serving[1], []*collector.Collector{serving[0], serving[2]}
	before := len(traffic.all())
	received := arrived(t, serving)
	traffic.send(3, 100)
	held := traffic.all()[before:]
	untilArrived(t, serving, received+len(held))
	undecided := number(t, dying, newTraces) - number(t, dying, decisions)
	fewest := float64(undecided)
	stack.Until(t, prometheus.Process, "Prometheus to have the number of waiting traces", func(ctx context.Context) error {
		if n := waiting(prometheus, dying); n < fewest {
			return fmt.Errorf("%v of %v", n, fewest)
		}
		return nil
	})
	kill(t, dying)
	killed := time.Now()

	start := len(traffic.all())
	stop := traffic.flow()
	defer stop()
	until(t, gateways, "a gateway to notice", func(sum func(string, ...string) int) error {
		if sum("otelcol_loadbalancer_backend_outcome", "success", "false") == 0 {
			return fmt.Errorf("nothing has failed")
		}
		return nil
	})
	// Nothing else stops: the others go on while the name still has the dead one.
	for _, s := range living {
		untilGrown(t, s, 20)
	}
	updates := backendUpdates(t, gateways)
	dns.resolve(t, left...)
	changed := time.Now()
	until(t, gateways, "both gateways to know", func(sum func(string, ...string) int) error {
		if n := sum("otelcol_loadbalancer_num_backend_updates"); n < updates+len(gateways) {
			return fmt.Errorf("%d updates of %d", n-updates, len(gateways))
		}
		return nil
	})
	knew := time.Now()
	traffic.afterMore(t, 10*flowWave)
	stop()

	// All that came in since is at the living: what they had, what the dead one did not get, nothing left in a queue.
	sent := traffic.all()
	flowed := sent[start:]
	until(t, gateways, "the gateways' queues to empty", func(sum func(string, ...string) int) error {
		if n := sum("otelcol_exporter_queue_size") + sum("otelcol_exporter_in_flight_requests"); n > 0 {
			return fmt.Errorf("%d left", n)
		}
		return nil
	})
	untilDecided(t, living...)
	untilKept(t, flowed, living...)
	t.Logf("moved over %s after the death: %s until the name changed, %s until the gateways knew; the last spans were decided after %s",
		knew.Sub(killed).Round(100*time.Millisecond), changed.Sub(killed).Round(100*time.Millisecond),
		knew.Sub(changed).Round(100*time.Millisecond), time.Since(killed).Round(100*time.Millisecond))

	after := look(t, flowed, living...)
	assert.Empty(t, ids(after.missing), "traces sent after the death that are lost")
	assert.Empty(t, ids(after.partial), "traces sent after the death that are kept in part")

	all := append([]*collector.Collector{dying}, living...)
	lost := look(t, held, all...).missing
	assert.LessOrEqual(t, len(lost), undecided, "no more is lost than the dead one held undecided")
	// What Prometheus says afterwards is what is documented as the bound.
	assert.Equal(t, float64(undecided), waiting(prometheus, dying))
	expected := 0
	for _, s := range held {
		if toKeep(s) {
			expected++
		}
	}
	t.Logf("it held %d undecided traces; of %d traces that were to be kept %d are lost", undecided, expected, len(lost))

	counted := prometheus.Number("sum(last_over_time(duration_ms_count[1h]))")
	t.Logf("%d spans sent, %v counted: what the dead one had not been asked for is missing, what was sent again is double",
		spans(sent), counted)
}

// waiting is how many traces a sampler held undecided when it was last scraped: the query of docs/scaling.md.
func waiting(prometheus *stack.Prometheus, of *collector.Collector) float64 {
	return prometheus.Number(fmt.Sprintf(
		"sum(last_over_time(%[1]s{instance=%[3]q}[1h])) - (sum(last_over_time(%[2]s{instance=%[3]q}[1h])) or vector(0))",
		newTraces, decisions, of.Addresses.Telemetry))
}

func untilBackends(t testing.TB, gateways []*collector.Collector, n int) {
	t.Helper()
	until(t, gateways, "the gateways to know the samplers", func(sum func(string, ...string) int) error {
		if have := sum("otelcol_loadbalancer_num_backends"); have != n*len(gateways) {
			return fmt.Errorf("they know %d, want %d", have, n*len(gateways))
		}
		return nil
	})
}

func backendUpdates(t testing.TB, gateways []*collector.Collector) (n int) {
	t.Helper()
	for _, g := range gateways {
		n += number(t, g, "otelcol_loadbalancer_num_backend_updates")
	}
	return n
}

// arrived is how many traces samplers have seen.
func arrived(t testing.TB, samplers []*collector.Collector) (n int) {
	t.Helper()
	for _, s := range samplers {
		n += number(t, s, newTraces)
	}
	return n
}

func untilArrived(t testing.TB, samplers []*collector.Collector, traces int) {
	t.Helper()
	until(t, samplers, "the traces to arrive", func(sum func(string, ...string) int) error {
		if n := sum(newTraces); n < traces {
			return fmt.Errorf("%d of %d", n, traces)
		}
		return nil
	})
}

// untilGrown waits until a sampler has seen so many more traces.
func untilGrown(t testing.TB, s *collector.Collector, by int) {
	t.Helper()
	untilArrived(t, []*collector.Collector{s}, number(t, s, newTraces)+by)
}

// afterMore waits until the flow has sent so many more requests.
func (tr *traffic) afterMore(t testing.TB, requests int) {
	t.Helper()
	want := len(tr.all()) + requests
	require.Eventually(t, func() bool { return len(tr.all()) >= want }, stack.Patience, flowEvery)
}
