package shop

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Play sends one request through the services and returns what they sent.
func (s *Shop) Play(request Request) Sent {
	p := &play{shop: s, sent: Sent{Request: request}, values: values{loose: request.LooseTypes}}
	p.gateway()
	return p.sent
}

// play is one request on its way.
type play struct {
	shop   *Shop
	sent   Sent
	values values
}

// span is a started span of a service.
type span struct {
	trace.Span
	play    *play
	service *service
	name    string
	start   time.Time
	failed  bool
}

// receive starts a service's span under the context that the headers carry, as a server does.
func (p *play) receive(service *service, name string, at time.Time, headers http.Header) (context.Context, *span) {
	ctx := p.shop.propagator.Extract(context.Background(), propagation.HeaderCarrier(headers))
	ctx, started := service.tracer.Start(ctx, name, trace.WithTimestamp(at), trace.WithSpanKind(trace.SpanKindServer))
	return ctx, &span{Span: started, play: p, service: service, name: name, start: at}
}

// call returns the headers of a request to another service.
func (p *play) call(ctx context.Context) http.Header {
	headers := http.Header{"X-Request-Id": {p.sent.ID}}
	p.shop.propagator.Inject(ctx, propagation.HeaderCarrier(headers))
	return headers
}

func (s *span) set(attributes ...attribute.KeyValue) { s.SetAttributes(attributes...) }

func (s *span) event(name string, at time.Time, attributes ...attribute.KeyValue) {
	s.AddEvent(name, trace.WithTimestamp(at), trace.WithAttributes(attributes...))
}

func (s *span) fail(message string) {
	s.SetStatus(codes.Error, message)
	s.failed = true
}

// end ends the span and notes it as sent.
func (s *span) end(at time.Time) time.Time {
	s.End(trace.WithTimestamp(at))
	s.play.sent.Spans = append(s.play.sent.Spans, Span{
		Service: s.service.name, Instance: s.service.instance, Name: s.name, ID: s.SpanContext().SpanID(),
		Start: s.start, Duration: at.Sub(s.start), Error: s.failed,
	})
	return at
}
