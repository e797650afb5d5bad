package mlmetricsconnector

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/observe"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/series"
	"github.com/otelcol-ml/otelcol-ml/internal/exemplarsink"
)

type metricsConnector struct {
	config     *Config
	next       consumer.Metrics
	logger     *zap.Logger
	series     *series.Store
	observers  *observe.Observers
	telemetry  *telemetry
	unregister func()

	stop chan struct{}
	// stopped is closed when the flushes at the interval have ended; cancel ends one that the next consumer blocks.
	stopped chan struct{}
	cancel  context.CancelFunc
}

func newMetricsConnector(set connector.Settings, config *Config, next consumer.Metrics, now func() time.Time) (*metricsConnector, error) {
	p, err := compiled.Compile(config.definitions())
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	t, err := newTelemetry(set.TelemetrySettings, set.ID, p)
	if err != nil {
		return nil, err
	}
	store := series.New(p.Metrics, series.Options{
		Scope:             metadata.ScopeName,
		SeriesLimit:       config.SeriesLimit,
		Expiration:        config.SeriesExpiration,
		Delta:             config.Temporality == delta,
		Histograms:        config.Histograms.Type,
		MaxSize:           config.Histograms.MaxSize,
		MinMax:            config.Histograms.MinMax,
		ExponentialSuffix: config.Histograms.ExponentialSuffix,
		InstanceLabel:     config.Instance.Label,
		Instance:          instanceID(config.Instance.ID, set.ID),
		Now:               now,
	})
	observers := observe.New(p, store, observe.Options{AdjustedCounts: config.AdjustedCounts, LabelLength: config.LabelLengthLimit, Now: now})
	return &metricsConnector{
		config: config, next: next, logger: set.Logger, series: store, observers: observers, telemetry: t,
		unregister: exemplarsink.Register(set.ID, observers),
	}, nil
}

// instanceID is the same at every start on the same host, so that a restart
// continues its series and does not leave the old ones behind.
func instanceID(configured string, id component.ID) string {
	if configured != "" {
		return configured
	}
	host, _ := os.Hostname()
	return strings.TrimSuffix(cmp.Or(host, "unknown")+"/"+id.Name(), "/")
}

// Capabilities says that the spans, which other consumers share, are not changed.
func (*metricsConnector) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// Start begins to flush at the configured interval.
func (c *metricsConnector) Start(ctx context.Context, _ component.Host) error {
	c.telemetry.start(ctx, c.config.SeriesLimit)
	stop := make(chan struct{})
	c.stop, c.stopped = stop, make(chan struct{})
	ctx, c.cancel = context.WithCancel(context.Background())
	go func() {
		defer close(c.stopped)
		ticker := time.NewTicker(c.config.FlushInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				if _, err := c.flush(ctx); err != nil {
					c.logger.Error("The metrics pipeline refused the metrics; the next flush includes their counts", zap.Error(err))
				}
			case <-stop:
				return
			}
		}
	}()
	return nil
}

// Shutdown flushes what was observed since the last flush, within three times shutdownWait even if the next consumer blocks.
func (c *metricsConnector) Shutdown(ctx context.Context) error {
	c.unregister()
	if c.stop == nil { // never started
		return nil
	}
	close(c.stop)
	c.stop = nil
	defer c.cancel()
	time.AfterFunc(shutdownWait, c.cancel) // of a flush in progress
	select {
	case <-c.stopped:
	case <-time.After(2 * shutdownWait):
		c.logger.Error("The metrics pipeline blocks; observations since the last accepted flush are lost")
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, shutdownWait)
	defer cancel()
	held, err := c.lastFlush(ctx)
	if held && err == nil {
		// The first point of new series was zero. There is no later flush that would bring their counts.
		_, err = c.lastFlush(ctx)
	}
	if err != nil {
		c.logger.Error("The metrics pipeline refused the last metrics; observations since the last accepted flush are lost", zap.Error(err))
	}
	return nil
}

const (
	// shutdownWait is how long a shutdown waits for a flush in progress, for that flush to end once it is cancelled, and
	// for the last flushes. The collector has 20 s to shut down.
	shutdownWait = 4 * time.Second
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
	c.observers.Consume(td)
	return nil
}

// flush exports all series. held reports whether some were at zero.
func (c *metricsConnector) flush(ctx context.Context) (held bool, err error) {
	start := time.Now()
	c.observers.Age()
	held, err = c.series.Flush(func(metrics pmetric.Metrics) error { return c.next.ConsumeMetrics(ctx, metrics) })
	c.telemetry.record(ctx, c.observers, c.series, time.Since(start))
	return held, err
}
