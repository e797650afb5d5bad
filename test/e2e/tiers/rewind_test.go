package tiers

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// rewind sets the group's offsets to what came in since a time, as `kafka-consumer-groups.sh --reset-offsets
// --to-datetime` does.
func rewind(t testing.TB, kafka *kfake.Cluster, since time.Time) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.ListenAddrs()...))
	require.NoError(t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()

	list := kmsg.NewPtrListOffsetsRequest()
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = kafkaTopic
	for n := range int32(partitions) {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = n, since.UnixMilli()
		topic.Partitions = append(topic.Partitions, p)
	}
	list.Topics = append(list.Topics, topic)
	offsets, err := list.RequestWith(ctx, client)
	require.NoError(t, err)

	commit := kmsg.NewPtrOffsetCommitRequest()
	commit.Group, commit.Generation = kafkaGroup, -1
	committed := kmsg.NewOffsetCommitRequestTopic()
	// Older versions of the protocol name the topic, newer ones give its ID.
	committed.Topic, committed.TopicID = kafkaTopic, kafka.TopicInfo(kafkaTopic).TopicID
	for _, p := range offsets.Topics[0].Partitions {
		if p.Offset < 0 { // nothing since
			continue
		}
		c := kmsg.NewOffsetCommitRequestTopicPartition()
		c.Partition, c.Offset = p.Partition, p.Offset
		committed.Partitions = append(committed.Partitions, c)
	}
	require.NotEmpty(t, committed.Partitions)
	commit.Topics = append(commit.Topics, committed)
	answer, err := commit.RequestWith(ctx, client)
	require.NoError(t, err)
	for _, p := range answer.Topics[0].Partitions {
		require.Zero(t, p.ErrorCode, "commit of partition %d", p.Partition)
	}
}
