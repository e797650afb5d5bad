package interop

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/test/interop/internal/stack"
)

// runExample runs an example to its end, and waits until the collector has counted from the spans what the example's services say.
func runExample(t *testing.T, example stack.Program, settings ...string) *stack.Collector {
	t.Helper()
	running := stack.StartCollector(t, append([]string{soon}, settings...)...)
	// As a user's SDK sends: every five seconds, and the rest when the service ends.
	example.Env = append(example.Env, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+running.GRPC)
	counted, err := scrape.ReadCounted(example.Run(t, "example"))
	require.NoError(t, err)
	for metric, n := range counted {
		assert.Positive(t, n, "the example does not show %s", metric)
	}
	running.Until("what the example counted", func(ctx context.Context) error {
		samples, err := running.Metrics(ctx)
		if err != nil {
			return err
		}
		return counted.Is(samples)
	})
	return running
}

// TestExamplePython: the article's services in each way in which Python services are started. test/e2e has plain uvicorn.
func TestExamplePython(t *testing.T) {
	for name, args := range map[string][]string{
		"instrument":          {"--instrument"},
		"gunicorn":            {"--server", "gunicorn", "--workers", "2"},
		"gunicorn_preload":    {"--server", "gunicorn", "--workers", "2", "--preload"},
		"gunicorn_instrument": {"--server", "gunicorn", "--workers", "2", "--instrument"},
	} {
		t.Run(name, func(t *testing.T) {
			runExample(t, stack.Program{
				Venv: "example-python", Dir: "../../examples/python", Args: append([]string{"run.py", "--port", "0"}, args...),
			})
		})
	}
}
