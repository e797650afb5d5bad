package e2e

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// badSpan is a span that something is wrong with.
type badSpan struct {
	name string
	set  func(ptrace.Span)
	// key is that of the attribute that is counted as invalid, reason that of the malformed span.
	key, reason string
}

var badSpans = []badSpan{
	{name: "NaN", key: "ml.inference.queue_wait_ms", set: double("ml.inference.queue_wait_ms", math.NaN())},
	{name: "infinite", key: "ml.inference.forward_pass_ms", set: double("ml.inference.forward_pass_ms", math.Inf(1))},
	{name: "negative", key: "ml.features.db_lookup_ms", set: double("ml.features.db_lookup_ms", -1)},
	{name: "over one", key: "ml.features.cache_hit_rate", set: double("ml.features.cache_hit_rate", 1.5)},
	{name: "text for a double", key: "ml.pipeline.latency_ms", set: text("ml.pipeline.latency_ms", "slow")},
	{name: "text for an int", key: "ml.post_processing.validation_attempts", set: text("ml.post_processing.validation_attempts", "two")},
	{name: "a fraction for an int", key: "ml.batch.size", set: double("ml.batch.size", 2.5)},
	{name: "text for a bool", key: "ml.output.required_repair", set: text("ml.output.required_repair", "maybe")},
	{name: "end before start", reason: "end_before_start", set: func(s ptrace.Span) {
		s.SetEndTimestamp(s.StartTimestamp() - pcommon.Timestamp(time.Second))
	}},
	{name: "1e300 ms", key: "ml.task.queue_wait_ms", set: double("ml.task.queue_wait_ms", 1e300)},
	{name: "no start", reason: "no_start", set: func(s ptrace.Span) { s.SetStartTimestamp(0) }},
	{name: "start near zero", reason: "too_long", set: func(s ptrace.Span) { s.SetStartTimestamp(5) }},
	{name: "end of 2^64-1", reason: "too_long", set: func(s ptrace.Span) { s.SetEndTimestamp(math.MaxUint64) }},
	{name: "", reason: "no_name", set: func(ptrace.Span) {}},
}

func double(key string, value float64) func(ptrace.Span) {
	return func(s ptrace.Span) { s.Attributes().PutDouble(key, value) }
}

func text(key, value string) func(ptrace.Span) {
	return func(s ptrace.Span) { s.Attributes().PutStr(key, value) }
}

// TestBadInput sends spans with something wrong, one of them without a resource, among sound ones. All pass on with
// what they came with, and what is wrong is counted.
func TestBadInput(t *testing.T) {
	t.Parallel()
	options := stack.CollectorOptions(t, stack.FastFlush, stack.Root(t, "test/e2e/testdata/all-traces.yaml"))
	all := options.DataDir + "/all-traces.jsonl"
	running := stack.StartCollector(t, options)
	input := badInput()
	export(t, running, input)

	traces := untilSpans(t, running, all, input.SpanCount())
	got := map[pcommon.SpanID]kept.Span{}
	for _, trace := range traces {
		for _, span := range trace {
			got[span.SpanID()] = span
		}
	}
	for _, resource := range input.ResourceSpans().All() {
		for _, want := range resource.ScopeSpans().At(0).Spans().All() {
			span, ok := got[want.SpanID()]
			require.True(t, ok, "span %q is lost", want.Name())
			assertKeptAll(t, want, span)
		}
	}

	telemetry, err := running.Telemetry(t.Context())
	require.NoError(t, err)
	for _, bad := range badSpans {
		if bad.key != "" {
			assert.Equal(t, 1.0, telemetry.Sum("otelcol_processor_mlsignals_invalid_values", "key", bad.key), bad.key)
		}
	}
	assert.Equal(t, map[string]float64{"end_before_start": 1, "no_name": 1, "no_resource": 1, "no_start": 1, "too_long": 2},
		telemetry.By("otelcol_processor_mlsignals_malformed_spans", "reason"))

	t.Run("sound spans are counted nevertheless", func(t *testing.T) {
		stack.Until(t, running.Process, "the sound span's metrics", func(ctx context.Context) error {
			metrics, err := running.Metrics(ctx)
			if err != nil {
				return err
			}
			if n := metrics.Sum("ml_stage_calls_total", "service_name", "bad"); n != float64(len(badSpans)) {
				return fmt.Errorf("%v bad spans", n)
			}
			if sum := metrics.Sum("duration_ms_sum"); sum > 20*float64(len(badSpans)+2) {
				return fmt.Errorf("the sum of the durations is %v", sum)
			}
			if n := metrics.Sum("ml_inference_queue_wait_ms_count", "service_name", "sound"); n != 1 {
				return fmt.Errorf("%v observations", n)
			}
			if sum := metrics.Sum("ml_inference_queue_wait_ms_sum"); sum != 12.5 {
				return fmt.Errorf("the sum is %v: something bad was observed", sum)
			}
			return nil
		})
	})
}

