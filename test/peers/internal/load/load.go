// Package load sends pre-encoded OTLP requests over gRPC as fast as a collector takes them.
package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/traffic"
)

const export = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// Load is requests on their way to a collector.
type Load struct {
	next  atomic.Uint64
	spans atomic.Uint64
	limit uint64
	// every is the time between two requests; 0: as fast as they are taken.
	every time.Duration
	began time.Time

	stop   atomic.Bool
	wg     sync.WaitGroup
	mu     sync.Mutex
	failed error
}

// Start sends requests over so many connections, one at a time on each, until it is stopped or, where limit is not 0,
// has sent that many. Where perSecond is not 0 it sends as many requests a second.
func Start(ctx context.Context, address string, source *traffic.Source, connections int, limit uint64, perSecond float64) (*Load, error) {
	l := &Load{limit: limit, began: time.Now()}
	if perSecond > 0 {
		l.every = time.Duration(float64(time.Second) / perSecond)
	}
	for range connections {
		conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			l.stop.Store(true)
			l.wg.Wait()
			return nil, fmt.Errorf("connect to the collector at %s: %w", address, err)
		}
		l.wg.Add(1)
		go func() {
			defer l.wg.Done()
			defer conn.Close()
			if err := l.send(ctx, conn, source); err != nil {
				l.fail(err)
			}
		}()
	}
	return l, nil
}

func (l *Load) send(ctx context.Context, conn *grpc.ClientConn, source *traffic.Source) error {
	var buffer []byte
	for !l.stop.Load() {
		n := l.next.Add(1) - 1
		if l.limit != 0 && n >= l.limit {
			return nil
		}
		time.Sleep(time.Until(l.began.Add(time.Duration(n) * l.every)))
		request := source.Request(n, buffer)
		buffer = request.Data
		var response []byte
		if err := conn.Invoke(ctx, export, &request.Data, &response, grpc.ForceCodec(raw{})); err != nil {
			return fmt.Errorf("request %d: %w", n, err)
		}
		answer := ptraceotlp.NewExportResponse()
		if err := answer.UnmarshalProto(response); err != nil {
			return fmt.Errorf("request %d: read the answer: %w", n, err)
		}
		if partial := answer.PartialSuccess(); partial.RejectedSpans() != 0 {
			return fmt.Errorf("request %d: %d spans were rejected: %s", n, partial.RejectedSpans(), partial.ErrorMessage())
		}
		l.spans.Add(uint64(request.Spans))
	}
	return nil
}

func (l *Load) fail(err error) {
	l.stop.Store(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = errors.Join(l.failed, err)
}

// Spans is how many spans the collector has taken so far.
func (l *Load) Spans() uint64 { return l.spans.Load() }

// Requests is how many requests were begun so far.
func (l *Load) Requests() uint64 { return l.next.Load() }

// Stop ends the load once the requests on their way are answered. The error says what the collector refused.
func (l *Load) Stop() error {
	l.stop.Store(true)
	return l.Wait()
}

// Wait waits until as many requests as the limit says are answered.
func (l *Load) Wait() error {
	l.wg.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// raw passes messages that are encoded already.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func (raw) Name() string { return "proto" }
