package interop

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/test/interop/internal/stack"
)

// runExample runs an example to its end, and waits until the collector has counted from the spans what the example's services say.
func runExample(t *testing.T, example stack.Program) (running *stack.Collector, output string) {
	t.Helper()
	running = stack.StartCollector(t, soon)
	// As a user's SDK sends: every five seconds, and the rest when the service ends.
	example.Env = append(example.Env, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+running.GRPC)
	output = example.Run(t, "example")
	counted, err := scrape.ReadCounted(output)
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
	return running, output
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

// TestExampleTraining: six processes, whose context came in a job's environment or a message's headers, are one trace. It is
// kept whole, and the training is linked to what made its input.
func TestExampleTraining(t *testing.T) {
	running, output := runExample(t, stack.Program{Venv: "example-training", Dir: "../../examples/training", Args: []string{"run.py"}})
	_, id, found := strings.Cut(output, "\ntrace ")
	require.True(t, found, output)
	bytes, err := hex.DecodeString(id[:32])
	require.NoError(t, err)

	want := []string{
		"data-ingestion", "data-validation", "feature-engineering", "feature-engineering", "feature-engineering", "feature-engineering",
		"model-deployment", "model-evaluation", "model-registration", "model-training", "pipeline-run",
		"shards publish", "shards publish", "shards publish", "shards publish",
	}
	trace := pcommon.TraceID(bytes)
	traces := running.UntilKept([]pcommon.TraceID{trace}, func(trace kept.Trace) error {
		var names []string
		for _, span := range trace {
			names = append(names, span.Name())
		}
		if slices.Sort(names); !slices.Equal(names, want) {
			return fmt.Errorf("its spans are %v, must be %v", names, want)
		}
		return nil
	})
	byName := map[string][]kept.Span{}
	for _, span := range traces[trace] {
		byName[span.Name()] = append(byName[span.Name()], span)
	}
	run, training := byName["pipeline-run"][0], byName["model-training"][0]
	for _, job := range []string{"data-ingestion", "model-training", "model-evaluation", "model-registration", "model-deployment"} {
		assert.Equal(t, run.SpanID(), byName[job][0].ParentSpanID(), job)
	}
	var linked, engineered, published, parents []string
	for _, link := range training.Links().All() {
		linked = append(linked, link.SpanID().String())
	}
	for _, span := range byName["feature-engineering"] {
		engineered, parents = append(engineered, span.SpanID().String()), append(parents, span.ParentSpanID().String())
	}
	for _, span := range byName["shards publish"] {
		published = append(published, span.SpanID().String())
	}
	assert.ElementsMatch(t, engineered, linked)
	assert.ElementsMatch(t, published, parents)
}