func badInput() ptrace.Traces {
	input := ptrace.NewTraces()
	at := time.Now()
	add := func(resource ptrace.ResourceSpans, name string) ptrace.Span {
		span := resource.ScopeSpans().At(0).Spans().AppendEmpty()
		n := byte(input.SpanCount())
		span.SetTraceID(pcommon.TraceID{0xba, 15: n})
		span.SetSpanID(pcommon.SpanID{0xba, 7: n})
		span.SetName(name)
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(at))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(at.Add(20 * time.Millisecond)))
		span.Attributes().PutStr("mine", "stays")
		return span
	}
	service := func(name string) ptrace.ResourceSpans {
		resource := input.ResourceSpans().AppendEmpty()
		resource.Resource().Attributes().PutStr("service.name", name)
		resource.Resource().Attributes().PutStr("ml.pipeline.name", "recommendation")
		resource.ScopeSpans().AppendEmpty()
		return resource
	}

	bad := service("bad")
	for _, of := range badSpans {
		of.set(add(bad, of.name))
	}
	double("ml.inference.queue_wait_ms", 12.5)(add(service("sound"), "ml.inference"))
	bare := input.ResourceSpans().AppendEmpty()
	bare.ScopeSpans().AppendEmpty()
	add(bare, "ml.input_validation")
	return input
}

func export(t *testing.T, running *collector.Collector, traces ptrace.Traces) {
	t.Helper()
	connection, err := grpc.NewClient(running.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer connection.Close()
	response, err := ptraceotlp.NewGRPCClient(connection).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(traces))
	require.NoError(t, err)
	require.Zero(t, response.PartialSuccess().RejectedSpans(), response.PartialSuccess().ErrorMessage())
}

func untilSpans(t *testing.T, running *collector.Collector, file string, spans int) kept.Traces {
	t.Helper()
	var traces kept.Traces
	stack.Until(t, running.Process, file, func(context.Context) error {
		var err error
		if traces, err = kept.Read(file); err != nil {
			return err
		}
		n := 0
		for _, trace := range traces {
			n += len(trace)
		}
		if n < spans {
			return fmt.Errorf("has %d of %d spans", n, spans)
		}
		return nil
	})
	return traces
}

// assertKeptAll: all that a span came with is still there, whatever was added.
func assertKeptAll(t *testing.T, want ptrace.Span, got kept.Span) {
	t.Helper()
	assert.Equal(t, want.Name(), got.Name())
	assert.Equal(t, want.StartTimestamp(), got.StartTimestamp(), want.Name())
	assert.Equal(t, want.EndTimestamp(), got.EndTimestamp(), want.Name())
	for key, value := range want.Attributes().All() {
		of, ok := got.Attributes().Get(key)
		if assert.True(t, ok, "%s: %s is lost", want.Name(), key) {
			assert.Equal(t, value.Type(), of.Type(), "%s: %s", want.Name(), key)
			assert.Equal(t, value.AsString(), of.AsString(), "%s: %s", want.Name(), key)
		}
	}
}

// TestBadIDs: IDs that are not hexadecimal are refused with the words that docs/troubleshooting.md explains.
func TestBadIDs(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t))
	page, err := os.ReadFile(stack.Root(t, "docs/troubleshooting.md"))
	require.NoError(t, err)
	for id, says := range map[string]string{
		"AQIDBAUGBwgJCgsMDQ4PEA==":         "ID.UnmarshalJSONIter: length mismatch",
		"0102030405060708090a0b0c0d0e0fzz": "encoding/hex: invalid byte",
	} {
		body := fmt.Sprintf(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":%q,"spanId":"0102030405060708"}]}]}]}`, id)
		response, err := http.Post("http://"+running.HTTP+"/v1/traces", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		answer, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, http.StatusBadRequest, response.StatusCode)
		assert.Contains(t, string(answer), says)
		assert.Contains(t, string(page), says)
	}
	for _, signal := range []string{"metrics", "logs"} {
		response, err := http.Post("http://"+running.HTTP+"/v1/"+signal, "application/json", strings.NewReader("{}"))
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, http.StatusOK, response.StatusCode, signal)
	}
}

// TestTimesThatCannotBeAreNotSlow: a trace is not kept as slow because a span of it has no start, root or not.
func TestTimesThatCannotBeAreNotSlow(t *testing.T) {
	t.Parallel()
	options := stack.CollectorOptions(t, stack.FastFlush)
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s"}
	running := stack.StartCollector(t, options)
	next := byte(1)
	ids := map[string]pcommon.TraceID{}
	send := func(name string, root bool, set func(ptrace.Span)) {
		ids[name] = notInBaseline(&next)
		traces := spanOf(ids[name], 1, step{"shop", "", "shop", "checkout", root})
		set(traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0))
		export(t, running, traces)
	}
	noStart := func(s ptrace.Span) { s.SetStartTimestamp(0) }
	slow := func(s ptrace.Span) { s.SetEndTimestamp(s.StartTimestamp() + pcommon.Timestamp(time.Second)) }
	send("a root without a start", true, noStart)
	send("no root, and no start", false, noStart)
	send("a root with a start near zero", true, func(s ptrace.Span) { s.SetStartTimestamp(5) })
	send("a root that ends in 2^64-1", true, func(s ptrace.Span) { s.SetEndTimestamp(math.MaxUint64) })
	send("a slow root", true, slow)
	send("slow, without a root", false, slow)

	untilKept(t, running, ids["a slow root"], 1)
	untilKept(t, running, ids["slow, without a root"], 1)
	untilWaitHasPassed(t, running, notInBaseline(&next))
	stack.Stop(t, running.Process)
	traces, err := kept.Read(running.KeptFile())
	require.NoError(t, err)
	assert.Len(t, traces, 2)
}
