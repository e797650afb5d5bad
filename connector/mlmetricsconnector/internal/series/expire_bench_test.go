package series

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
)

// BenchmarkExpire drops 250,000 series at once: a flush that exports nothing.
func BenchmarkExpire(b *testing.B) {
	const all = 250_000
	now := time.Unix(1_700_000_000, 0)
	plan := compile([]metric.Definition{{
		Name: "calls", Kind: metric.Counter, Values: []metric.Value{{Source: metric.Count}},
		Labels: []metric.Label{{Name: "span", Field: metric.Field{Origin: metric.Intrinsic, Key: metric.SpanName}}},
	}})
	flush := func(s *Store) {
		_, err := s.Flush(func(pmetric.Metrics) error { return nil })
		require.NoError(b, err)
	}
	for b.Loop() {
		b.StopTimer()
		s := New(plan.Metrics, Options{Expiration: time.Minute, Now: func() time.Time { return now }})
		shard := s.Shards()[0]
		shard.Lock()
		for n := range all {
			shard.Add(shard.Find(0, key(0, fmt.Sprint("span-", n))), 1, 1)
		}
		shard.Unlock()
		for range 2 {
			now = now.Add(time.Second)
			flush(s)
		}
		require.Len(b, s.byKey, all)
		now = now.Add(2 * time.Minute)
		b.StartTimer()
		flush(s) // exports them a last time, and drops them
		b.StopTimer()
		require.Empty(b, s.byKey)
		b.StartTimer()
	}
}
