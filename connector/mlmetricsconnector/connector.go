package mlmetricsconnector

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/aggregate"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"
	"github.com/otelcol-ml/otelcol-ml/internal/exemplarsink"
)

type metricsConnector struct {
	config     *Config
	next       consumer.Metrics
	logger     *zap.Logger
	aggregator *aggregate.Aggregator
	telemetry  *telemetry
	unregister func()

	stop    chan struct{}
	stopped sync.WaitGroup
}

func newMetricsConnector(set connector.Settings, config *Config, next consumer.Metrics, now func() time.Time) (*metricsConnector, error) {
	problems := &problems{}
	p := plan.Compile(config.definitions(problems))
	if err := errors.Join(problems.list...); err != nil {
		return nil, err
	}
	t, err := newTelemetry(set.TelemetrySettings, set.ID, p)
	if err != nil {
		return nil, err
	}
	c := &metricsConnector{
		config: config, next: next, logger: set.Logger, telemetry: t,
		aggregator: aggregate.New(p, aggregate.Options{
			Scope:             metadata.ScopeName,
			SeriesLimit:       config.SeriesLimit,
			Expiration:        config.SeriesExpiration,
			Delta:             config.Temporality == delta,
			Histograms:        config.Histograms.Type,
			MaxSize:           config.Histograms.MaxSize,
			MinMax:            config.Histograms.MinMax,
			ExponentialSuffix: config.Histograms.ExponentialSuffix,
			AdjustedCounts:    config.AdjustedCounts,
			InstanceLabel:     config.Instance.Label,
			Instance:          instanceID(config.Instance.ID, set.ID),
			Now:               now,
		}),
	}
	c.unregister = exemplarsink.Register(set.ID, c.aggregator)
	return c, nil
}

// instanceID is the same at every start on the same host, so that a restart
// continues its series and does not leave the old ones behind.
func instanceID(configured string, id component.ID) string {
	if configured != "" {
		return configured
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	if id.Name() != "" {
		return host + "/" + id.Name()
	}
	return host
}

// Capabilities says that the spans, which other consumers share, are not changed.
func (*metricsConnector) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// Start begins to flush at the configured interval.
func (c *metricsConnector) Start(ctx context.Context, _ component.Host) error {
	c.telemetry.start(ctx, c.config.SeriesLimit)
	c.stop = make(chan struct{})
	c.stopped.Go(func() {
		ticker := time.NewTicker(c.config.FlushInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				if _, err := c.flush(context.Background()); err != nil {
					c.logger.Error("The metrics pipeline refused the metrics; the next flush brings their counts", zap.Error(err))
				}
			case <-c.stop:
				return
			}
		}
	})
	return nil
}

// Shutdown flushes what was observed since the last flush.
func (c *metricsConnector) Shutdown(ctx context.Context) error {
	c.unregister()
	if c.stop == nil { // never started
		return nil
	}
	close(c.stop)
	c.stopped.Wait()
	c.stop = nil
	held, err := c.lastFlush(ctx)
	if held && err == nil {
		// The first point of new series was zero. There is no later flush that would bring their counts.
		_, err = c.lastFlush(ctx)
	}
	if err != nil {
		c.logger.Error("The metrics pipeline refused the last metrics; what was observed since it took some is lost", zap.Error(err))
	}
	return nil
}

const (
	// lastFlushes is how often a flush is tried at shutdown, when no other follows: a queue that is full or a memory
	// limit that is reached pass. The collector's end waits for it, 1.5 s at most.
	lastFlushes = 5
	// lastFlushWait is the wait before the second try. It doubles from try to try.
	lastFlushWait = 100 * time.Millisecond
)

// lastFlush flushes until the metrics pipeline takes the metrics.
func (c *metricsConnector) lastFlush(ctx context.Context) (held bool, err error) {
	wait := lastFlushWait
	for try := 1; ; try++ {
		held, err = c.flush(ctx)
		if err == nil || try == lastFlushes {
			return held, err
		}
		select {
		case <-time.After(wait):
			wait *= 2
		case <-ctx.Done():
			return held, err
		}
	}
}

// ConsumeTraces observes the spans.
func (c *metricsConnector) ConsumeTraces(_ context.Context, td ptrace.Traces) error {
	c.aggregator.Consume(td)
	return nil
}

// flush exports all series. It tells whether some were held at zero.
func (c *metricsConnector) flush(ctx context.Context) (held bool, err error) {
	start := time.Now()
	held, err = c.aggregator.Flush(func(metrics pmetric.Metrics) error { return c.next.ConsumeMetrics(ctx, metrics) })
	c.telemetry.record(ctx, c.aggregator, time.Since(start))
	return held, err
}
