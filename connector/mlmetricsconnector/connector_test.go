package mlmetricsconnector

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor"
)

// clock is a time that a test moves.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 3, 3, 14, 3, 0, 0, time.UTC)} }

func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

func (c *clock) Now() time.Time { return c.now }

func loadConfig(t *testing.T, path string) *Config {
	t.Helper()
	conf, err := confmaptest.LoadConf(path)
	require.NoError(t, err)
	config := createDefaultConfig().(*Config)
	require.NoError(t, conf.Unmarshal(config))
	require.NoError(t, config.Validate())
	config.Instance.ID = "test"
	return config
}

func newTestConnector(t testing.TB, config *Config, now func() time.Time) (*metricsConnector, *consumertest.MetricsSink) {
	t.Helper()
	sink := &consumertest.MetricsSink{}
	c, err := newMetricsConnector(connectortest.NewNopSettings(NewFactory().Type()), config, sink, now)
	require.NoError(t, err)
	return c, sink
}

// TestGolden sends each folder's traces, or else the article's, through mlsignals and the connector with the folder's
// configuration, and compares what it exports: at zero first where points are cumulative, then with the counts.
func TestGolden(t *testing.T) {
	folders, err := filepath.Glob("testdata/golden/*")
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			input := filepath.Join(folder, "traces.json")
			if _, err := os.Stat(input); err != nil {
				input = "../../testdata/article/flamegraph.json"
			}
			clock := newClock()
			c, sink := newTestConnector(t, loadConfig(t, filepath.Join(folder, "config.yaml")), clock.Now)
			signals := mlsignalsprocessor.NewFactory()
			processor, err := signals.CreateTraces(context.Background(), processortest.NewNopSettings(signals.Type()), signals.CreateDefaultConfig(), c)
			require.NoError(t, err)
			require.NoError(t, processor.Start(context.Background(), componenttest.NewNopHost()))
			t.Cleanup(func() { require.NoError(t, processor.Shutdown(context.Background())) })

			require.NoError(t, processor.ConsumeTraces(context.Background(), golden.ReadTraces(t, input)))
			clock.advance(15 * time.Second)
			held, err := c.flush(context.Background())
			require.NoError(t, err)
			require.Equal(t, c.config.Temporality == cumulative, held, "new cumulative series are held at zero")
			if held {
				clock.advance(15 * time.Second)
				held, err = c.flush(context.Background())
				require.NoError(t, err)
				require.False(t, held)
				requireAllZero(t, sink.AllMetrics()[0])
			}
			all := sink.AllMetrics()
			golden.EqualMetrics(t, filepath.Join(folder, "metrics.json"), all[len(all)-1])
		})
	}
}

func requireAllZero(t *testing.T, metrics pmetric.Metrics) {
	t.Helper()
	for _, m := range metrics.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		switch m.Type() {
		case pmetric.MetricTypeSum:
			for _, dp := range m.Sum().DataPoints().All() {
				require.Zero(t, dp.IntValue(), m.Name())
				require.Zero(t, dp.DoubleValue(), m.Name())
			}
		case pmetric.MetricTypeExponentialHistogram:
			for _, dp := range m.ExponentialHistogram().DataPoints().All() {
				require.Zero(t, dp.Count(), m.Name())
				require.Zero(t, dp.Sum(), m.Name())
				require.Zero(t, dp.ZeroCount(), m.Name())
			}
		case pmetric.MetricTypeHistogram:
			for _, dp := range m.Histogram().DataPoints().All() {
				require.Zero(t, dp.Count(), m.Name())
				require.Zero(t, dp.Sum(), m.Name())
				for _, n := range dp.BucketCounts().All() {
					require.Zero(t, n, m.Name())
				}
			}
		}
	}
}

func TestShutdownExportsZeroThenWhatWasObserved(t *testing.T) {
	clock := newClock()
	config := createDefaultConfig().(*Config)
	config.FlushInterval = time.Hour
	c, sink := newTestConnector(t, config, clock.Now)
	require.NoError(t, c.Start(context.Background(), componenttest.NewNopHost()))
	require.NoError(t, c.ConsumeTraces(context.Background(), golden.ReadTraces(t, "../../testdata/article/flamegraph.json")))
	require.NoError(t, c.Shutdown(context.Background()))

	all := sink.AllMetrics()
	require.Len(t, all, 2)
	requireAllZero(t, all[0])
	first, last := durations(t, all[0]), durations(t, all[1])
	require.Equal(t, first.Len(), last.Len())
	var count uint64
	for i, dp := range last.All() {
		count += dp.Count()
		require.Greater(t, dp.Timestamp(), first.At(i).Timestamp(), "two points of a series at one time are one too many")
		require.LessOrEqual(t, dp.StartTimestamp(), first.At(i).Timestamp())
	}
	require.EqualValues(t, golden.ReadTraces(t, "../../testdata/article/flamegraph.json").SpanCount(), count)
}

