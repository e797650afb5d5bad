package tiers

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// signals is how many a gateway balances, each with a view of the samplers of its own: traces, metrics and logs.
const signals = 3

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
	prometheus := stack.StartPrometheus(t, []string{stack.Root(t, "deploy/prometheus/rules-*.yaml")}, targets...)
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
			shares = append(shares, sampling(t, s).Arrived)
			assert.Positive(t, shares[len(shares)-1], "traces at %s", s.GRPC)
		}
		assert.Equal(t, len(sent), shares[0]+shares[1]+shares[2], "each trace is at one sampler")
		t.Logf("%d traces, %d spans; samplers have %v; %d to keep, %d kept", len(sent), spans(sent), shares, f.mustKeep, f.kept)
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
		if n := sum("otelcol_loadbalancer_num_backend_updates"); n < updates+signals*len(gateways) {
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
	// A trace whose spans come before and after the change is at two samplers, each of which decides on its part.
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
	holding := untilHeld(t, held, dying, living...)
	fewest := float64(holding.undecided)
	stack.Until(t, prometheus.Process, "Prometheus to have the number of waiting traces", func(ctx context.Context) error {
		if n := waiting(prometheus, dying); n < fewest {
			return fmt.Errorf("%v of %v", n, fewest)
		}
		return nil
	})
	kill(t, dying)
	killed := time.Now()
	taken, delivered := accepted(t, living), sum(t, gateways, "otelcol_exporter_sent_spans")

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
		if n := sum("otelcol_loadbalancer_num_backend_updates"); n < updates+signals*len(gateways) {
			return fmt.Errorf("%d updates of %d", n-updates, len(gateways))
		}
		return nil
	})
	knew := time.Now()
	exposed := len(traffic.all()) + flowWave // and the wave under way
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

	lost := holding.assertLost(t, dying, living...)
	t.Logf("of %d traces it held %d undecided, %d that were to be kept are lost", len(held), holding.undecided, lost)
	// What Prometheus says afterwards is what is documented as the bound, and what the alert says.
	assert.Equal(t, float64(holding.undecided), waiting(prometheus, dying))
	untilAlert(t, prometheus, "MLUndecidedTracesLost", dying, float64(holding.undecided), living...)

	// Counted twice is what was sent again: nothing but spans from between the death and the moment when the last gateway
	// knew, each once for each attempt of its batch that failed. What arrived more often than the gateways delivered is
	// the query of the documentation.
	exposedTraces := flowed[:min(len(flowed), exposed-start)]
	again := accepted(t, living) - taken - spans(flowed)
	untilExact(t, living, accepted(t, living))
	assert.Equal(t, spans(flowed), sum(t, gateways, "otelcol_exporter_sent_spans")-delivered, "spans that the gateways delivered")
	assert.Equal(t, again, twice(t, exposedTraces, living...), "spans sent again")
	assert.Zero(t, twice(t, flowed[len(exposedTraces):], living...), "spans sent again though the gateways knew")
	most := failures(knew.Sub(killed)) * spans(exposedTraces)
	assert.LessOrEqual(t, again, most)
	t.Logf("%d spans since the death, %d of them before the gateways knew; %d sent again, at most %d", spans(flowed), spans(exposedTraces), again, most)

	// The dead one is not asked any more.
	const failed = "otelcol_loadbalancer_backend_outcome"
	before, received = sum(t, gateways, failed, "success", "false"), arrived(t, living)
	traffic.send(1, 100)
	untilArrived(t, living, received+100)
	assert.Equal(t, before, sum(t, gateways, failed, "success", "false"), "attempts that failed after the change")
}

// failures is how often a batch can fail in so long: at the start, and at each retry of gateway-dns.yaml, which come after
// at least 4 s, 6 s and 9 s more, and then every 12 s.
func failures(in time.Duration) int {
	n := 1
	for _, pause := range []time.Duration{4, 6, 9, 12, 12, 12, 12, 12, 12} {
		if in -= pause * time.Second; in > 0 {
			n++
		}
	}
	return n
}

// accepted is how many spans samplers have taken in.
func accepted(t testing.TB, samplers []*collector.Collector) int {
	t.Helper()
	return sum(t, samplers, "otelcol_receiver_accepted_spans")
}

// sum adds up a metric of collectors about themselves.
func sum(t testing.TB, of []*collector.Collector, metric string, labels ...string) (n int) {
	t.Helper()
	for _, c := range of {
		n += number(t, c, metric, labels...)
	}
	return n
}

// untilAlert waits until an alert is pending or firing for a collector that is gone, and checks that it is not for others.
func untilAlert(
	t testing.TB, prometheus *stack.Prometheus, name string, gone *collector.Collector, value float64, others ...*collector.Collector,
) {
	t.Helper()
	stack.Until(t, prometheus.Process, "the alert "+name, func(ctx context.Context) error {
		answer, err := prometheus.Alerts(ctx)
		if err != nil {
			return err
		}
		found := map[string]string{}
		for _, alert := range answer.Alerts {
			if string(alert.Labels["alertname"]) == name {
				found[string(alert.Labels["instance"])] = alert.Value
			}
		}
		for _, other := range others {
			assert.NotContains(t, found, other.Addresses.Telemetry, name)
		}
		if is, err := strconv.ParseFloat(found[gone.Addresses.Telemetry], 64); err != nil || is != value {
			return fmt.Errorf("it is %v, want %v for %s", found, value, gone.Addresses.Telemetry)
		}
		return nil
	})
}

// waiting is how many traces a sampler held undecided when it was last scraped: the query of docs/scaling.md.
func waiting(prometheus *stack.Prometheus, of *collector.Collector) float64 {
	return prometheus.Number(fmt.Sprintf("ml:collector:undecided_traces{instance=%q}", of.Addresses.Telemetry))
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
		n += sampling(t, s).Arrived
	}
	return n
}

func untilArrived(t testing.TB, samplers []*collector.Collector, traces int) {
	t.Helper()
	stack.Until(t, samplers[0].Process, "the traces to arrive", func(ctx context.Context) error {
		n := 0
		for _, s := range samplers {
			sampling, err := s.Sampling(ctx)
			if err != nil {
				return err
			}
			n += sampling.Arrived
		}
		if n < traces {
			return fmt.Errorf("%d of %d", n, traces)
		}
		return nil
	})
}

// untilGrown waits until a sampler has seen so many more traces.
func untilGrown(t testing.TB, s *collector.Collector, by int) {
	t.Helper()
	untilArrived(t, []*collector.Collector{s}, sampling(t, s).Arrived+by)
}

// afterMore waits until the flow has sent so many more requests.
func (tr *traffic) afterMore(t testing.TB, requests int) {
	t.Helper()
	want := len(tr.all()) + requests
	require.Eventually(t, func() bool { return len(tr.all()) >= want }, stack.Patience, flowEvery)
}
