package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestInfrastructure asks the queries of docs/infrastructure.md of a Prometheus that scrapes deploy/prometheus/gpu-hosts.yml:
// a real node exporter, and stand-ins for DCGM, vLLM and Triton, which need a GPU. Each has an answer.
func TestInfrastructure(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush))
	jobs, err := os.ReadFile(stack.Root(t, "deploy/prometheus/gpu-hosts.yml"))
	require.NoError(t, err)
	text := string(jobs)
	for usual, address := range map[string]string{
		"localhost:9400": standIn(t, "dcgm"), "localhost:8000": standIn(t, "vllm"), "localhost:8002": standIn(t, "triton"), "localhost:9100": nodeExporter(t),
	} {
		require.Contains(t, text, usual)
		text = strings.Replace(text, usual, address, 1)
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/gpu-hosts.yml", []byte(text), 0o600))
	prometheus := stack.StartPrometheusConfig(t, dir, fmt.Sprintf(`
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_config_files: [gpu-hosts.yml]
scrape_configs: [{ job_name: otelcol-ml, static_configs: [{ targets: [%q] }] }]
`, running.Addresses.Metrics))

	page, err := os.ReadFile(stack.Root(t, "docs/infrastructure.md"))
	require.NoError(t, err)
	queries := regexp.MustCompile("(?s)```promql\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(queries), 5)
	n := byte(0)
	for _, query := range queries {
		stack.Until(t, prometheus.Process, query[1], func(ctx context.Context) error {
			n++
			export(t, running, waits(n))
			answer, _, err := prometheus.Query(ctx, query[1], time.Now())
			if err != nil {
				return err
			}
			if answer.String() == "" {
				return fmt.Errorf("no answer")
			}
			assert.Contains(t, answer.String(), `host_name="127.0.0.1"`, query[1])
			return nil
		})
	}
}

// waits is an inference that waited longer for GPU 0 of this host than it computed.
func waits(n byte) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	_ = rs.Resource().Attributes().FromRaw(map[string]any{"service.name": "ranker", "ml.pipeline.name": "shop", "host.name": "127.0.0.1"})
	span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetName("ml.inference")
	span.SetTraceID(pcommon.TraceID{n, 1})
	span.SetSpanID(pcommon.SpanID{n})
	end := time.Now()
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-300 * time.Millisecond)))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
	_ = span.Attributes().FromRaw(map[string]any{
		"ml.device.id": "0", "ml.model.name": "small", "ml.inference.queue_wait_ms": 200.0, "ml.inference.forward_pass_ms": 100.0,
	})
	return td
}

// standIn serves a file of testdata/infrastructure, in which %d grows.
func standIn(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/infrastructure", name+".txt"))
	require.NoError(t, err)
	var scrapes atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		n := fmt.Sprint(scrapes.Add(1))
		fmt.Fprint(w, strings.NewReplacer("%[1]d", n).Replace(string(text)))
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// nodeExporter starts one and returns its address.
func nodeExporter(t *testing.T) string {
	t.Helper()
	address, err := proc.FreeAddress()
	require.NoError(t, err)
	dir := t.TempDir()
	process, err := proc.Start(proc.Command{
		Name: "the node exporter", Path: stack.NodeExporterBinary(t), Dir: dir, Log: dir + "/log", Args: []string{"--web.listen-address=" + address},
	})
	require.NoError(t, err)
	t.Cleanup(func() { stack.Stop(t, process) })
	return address
}
