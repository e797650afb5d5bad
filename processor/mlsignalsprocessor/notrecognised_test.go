package mlsignalsprocessor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

// notRecognised is a row of docs/not-recognised.md, and spans that show that it is true.
type notRecognised struct {
	what, why, do string
	resource      map[string]any
	spans         []testSpan
	kind          ptrace.SpanKind
	// without are keys that none of the spans may get; all of ml.* where empty.
	without []string
}

var genAI = map[string]any{"gen_ai.operation.name": "invoke_agent", "gen_ai.system": "openai", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": int64(9)}

var nothing = []notRecognised{
	{what: "Your own spans, with your own names and attributes", why: "nothing shows what they do",
		do:    "name them as in the vocabulary, or write a dialect",
		spans: []testSpan{{name: "rank products", attrs: map[string]any{"wait": 12.5}}}},
	{what: "Server and client spans of HTTP and gRPC, and the `http send` and `http receive` of ASGI", why: "any service has them",
		do:    "nothing; to exclude them from a query, add `ml_stage!=\"\"`",
		kind:  ptrace.SpanKindServer,
		spans: []testSpan{{name: "POST /predict", attrs: map[string]any{"http.route": "/predict"}}, {name: "POST /predict http send", attrs: map[string]any{"asgi.event.type": "http.response.body"}}}},
	{what: "Calls of a model's API with only an HTTP client instrumented (httpx, requests, aiohttp)", why: "the span has a URL, but no model and no tokens",
		do:    "instrument the model's client too, with OpenInference, OpenLLMetry or OpenTelemetry's instrumentation",
		kind:  ptrace.SpanKindClient,
		spans: []testSpan{{name: "POST", attrs: map[string]any{"url.full": "https://api.example.com/v1/chat/completions", "server.address": "api.example.com"}}}},
	{what: "Agents, tools, chains, workflows and retrievals of OpenInference, OpenLLMetry and the GenAI conventions", why: "they contain calls of models, and some repeat their tokens",
		do: "nothing; the calls below them are counted",
		spans: []testSpan{{name: "invoke_agent", attrs: genAI}, {name: "chain", attrs: map[string]any{"openinference.span.kind": "CHAIN"}},
			{name: "search.tool", attrs: map[string]any{"traceloop.span.kind": "tool"}}}},
	{what: "Reads of a cache or a database in a service without `ml.pipeline.name`", why: "any service has them",
		do:    "set `ml.pipeline.name`, also on a Feast server that is not named feast, feast-server or feast-feature-server",
		kind:  ptrace.SpanKindClient,
		spans: []testSpan{{name: "GET", attrs: map[string]any{"db.system": "redis"}}, {name: "SELECT features", attrs: map[string]any{"db.system": "postgresql"}}}},
	{what: "Spans of a message queue (Kafka, Celery, RabbitMQ)", why: "the time in the queue is on no span",
		do:    "set `ml.inference.queue_wait_ms` on the consumer's span to the time since the message was sent",
		kind:  ptrace.SpanKindConsumer,
		spans: []testSpan{{name: "requests process", attrs: map[string]any{"messaging.system": "kafka", "messaging.operation.type": "process"}}}},
}

var unknownValues = []notRecognised{
	{what: "Hits and misses of a cache from its client's spans", why: "the span of a read is the same for both", do: "set `ml.features.cache_hits` and `ml.features.cache_misses`",
		resource: pipeline, kind: ptrace.SpanKindClient,
		spans:   []testSpan{{name: "MGET", attrs: map[string]any{"db.system": "redis"}}},
		without: []string{"ml.features.cache_hits", "ml.features.cache_misses", "ml.features.cache_hit_rate"}},
	{what: "Wait and compute of a call of a model, from the client's side", why: "the conventions have no attributes for them", do: "send the server's spans too: vLLM, SGLang, TGI, Triton and others have them",
		spans:   []testSpan{{name: "chat m", attrs: map[string]any{"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}}},
		without: []string{"ml.inference.queue_wait_ms", "ml.inference.forward_pass_ms"}},
	{what: "The model of a gRPC call of MLServer", why: "no attribute has it", do: "use REST, whose path contains it, or one server per model",
		kind:    ptrace.SpanKindServer,
		spans:   []testSpan{{name: "/inference.GRPCInferenceService/ModelInfer", attrs: map[string]any{"rpc.system": "grpc"}}},
		without: []string{"ml.model.name"}},
	{what: "Compute behind Ray Serve, Knative, MLServer and Feast", why: "their spans end at the model's code", do: "add a span `ml.inference` with `ml.inference.forward_pass_ms` in that code",
		kind:    ptrace.SpanKindServer,
		spans:   []testSpan{{name: "replica_handle_request Model __call__", attrs: map[string]any{"request_id": "r", "deployment": "Model"}}},
		without: []string{"ml.inference.forward_pass_ms"}},
	{what: "Retries of Instructor where the client library has no spans", why: "attempts are counted by the calls below its span", do: "instrument the client library too, or set `ml.post_processing.validation_attempts`",
		spans:   []testSpan{{name: "instructor.patch", attrs: map[string]any{"openinference.span.kind": "TOOL"}}},
		without: []string{"ml.post_processing.validation_attempts"}},
	{what: "Preemptions by vLLM, TensorRT-LLM, llm-d and RTP-LLM", why: "only SGLang has them on a span, as events; vLLM has a metric, `vllm:num_preemptions`", do: "set `ml.inference.preemptions`, or read the engine's metric",
		spans: []testSpan{{name: "llm_request", attrs: map[string]any{"gen_ai.latency.e2e": 0.01, "gen_ai.latency.time_in_queue": 0.001, "gen_ai.usage.completion_tokens": int64(9)}},
			{name: "llm_d.pd_proxy.request"}, {name: "prefill", attrs: map[string]any{"gen_ai.system": "rtp_llm"}}},
		without: []string{"ml.inference.preemptions"}},
	{what: "How long a serverless function took to start, without the layer's span `init`", why: "an invocation reports that it was cold, but not for how long", do: "use OpenTelemetry's layer for AWS Lambda, whose telemetryapi receiver has that span",
		kind:    ptrace.SpanKindServer,
		spans:   []testSpan{{name: "scorer", attrs: map[string]any{"faas.coldstart": true}}},
		without: []string{"ml.cold_start.duration_ms"}},
	{what: "The wait of a task of Airflow 3.2 and later whose worker sends no spans", why: "only the worker's span shows when the task started", do: "enable traces for the workers too",
		spans:   []testSpan{{name: "task_run.train_model", duration: time.Minute, attrs: map[string]any{"airflow.task_id": "train_model", "airflow.task_instance.try_number": int64(1)}}},
		without: []string{"ml.task.queue_wait_ms"}},
	{what: "Number of unavailable features, if an ID is requested twice and some features are missing", why: "a repeated ID is retrieved once; the number is therefore limited to the misses", do: "set `ml.features.unavailable_count`",
		spans: []testSpan{{name: "ml.feature_extraction", attrs: map[string]any{"ml.features.requested_count": int64(10), "ml.features.cache_hits": int64(10),
			"ml.features.cache_misses": int64(0), "ml.features.retrieved_count": int64(9)}}},
		without: []string{"ml.features.unavailable_count", "ml.signal.features_unavailable"}},
	{what: "A span without a start, or one of more than ten years", why: "its timestamps are invalid", do: "nothing; it is passed on, and counted in `otelcol_processor_mlsignals_malformed_spans`",
		spans:   []testSpan{{name: "ml.pipeline.request", duration: 57 * 365 * 24 * time.Hour}},
		without: []string{"ml.pipeline.latency_ms"}},
}

// TestNotRecognised: what the page says is not recognised is not. `go test -update` writes its tables.
func TestNotRecognised(t *testing.T) {
	for _, row := range append(append([]notRecognised(nil), nothing...), unknownValues...) {
		td := traces(t, row.resource, row.spans...)
		for _, span := range spansOf(td) {
			span.SetKind(row.kind)
			span.SetParentSpanID(pcommon.SpanID{9, 9})
		}
		for i, span := range spansOf(process(t, forgetful(t), td)) {
			for key := range span.Attributes().All() {
				if _, sent := row.spans[i].attrs[key]; sent {
					continue
				}
				if len(row.without) == 0 {
					assert.False(t, strings.HasPrefix(key, "ml."), "%s: %s", row.what, key)
				}
				assert.NotContains(t, row.without, key, row.what)
			}
		}
	}
	golden.EqualSections(t, "../../docs/not-recognised.md", map[string]string{"nothing": rows(nothing), "values": rows(unknownValues)})
}

func rows(all []notRecognised) string {
	var b strings.Builder
	b.WriteString("| What | Why | What to do |\n|---|---|---|\n")
	for _, row := range all {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", row.what, row.why, row.do)
	}
	return b.String()
}
