package interop

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
	"github.com/otelcol-ml/otelcol-ml/test/interop/internal/stack"
)

// TestRayServe: of five requests each has a wait, and the longest is what the last of four at once waited.
func TestRayServe(t *testing.T) {
	running, d := runLibrary(t, "rayserve", "ray_serve")
	running.UntilSum(d.Calls, "ml_pipeline_requests_total")
	running.UntilSum(d.Calls, "ml_inference_queue_wait_ms_count")
	require.Greater(t, d.MS, 500.0, "the fourth request has to wait for three of 200 ms")
	waits := running.Scrape()
	assert.InDelta(t, 3, waits.Sum("ml_inference_queue_wait_ms_count")-waits.Sum("ml_inference_queue_wait_ms_bucket", "le", "100.0"), 0,
		"three of them waited for the one before")
	assert.Positive(t, waits.Sum("ml_signals_total", "signal", "high_queue_wait"))
}

// TestFeast: each request is feature extraction with one lookup in the cache.
func TestFeast(t *testing.T) {
	running := stack.StartCollector(t, soon)
	out := stack.Program{
		Venv: "feast", Dir: "libraries", Args: []string{"feast_server.py"},
		Env: append(running.OTLPEnvironment(), "OTEL_SERVICE_NAME=feast", "FEAST_USAGE=False"),
	}.Run(t, "feast")
	d := whatItDid(t, out)
	running.UntilSum(d.Lookups, "ml_feature_extraction_cache_lookup_ms_count")
	running.UntilSum(d.Lookups, "duration_ms_count", "ml_stage", "feature_extraction", "span_name", "POST /get-online-features")
}

// TestMLServer: the model is that of the path, but not where there is none of the name.
func TestMLServer(t *testing.T) {
	running := stack.StartCollector(t, soon)
	var ports []string
	for range 3 {
		address, err := proc.FreeAddress()
		require.NoError(t, err)
		_, port, _ := strings.Cut(address, ":")
		ports = append(ports, port)
	}
	server := stack.Program{
		Venv: "mlserver", Program: "mlserver", Dir: "libraries/mlserver_models", Args: []string{"start", "."},
		Env: []string{
			"MLSERVER_HOST=127.0.0.1", "MLSERVER_HTTP_PORT=" + ports[0], "MLSERVER_GRPC_PORT=" + ports[1], "MLSERVER_METRICS_PORT=" + ports[2],
			"MLSERVER_PARALLEL_WORKERS=0", "MLSERVER_TRACING_SERVER=" + running.GRPC, "OTEL_BSP_SCHEDULE_DELAY=500",
		},
	}.Start(t, "mlserver")
	address := "127.0.0.1:" + ports[0]
	running.Until("MLServer", func(ctx context.Context) error {
		select {
		case <-server.Exited():
			return fmt.Errorf("it has ended:\n%s", server.Tail(20))
		default:
		}
		return infer(ctx, http.MethodGet, "http://"+address+"/v2/health/ready", http.StatusOK)
	})
	const post = http.MethodPost
	for range 3 {
		require.NoError(t, infer(t.Context(), post, "http://"+address+"/v2/models/ranker/infer", http.StatusOK))
	}
	require.NoError(t, infer(t.Context(), post, "http://"+address+"/v2/models/ranker/versions/v1/infer", http.StatusOK))
	require.NoError(t, infer(t.Context(), post, "http://"+address+"/v2/models/none/infer", http.StatusNotFound))
	running.UntilSum(5, "ml_stage_calls_total", "ml_stage", "inference")
	running.UntilSum(4, "ml_stage_calls_total", "ml_model_name", "ranker")
	running.UntilSum(1, "ml_stage_calls_total", "ml_model_name", "ranker", "ml_model_version", "v1")
	running.UntilSum(0, "ml_stage_calls_total", "ml_model_name", "none")
}

func infer(ctx context.Context, method, url string, want int) error {
	const body = `{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1.0]}]}`
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != want {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}
