package tiers

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// front is the load balancer before the gateways, which knows nothing of traces: each request goes to the next
// gateway, so that the spans of one trace come to all of them.
type front struct {
	ptraceotlp.UnimplementedGRPCServer
	gateways []ptraceotlp.GRPCClient
	next     atomic.Uint64
}

// startFront returns the address, host:port, of a load balancer for the gateways at the given ones.
func startFront(t testing.TB, gateways ...string) string {
	t.Helper()
	f := &front{}
	for _, address := range gateways {
		connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		require.NoError(t, err)
		t.Cleanup(func() { connection.Close() })
		f.gateways = append(f.gateways, ptraceotlp.NewGRPCClient(connection))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	ptraceotlp.RegisterGRPCServer(server, f)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

// Export tries each gateway once.
func (f *front) Export(ctx context.Context, request ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	first := f.next.Add(1)
	var failed error
	for i := range f.gateways {
		response, err := f.gateways[(first+uint64(i))%uint64(len(f.gateways))].Export(ctx, request)
		if err == nil {
			return response, nil
		}
		failed = errors.Join(failed, err)
	}
	return ptraceotlp.NewExportResponse(), failed
}

func output(program string, args ...string) (string, error) {
	text, err := exec.Command(program, args...).CombinedOutput()
	return string(text), err
}