// TestShutdownTriesAgain has the metrics pipeline refuse metrics at shutdown, when no later flush brings them.
func TestShutdownTriesAgain(t *testing.T) {
	for _, refusals := range []int{0, 1, 4, 5, 1000} {
		synctest.Test(t, func(t *testing.T) {
			sink := &consumertest.MetricsSink{}
			calls := 0
			next, err := consumer.NewMetrics(func(ctx context.Context, md pmetric.Metrics) error {
				if calls++; calls <= refusals {
					return errors.New("the queue is full")
				}
				return sink.ConsumeMetrics(ctx, md)
			})
			require.NoError(t, err)
			set := connectortest.NewNopSettings(NewFactory().Type())
			core, logs := observer.New(zap.ErrorLevel)
			set.Logger = zap.New(core)
			config := createDefaultConfig().(*Config)
			config.FlushInterval = time.Hour
			c, err := newMetricsConnector(set, config, next, time.Now)
			require.NoError(t, err)
			require.NoError(t, c.Start(context.Background(), componenttest.NewNopHost()))
			require.NoError(t, c.ConsumeTraces(context.Background(), golden.ReadTraces(t, "../../testdata/article/flamegraph.json")))
			require.NoError(t, c.Shutdown(context.Background()))

			if refusals >= lastFlushes {
				require.Equal(t, lastFlushes, calls, "it gives up")
				require.Equal(t, 1, logs.FilterMessageSnippet("observations since the last accepted flush are lost").Len())
				return
			}
			require.Zero(t, logs.Len())
			all := sink.AllMetrics()
			require.Len(t, all, 2)
			requireAllZero(t, all[0])
			var count uint64
			for _, dp := range durations(t, all[1]).All() {
				count += dp.Count()
			}
			require.EqualValues(t, golden.ReadTraces(t, "../../testdata/article/flamegraph.json").SpanCount(), count)
		})
	}
}

// TestShutdownEndsInTime does not try for longer than it may.
func TestShutdownEndsInTime(t *testing.T) {
	calls := 0
	next, err := consumer.NewMetrics(func(context.Context, pmetric.Metrics) error { calls++; return errors.New("no") })
	require.NoError(t, err)
	c, err := newMetricsConnector(connectortest.NewNopSettings(NewFactory().Type()), createDefaultConfig().(*Config), next, time.Now)
	require.NoError(t, err)
	require.NoError(t, c.Start(context.Background(), componenttest.NewNopHost()))
	require.NoError(t, c.ConsumeTraces(context.Background(), golden.ReadTraces(t, "../../testdata/article/flamegraph.json")))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.NoError(t, c.Shutdown(ctx))
	require.Equal(t, 1, calls)
}

// TestShutdownOfABlockedPipeline shuts down while a flush at the interval is blocked by the next consumer, which returns
// when its context is cancelled, or never, and where the last flush is blocked too.
func TestShutdownOfABlockedPipeline(t *testing.T) {
	for name, c := range map[string]struct {
		blocked       int // calls that block
		heedsContext  bool
		lost, counted bool
	}{
		"until it is cancelled":               {blocked: 1, heedsContext: true, counted: true},
		"each flush until it is cancelled":    {blocked: 1000, heedsContext: true, lost: true},
		"for longer than the shutdown may be": {blocked: 1, lost: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink, calls, end := &consumertest.MetricsSink{}, 0, make(chan struct{})
				next, err := consumer.NewMetrics(func(ctx context.Context, md pmetric.Metrics) error {
					if calls++; calls > c.blocked {
						return sink.ConsumeMetrics(ctx, md)
					}
					heeds := ctx.Done()
					if !c.heedsContext {
						heeds = nil
					}
					select {
					case <-heeds:
						return ctx.Err()
					case <-end:
						return errors.New("the test is over")
					}
				})
				require.NoError(t, err)
				set := connectortest.NewNopSettings(NewFactory().Type())
				core, logs := observer.New(zap.ErrorLevel)
				set.Logger = zap.New(core)
				connector, err := newMetricsConnector(set, createDefaultConfig().(*Config), next, time.Now)
				require.NoError(t, err)
				require.NoError(t, connector.Start(context.Background(), componenttest.NewNopHost()))
				require.NoError(t, connector.ConsumeTraces(context.Background(), golden.ReadTraces(t, "../../testdata/article/flamegraph.json")))
				time.Sleep(connector.config.FlushInterval) // of synctest's clock
				synctest.Wait()
				require.Equal(t, 1, calls)
				require.NoError(t, connector.Shutdown(context.Background()))
				require.Equal(t, c.lost, logs.FilterMessageSnippet("observations since the last accepted flush are lost").Len() == 1)
				if c.counted {
					var count uint64
					for _, dp := range durations(t, sink.AllMetrics()[len(sink.AllMetrics())-1]).All() {
						count += dp.Count()
					}
					require.EqualValues(t, golden.ReadTraces(t, "../../testdata/article/flamegraph.json").SpanCount(), count)
				}
				close(end)
			})
		})
	}
}

