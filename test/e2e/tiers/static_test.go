package tiers

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestStaticTier kills a sampler that the gateways have in a fixed list, and starts it again at its address a while
// later, as systemd does. What comes for it meanwhile waits, the others notice nothing, and nothing is counted twice.
func TestStaticTier(t *testing.T) {
	t.Parallel()
	addresses, port := hosts(t, 102, 5)
	var samplers []*collector.Collector
	var options []collector.Options
	var list []string
	for _, host := range addresses[:3] {
		o := samplerOptions(t, "deploy/two-tier/sampler.yaml", host, port)
		samplers, options, list = append(samplers, stack.StartCollector(t, o)), append(options, o), append(list, o.Addresses.GRPC)
	}
	var gateways []*collector.Collector
	var entries []string
	for _, host := range addresses[3:] {
		g := startGateway(t, "deploy/two-tier/gateway-static.yaml", host, "OTELCOL_ML_SAMPLERS="+strings.Join(list, ","))
		gateways, entries = append(gateways, g), append(entries, g.GRPC)
	}
	untilBackends(t, gateways, 3)
	traffic := newTraffic(t, startFront(t, entries...), 52)

	traffic.send(3, 100)
	held := traffic.all()
	untilArrived(t, samplers, len(held))
	untilTakenIn(t, samplers, spans(held))
	dead, living := samplers[1], []*collector.Collector{samplers[0], samplers[2]}
	holding := untilHeld(t, held, dead, living...)
	taken := number(t, dead, "otelcol_receiver_accepted_spans")
	kill(t, dead)

	stop := traffic.flow()
	defer stop()
	for _, s := range living {
		untilGrown(t, s, 100)
	}
	back := stack.StartCollector(t, options[1])
	untilGrown(t, back, 100)
	stop()

	sent := traffic.all()
	flowed := sent[len(held):]
	now := append([]*collector.Collector{back}, living...)
	untilTakenIn(t, now, spans(sent)-taken)
	untilDecided(t, now...)
	untilKept(t, flowed, now...)
	f := look(t, flowed, now...)
	assert.Empty(t, ids(f.missing), "traces sent since that are lost")
	assert.Empty(t, ids(f.partial), "traces sent since that are kept in part")
	assert.Empty(t, ids(f.repeated), "traces with spans twice")
	lost := holding.assertLost(t, dead, living...)
	untilExact(t, now, spans(sent)-taken)
	t.Logf("of %d traces the dead one held %d undecided, %d that were to be kept are lost; %d sent since, %d of them kept",
		len(held), holding.undecided, lost, len(flowed), f.kept)
}

// untilTakenIn waits until samplers have received so many spans.
func untilTakenIn(t testing.TB, samplers []*collector.Collector, want int) {
	t.Helper()
	until(t, samplers, "the spans to arrive", func(sum func(string, ...string) int) error {
		if n := sum("otelcol_receiver_accepted_spans"); n < want {
			return fmt.Errorf("%d of %d", n, want)
		}
		return nil
	})
}

// untilExact waits until samplers have counted so many spans, and fails the test where it becomes more.
func untilExact(t testing.TB, samplers []*collector.Collector, want int) {
	t.Helper()
	counted := 0
	stack.Until(t, samplers[0].Process, "the count of spans", func(ctx context.Context) error {
		counted = 0
		for _, s := range samplers {
			metrics, err := s.Metrics(ctx)
			if err != nil {
				return err
			}
			counted += int(metrics.Sum("duration_ms_count"))
		}
		if counted < want {
			return fmt.Errorf("%d of %d", counted, want)
		}
		return nil
	})
	assert.Equal(t, want, counted, "spans counted")
}
