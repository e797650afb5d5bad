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
)

type metricsConnector struct {
	config     *Config
	next       consumer.Metrics
	logger     *zap.Logger
	aggregator *aggregate.Aggregator
	telemetry  *telemetry

	stop    chan struct{}
	stopped sync.WaitGroup
}

func newMetricsConnector(set connector.Settings, config *Config, next consumer.Metrics, now func() time.Time) (*metricsConnector, error) {
	problems := &problems{}
	p := plan.Compile(config.definitions(problems), config.marks()...)
	if err := errors.Join(problems.list...); err != nil {
		return nil, err
	}
	t, err := newTelemetry(set.TelemetrySettings, p)
	if err != nil {
		return nil, err
	}
	return &metricsConnector{
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
			Exemplars:         config.Exemplars.rules(),
			InstanceLabel:     config.Instance.Label,
			Instance:          instanceID(config.Instance.ID, set.ID),
			Now:               now,
		}),
	}, nil
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
func (c *metricsConnector) Start(context.Context, component.Host) error {
	c.stop = make(chan struct{})
	c.stopped.Go(func() {
		ticker := time.NewTicker(c.config.FlushInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				c.flush(context.Background())
			case <-c.stop:
				return
			}
		}
	})
	return nil
}

// Shutdown flushes what was observed since the last flush.
func (c *metricsConnector) Shutdown(ctx context.Context) error {
	if c.stop == nil { // never started
		return nil
	}
	close(c.stop)
	c.stopped.Wait()
	c.stop = nil
	if c.flush(ctx) {
		// The first point of new series was zero. There is no later flush that would bring their counts.
		c.flush(ctx)
	}
	return nil
}

// ConsumeTraces observes the spans.
func (c *metricsConnector) ConsumeTraces(_ context.Context, td ptrace.Traces) error {
	c.aggregator.Consume(td)
	return nil
}

// flush exports all series. It tells whether some were held at zero.
func (c *metricsConnector) flush(ctx context.Context) bool {
	start := time.Now()
	held, err := c.aggregator.Flush(func(metrics pmetric.Metrics) error { return c.next.ConsumeMetrics(ctx, metrics) })
	if err != nil {
		c.logger.Error("The metrics pipeline refused the metrics; the next flush brings their counts", zap.Error(err))
	}
	c.telemetry.record(ctx, c.aggregator, time.Since(start))
	return held
}
