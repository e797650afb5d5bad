package shop

import (
	"context"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// setupTracing is the article's section 5.1: a resource that says whose spans these are, and a batch span processor in
// front of an OTLP exporter. One thing differs: a full queue makes the service wait instead of dropping spans, because
// a demo sends in seconds what a pipeline sends in minutes, and its counts must be exact.
func setupTracing(ctx context.Context, cfg Config, service, instance string, lost *lost) (*sdktrace.TracerProvider, error) {
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(cfg.Endpoint), otlptracegrpc.WithInsecure())
	if err != nil {
		return nil, fmt.Errorf("OTLP exporter of %s to %s: %w", service, cfg.Endpoint, err)
	}
	return sdktrace.NewTracerProvider(
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", service),
			attribute.String("service.version", "1.4.2"),
			attribute.String("service.instance.id", instance),
			attribute.String("deployment.environment", cfg.Environment),
			attribute.String("ml.pipeline.name", cfg.Pipeline),
		)),
		sdktrace.WithSampler(sdktrace.AlwaysSample()),
		sdktrace.WithBatcher(&watchedExporter{SpanExporter: exporter, service: service, lost: lost},
			sdktrace.WithMaxQueueSize(2048),
			sdktrace.WithMaxExportBatchSize(512),
			sdktrace.WithBlocking(),
		),
	), nil
}

// service is one service: its tracer, and the resource that its spans carry.
type service struct {
	name, instance string
	tracer         trace.Tracer
	provider       *sdktrace.TracerProvider
}

// lost collects the exports that failed for good. A batch span processor only logs them.
type lost struct {
	mutex sync.Mutex
	first error
	spans int
}

func (l *lost) add(service string, spans int, err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.spans += spans
	if l.first == nil {
		l.first = fmt.Errorf("export from %s: %w", service, err)
	}
}

// err returns what was lost so far, nil where nothing was.
func (l *lost) err() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.first == nil {
		return nil
	}
	return fmt.Errorf("%d spans did not reach the collector: %w", l.spans, l.first)
}

type watchedExporter struct {
	sdktrace.SpanExporter
	service string
	lost    *lost
}

func (e *watchedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err != nil {
		e.lost.add(e.service, len(spans), err)
	}
	return err
}
