package mlviewexporter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/arrivals"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/kept"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/page"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/series"
)

// viewExporter stores traces and metrics and serves the page.
type viewExporter struct {
	cfg       *Config
	logger    *zap.Logger
	telemetry *telemetry
	traces    *kept.Store
	series    *series.Store
	page      *page.Page
	server    *http.Server
	ended     chan struct{}
}

func newViewExporter(cfg *Config, set component.TelemetrySettings, id component.ID) (*viewExporter, error) {
	limit := int64(cfg.MemoryMiB) << 20
	v := &viewExporter{
		cfg: cfg, logger: set.Logger,
		traces: kept.NewStore(limit / 4 * 3), series: series.NewStore(limit/4, time.Now()),
	}
	v.page = &page.Page{Traces: v.traces, Series: v.series, Arrivals: arrivals.NewReader(cfg.TelemetryEndpoint), TraceURL: cfg.TraceURL, Now: time.Now}
	var err error
	v.telemetry, err = newTelemetry(set, id, v)
	return v, err
}

func (v *viewExporter) consumeTraces(ctx context.Context, td ptrace.Traces) error {
	v.telemetry.dropped(ctx, v.traces.Add(td, time.Now()))
	return nil
}

func (v *viewExporter) consumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	v.telemetry.noRoom(ctx, v.series.Add(md, time.Now()))
	return nil
}

// Limits of a request, so that slow or endless requests do not block the server.
const (
	readTimeout   = 10 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	shutdownGrace = 2 * time.Second
)

// Start listens and serves.
func (v *viewExporter) Start(ctx context.Context, host component.Host) error {
	handler, err := v.guard(host, v.page.Handler())
	if err != nil {
		return err
	}
	secure, err := v.cfg.TLS.load()
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", v.cfg.Endpoint)
	if err != nil {
		return fmt.Errorf("endpoint: found %s, must be an address that is free to listen on; choose another one: %w", v.cfg.Endpoint, err)
	}
	scheme := "http"
	if secure != nil {
		scheme = "https"
	}
	v.server = &http.Server{
		Handler: handler, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		TLSConfig: secure, ErrorLog: zap.NewStdLog(v.logger.WithOptions(zap.IncreaseLevel(zap.ErrorLevel))),
	}
	v.ended = make(chan struct{})
	go func() {
		defer close(v.ended)
		serve := v.server.Serve
		if secure != nil {
			serve = func(l net.Listener) error { return v.server.ServeTLS(l, "", "") }
		}
		if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
			v.logger.Error("the page is no longer served", zap.Error(err))
		}
	}()
	v.logger.Info("the page is served", zap.String("address", scheme+"://"+listener.Addr().String()))
	return nil
}

// Shutdown waits for requests that are being answered, but not for idle connections.
func (v *viewExporter) Shutdown(ctx context.Context) error {
	v.telemetry.builder.Shutdown()
	v.page.Arrivals.Close()
	if v.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, shutdownGrace)
	defer cancel()
	err := v.server.Shutdown(ctx)
	if err != nil {
		err = v.server.Close()
	}
	<-v.ended
	return err
}
