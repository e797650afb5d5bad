package tiers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

const (
	kafkaTopic = "otelcol-ml-spans"
	kafkaGroup = "otelcol-ml-samplers"
	partitions = 6
)

// TestKafka sends spans through Kafka. One of its two samplers is restarted, then both are away for a while, and then
// one is killed.
func TestKafka(t *testing.T) {
	t.Parallel()
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, kafkaTopic))
	require.NoError(t, err)
	t.Cleanup(kafka.Close)
	brokers := "OTELCOL_ML_KAFKA_BROKERS=" + strings.Join(kafka.ListenAddrs(), ",")
	addresses, port := hosts(t, 103, 4)

	options := func(host string) collector.Options {
		o := samplerOptions(t, "deploy/kafka/sampler.yaml", host, port)
		o.Env = append(o.Env, brokers)
		return o
	}
	first, second := options(addresses[0]), options(addresses[1])
	// A sampler outlives the subtest that starts it.
	start := func(o collector.Options) *collector.Collector { return stack.StartCollector(t, o) }
	samplers := []*collector.Collector{start(first), start(second)}
	untilMembers(t, kafka, 2)
	var gateways []*collector.Collector
	var entries []string
	for _, host := range addresses[2:] {
		g := startGateway(t, "deploy/kafka/gateway.yaml", host, brokers)
		gateways, entries = append(gateways, g), append(entries, g.GRPC)
	}
	traffic := newTraffic(t, startFront(t, entries...), 54)

	ok := t.Run("all is well", func(t *testing.T) {
		traffic.send(3, 100)
		sent := traffic.all()
		untilArrived(t, samplers, len(sent))
		untilDecided(t, samplers...)
		untilKept(t, sent, samplers...)
		untilExact(t, samplers, spans(sent))
		f := look(t, sent, samplers...)
		assert.Empty(t, ids(f.missing), "traces that are lost")
		assert.Empty(t, ids(f.partial), "traces that are kept in part")
		assert.Empty(t, ids(f.repeated), "traces with spans twice")
		shares := []int{sampling(t, samplers[0]).Arrived, sampling(t, samplers[1]).Arrived}
		assert.Equal(t, len(sent), shares[0]+shares[1], "each trace is at one sampler")
		assert.Positive(t, min(shares[0], shares[1]))
		for _, sampler := range samplers { // the alert MLKafkaBehind is about these
			read := number(t, sampler, "otelcol_kafka_receiver_records_delay_count")
			assert.Equal(t, number(t, sampler, "otelcol_kafka_receiver_records"), read)
			assert.Positive(t, read)
		}
		t.Logf("%d traces, %d spans; samplers have %v; %d kept", len(sent), spans(sent), shares, f.kept)
	})
	require.True(t, ok)

	ok = t.Run("a sampler is restarted", func(t *testing.T) {
		before := len(traffic.all())
		stop := traffic.flow()
		defer stop()
		untilGrown(t, samplers[0], 50)
		stack.Stop(t, samplers[0].Process)
		traffic.afterMore(t, 10*flowWave)
		samplers[0] = start(first)
		untilMembers(t, kafka, 2)
		untilGrown(t, samplers[0], 50)
		stop()
		sent := traffic.all()
		untilRead(t, kafka, gateways)
		untilDecided(t, samplers...)
		untilKept(t, sent, samplers...)
		f := look(t, sent, samplers...)
		assert.Empty(t, ids(f.missing), "traces that are lost")
		t.Logf("%d traces sent meanwhile, none lost; %d kept in part, %d with spans twice",
			len(sent)-before, len(f.partial), len(f.repeated))
	})
	require.True(t, ok)

	ok = t.Run("no sampler for a while", func(t *testing.T) {
		untilDecided(t, samplers...)
		for _, s := range samplers {
			stack.Stop(t, s.Process)
		}
		before := len(traffic.all())
		traffic.send(3, 100)
		samplers[0], samplers[1] = start(first), start(second)
		untilMembers(t, kafka, 2)
		sent := traffic.all()[before:]
		untilRead(t, kafka, gateways)
		untilArrived(t, samplers, len(sent))
		untilDecided(t, samplers...)
		untilKept(t, sent, samplers...)
		untilExact(t, samplers, spans(sent))
		f := look(t, sent, samplers...)
		assert.Empty(t, ids(f.missing), "traces that are lost")
		assert.Empty(t, ids(f.partial), "traces that are kept in part")
		assert.Empty(t, ids(f.repeated), "traces with spans twice")
	})
	require.True(t, ok)

	t.Run("a sampler dies", func(t *testing.T) {
		before, began := len(traffic.all()), time.Now()
		traffic.send(3, 100)
		held := traffic.all()[before:]
		untilRead(t, kafka, gateways)
		dead, living := samplers[0], samplers[1]
		holding := untilHeld(t, held, dead, living)
		kill(t, dead)
		stop := traffic.flow()
		defer stop()
		untilGrown(t, living, 100)
		stop()
		flowed := traffic.all()[before+len(held):]

		// The group gives the dead one's partitions to the living one when its session has ended.
		untilMembers(t, kafka, 1)
		untilRead(t, kafka, gateways)
		untilDecided(t, living)
		untilKept(t, flowed, living)
		all := []*collector.Collector{dead, living}
		f := look(t, flowed, all...)
		assert.Empty(t, ids(f.missing), "traces sent after the death that are lost")
		assert.Empty(t, ids(f.partial), "traces sent after the death that are kept in part")
		lost := holding.assertLost(t, dead, living)

		// What it held is still in Kafka. Reading again from before, as the documentation says, finds it.
		stack.Stop(t, living.Process)
		untilMembers(t, kafka, 0)
		rewind(t, kafka, began)
		again := start(second)
		untilMembers(t, kafka, 1)
		untilRead(t, kafka, gateways)
		untilDecided(t, again)
		untilKept(t, held, all...)
		assert.Empty(t, ids(look(t, held, all...).missing), "traces that are lost after reading again")
		t.Logf("it held %d undecided traces, %d that were to be kept were lost until they were read again", holding.undecided, lost)
	})
}

// untilMembers waits until the samplers' group has so many members and, if any, all partitions.
func untilMembers(t testing.TB, kafka *kfake.Cluster, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		group := kafka.GroupInfo(kafkaGroup)
		if group == nil {
			return false
		}
		if n == 0 {
			return len(group.Members) == 0
		}
		return group.State == "Stable" && len(group.Members) == n && group.NumAssigned() == partitions
	}, stack.Patience, 20*time.Millisecond, "%d members of the group", n)
}

// untilRead waits until the gateways have nothing left and the group has committed all that is in Kafka.
func untilRead(t testing.TB, kafka *kfake.Cluster, gateways []*collector.Collector) {
	t.Helper()
	until(t, gateways, "the gateways' queues to empty", func(sum func(string, ...string) int) error {
		if n := sum("otelcol_exporter_queue_size") + sum("otelcol_exporter_in_flight_requests"); n > 0 {
			return fmt.Errorf("%d left", n)
		}
		return nil
	})
	require.Eventually(t, func() bool {
		group := kafka.GroupInfo(kafkaGroup)
		for _, p := range kafka.PartitionInfos(kafkaTopic) {
			if p.HighWatermark > 0 && group.Commits[kafkaTopic][p.Partition].Offset < p.HighWatermark {
				return false
			}
		}
		return true
	}, stack.Patience, 20*time.Millisecond, "the samplers have read everything")
}
