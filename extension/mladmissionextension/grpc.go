package mladmissionextension

import (
	"context"
	"reflect"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"github.com/otelcol-ml/otelcol-ml/extension/mladmissionextension/internal/shape"
)

// GetGRPCServerOptions returns the middleware: a codec that measures requests
// before it decodes them, an interceptor that refuses those that the codec did
// not decode, and limits on the time that a client may take.
func (a *admission) GetGRPCServerOptions(context.Context) ([]grpc.ServerOption, error) {
	timeout := a.config.RequestTimeout
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(&codec{a, encoding.GetCodecV2(proto.Name)}),
		grpc.ChainUnaryInterceptor(a.intercept),
		grpc.ConnectionTimeout(timeout),
		grpc.InTapHandle(a.begin),
	}, nil
}

// begin is called before a request is read. A request that does not fit beside
// the others waits, and one that stalls would keep the server from stopping, so
// the time of both is limited. Its size is not known yet: it is taken to be as
// large as the largest of late.
func (a *admission) begin(ctx context.Context, _ *tap.Info) (context.Context, error) {
	var patience time.Duration
	ctx, cancel := context.WithTimeout(ctx, a.config.RequestTimeout)
	alone, end := a.connections.begin(ctx)
	if alone {
		patience = a.patience()
	}
	// A request that is too large must not keep out those that follow.
	length := min(a.largest.Load(), a.config.MaxRequestBytes)
	if err := a.reserve(ctx, a.reading, 0, length, patience); err != nil {
		cancel()
		end()
		a.refuse(err)
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	read := sync.OnceFunc(func() { a.reading.release(length) })
	context.AfterFunc(ctx, func() {
		cancel()
		read()
		end()
	})
	return context.WithValue(ctx, begunKey{}, begun{read, end}), nil
}

// begun is what is to be called when a request has been read, and when it has ended.
type begun struct{ read, end func() }

type begunKey struct{}

// received notes the length of a request for those that follow. It forgets large ones slowly.
func (a *admission) received(length int64) {
	largest := a.largest.Load()
	a.largest.CompareAndSwap(largest, max(length, largest-largest/64))
}

// codec decodes requests that are admitted. gRPC would answer every error of a
// codec with INTERNAL, so errors go to the interceptor, by the address of the
// request, which stays empty.
type codec struct {
	*admission
	encoding.CodecV2
}

// found is what the codec found out about a request.
type found struct {
	memory int64
	err    error
}

// Unmarshal measures and decodes a request.
func (c *codec) Unmarshal(data mem.BufferSlice, v any) error {
	signal, ok := signalOf(v)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	buf := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buf.Free()
	c.received(int64(buf.Len()))
	memory, err := shape.Proto(buf.ReadOnlyData(), signal, c.config.MaxDepth)
	f := found{int64(memory), err}
	if f.err == nil {
		f.err = c.reserve(context.Background(), c.processing, 0, f.memory, c.patience())
	}
	if f.err == nil {
		if err := c.CodecV2.Unmarshal(mem.BufferSlice{buf}, v); err != nil {
			c.processing.release(f.memory)
			f.err = shape.ErrMalformed
		}
	}
	c.decoded.Store(v, f)
	return nil
}

// signalOf returns the signal of a request by its type, which is internal to pdata.
func signalOf(v any) (shape.Signal, bool) {
	switch reflect.TypeOf(v).String() {
	case "*internal.ExportTraceServiceRequest":
		return shape.Traces, true
	case "*internal.ExportMetricsServiceRequest":
		return shape.Metrics, true
	case "*internal.ExportLogsServiceRequest":
		return shape.Logs, true
	}
	return 0, false
}

// intercept answers the requests that the codec refused.
func (a *admission) intercept(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if b, ok := ctx.Value(begunKey{}).(begun); ok {
		b.read()
		defer b.end() // before the answer, after which the next request may come
	}
	v, ok := a.decoded.LoadAndDelete(request)
	if !ok {
		return next(ctx, request)
	}
	f := v.(found)
	if f.err == nil {
		defer a.processing.release(f.memory)
		return next(ctx, request)
	}
	switch a.refuse(f.err) {
	case busy:
		return nil, status.Error(codes.Unavailable, f.err.Error())
	case size:
		return nil, status.Error(codes.ResourceExhausted, f.err.Error())
	default:
		return nil, status.Error(codes.InvalidArgument, f.err.Error())
	}
}
