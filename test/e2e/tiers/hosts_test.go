package tiers

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
)

// hosts are loopback addresses, 127.0.x.y, with one port that is free on all of them: the DNS resolver of
// load_balancing knows addresses only, and one port.
func hosts(t testing.TB, network byte, n int) (addresses []string, port string) {
	t.Helper()
	for host := 1; host <= n; host++ {
		addresses = append(addresses, fmt.Sprintf("127.0.%d.%d", network, host))
	}
	for range 100 {
		if port = freePort(t, addresses[0]); allFree(addresses, port) {
			return addresses, port
		}
	}
	require.Fail(t, "no port is free on all addresses", "%v", addresses)
	return nil, ""
}

func freePort(t testing.TB, host string) string {
	t.Helper()
	listener, err := net.Listen("tcp", host+":0")
	require.NoError(t, err)
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port
}

func allFree(hosts []string, port string) bool {
	for _, host := range hosts {
		listener, err := net.Listen("tcp", host+":"+port)
		if err != nil {
			return false
		}
		listener.Close()
	}
	return true
}

// onHost are the addresses of a collector that has a host to itself. Its OTLP port is given, the others are free ones.
func onHost(t testing.TB, host, port string) collector.Addresses {
	t.Helper()
	free := func() string { return host + ":" + freePort(t, host) }
	return collector.Addresses{GRPC: host + ":" + port, HTTP: free(), Metrics: free(), ServiceMetrics: free(), View: free(), Health: free(), Telemetry: free()}
}

// names is a hosts file that stands in for a DNS: one name, and the addresses that it resolves to.
type names struct{ file string }

const samplersName = "samplers.tiers.test"

// resolve changes what the name resolves to. The file keeps its inode, which is what the gateways have mounted.
func (n names) resolve(t testing.TB, addresses ...string) {
	t.Helper()
	text := "127.0.0.1 localhost\n"
	for _, address := range addresses {
		text += address + " " + samplersName + "\n"
	}
	require.NoError(t, os.WriteFile(n.file, []byte(text), 0o644))
}

// within returns a program that runs another with this hosts file in place of /etc/hosts. It needs a mount namespace
// of its own for that, which not every container may have: the test is skipped there, and says so.
func (n names) within(t testing.TB, program string) string {
	t.Helper()
	const script = "#!/bin/sh\nexec unshare %s sh -c 'mount --bind %s /etc/hosts && exec \"$@\"' sh %s \"$@\"\n"
	for _, flags := range []string{"--mount", "--user --map-root-user --mount"} {
		path := filepath.Join(t.TempDir(), "with-names")
		write := func(program string) {
			require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, script, flags, n.file, program), 0o755))
		}
		write("cat /etc/hosts")
		if shown, err := output(path); err == nil && strings.Contains(shown, samplersName) {
			write(program)
			return path
		}
	}
	t.Skip("no mount namespace can be had here, so no process can be given names of its own; TestStaticTier runs without")
	return ""
}