// TestReloadContinuesTheCounts shuts a connector down between spans and starts another, as a reload of the
// configuration does. Each span is counted by one of them, and the intervals that their points cover do not overlap.
func TestReloadContinuesTheCounts(t *testing.T) {
	clock := newClock()
	config := createDefaultConfig().(*Config)
	config.FlushInterval = time.Hour
	var count, ended uint64
	for range 3 {
		c, sink := newTestConnector(t, config, clock.Now)
		require.NoError(t, c.Start(context.Background(), componenttest.NewNopHost()))
		var writers sync.WaitGroup
		for range 4 {
			writers.Go(func() {
				assert.NoError(t, c.ConsumeTraces(context.Background(), golden.ReadTraces(t, "../../testdata/article/flamegraph.json")))
			})
		}
		writers.Wait()
		clock.advance(time.Second)
		require.NoError(t, c.Shutdown(context.Background()))
		all := sink.AllMetrics()
		requireAllZero(t, all[0])
		last := uint64(0)
		for _, dp := range durations(t, all[1]).All() {
			require.Greater(t, uint64(dp.StartTimestamp()), ended)
			last = max(last, uint64(dp.Timestamp()))
			count += dp.Count()
		}
		ended = last
		clock.advance(time.Second)
	}
	require.EqualValues(t, 12*golden.ReadTraces(t, "../../testdata/article/flamegraph.json").SpanCount(), count)
}

func durations(t *testing.T, metrics pmetric.Metrics) pmetric.HistogramDataPointSlice {
	t.Helper()
	for _, m := range metrics.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() == "duration_ms" {
			return m.Histogram().DataPoints()
		}
	}
	require.Fail(t, "no duration_ms")
	return pmetric.NewHistogramDataPointSlice()
}

func TestFlushHappensAtTheInterval(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.FlushInterval = time.Millisecond
	c, sink := newTestConnector(t, config, time.Now)
	require.NoError(t, c.Start(context.Background(), componenttest.NewNopHost()))
	defer func() { require.NoError(t, c.Shutdown(context.Background())) }()
	require.NoError(t, c.ConsumeTraces(context.Background(), golden.ReadTraces(t, "../../testdata/article/flamegraph.json")))
	require.Eventually(t, func() bool { return len(sink.AllMetrics()) > 3 }, time.Minute, time.Millisecond)
}

func TestInstanceIDIsStable(t *testing.T) {
	host, err := os.Hostname()
	require.NoError(t, err)
	typ := NewFactory().Type()
	require.Equal(t, host, instanceID("", component.NewID(typ)))
	require.Equal(t, host+"/edge", instanceID("", component.NewIDWithName(typ, "edge")), "two connectors of one collector differ")
	require.Equal(t, "a", instanceID("a", component.NewIDWithName(typ, "edge")))
}

// TestTwoCollectorsNeverShareASeries has two collectors count the same spans, as behind a load balancer.
func TestTwoCollectorsNeverShareASeries(t *testing.T) {
	series := func(id string) map[string]bool {
		config := createDefaultConfig().(*Config)
		config.Instance.ID = id
		c, sink := newTestConnector(t, config, time.Now)
		require.NoError(t, c.ConsumeTraces(context.Background(), golden.ReadTraces(t, "../../testdata/article/flamegraph.json")))
		_, err := c.flush(context.Background())
		require.NoError(t, err)
		keys := make(map[string]bool)
		for _, dp := range durations(t, sink.AllMetrics()[0]).All() {
			keys[fmt.Sprint(dp.Attributes().AsRaw())] = true
		}
		require.NotEmpty(t, keys)
		return keys
	}
	first, again, other := series("a"), series("a"), series("b")
	require.Equal(t, first, again, "a restart continues its series")
	for key := range other {
		require.NotContains(t, first, key)
	}
}
