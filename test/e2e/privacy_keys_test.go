package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// contentKeys are the attributes whose values are content, by who sends them: read in the sources of the libraries that
// test/interop pins, and in the conventions of OpenTelemetry 1.44.
var contentKeys = map[string]string{
	"GenAI conventions": "gen_ai.input.messages gen_ai.output.messages gen_ai.system_instructions gen_ai.tool.definitions gen_ai.tool.description " +
		"gen_ai.tool.call.arguments gen_ai.tool.call.result gen_ai.retrieval.documents gen_ai.retrieval.query.text gen_ai.evaluation.explanation gen_ai.prompt gen_ai.completion",
	"OpenLLMetry": "gen_ai.prompt.0.content gen_ai.completion.0.tool_calls.0.arguments gen_ai.task.input gen_ai.task.output traceloop.entity.input traceloop.entity.output " +
		"traceloop.prompt.template traceloop.prompt.template_variables llm.request.functions llm.headers gen_ai.headers gen_ai.content.completion.chunk " +
		"gen_ai.request.structured_output_schema gen_ai.bedrock.guardrail.input_filter gen_ai.guardrail.error.message mcp.request.argument mcp.response.value " +
		"db.chroma.query.where_document db.milvus.query.filter db.milvus.search.search_params db.marqo.search.query db.query.result.document db.query.result.metadata " +
		"db.query.embeddings.vector db.search.result.entity pinecone.query.filter pinecone.query.queries",
	"OpenInference": "input.value output.value input.documents output.images llm.input_messages.0.message.content llm.input_messages.0.message.contents.0.message_content.text " +
		"llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments message.function_call_arguments_json message_content.data llm.invocation_parameters llm.prompts llm.prompts.0 " +
		"llm.choices llm.prompt_template.variables llm.tools.0.tool.json_schema llm.function_call tool.parameters tool.description document.content document.metadata " +
		"retrieval.documents.0.document.content reranker.query reranker.input_documents.0.document.content embedding.embeddings.0.embedding.text embedding.text embedding.vector " +
		"embedding.invocation_parameters audio.transcript audio.url image.url evaluation.explanation annotation.explanation metadata",
	"LangSmith":               "langsmith.metadata.inputs inputs outputs inputs.question gen_ai.serialized.doc gen_ai.request.extra_body langsmith.request.headers",
	"Pydantic AI and Logfire": "pydantic_ai.all_messages all_messages_events final_result tool_arguments tool_response logfire.msg pydantic_ai.tool.retry.cause events prompt",
	"Vercel AI SDK": "ai.prompt ai.prompt.messages ai.prompt.tools ai.response.text ai.response.object ai.response.reasoning ai.response.toolCalls ai.toolCall.args " +
		"ai.toolCall.result ai.value ai.values ai.embedding ai.embeddings",
	"MLflow": "mlflow.spanInputs mlflow.spanOutputs mlflow.chunk.value mlflow.chat.messages mlflow.chat.tools mlflow.traceInputs mlflow.trace.intermediate_outputs",
	"Haystack, Langfuse, LiteLLM": "haystack.component.input haystack.component.output haystack.pipeline.input_data haystack.pipeline.output_data langfuse.observation.input " +
		"langfuse.trace.output langfuse.observation.metadata litellm.guardrail.response guardrail_response litellm.provider.error.stack_trace exception llm.openai.messages llm.openai.choices llm.completions",
	"Guardrails AI, NeMo Guardrails": "validator.validate.input.value validator.validate.output.fix_value validator.validate.output.error_message input output guardrails.rail.reason",
	"databases":                      "db.query.text db.statement db.query.parameter.0 db.operation.parameter.id db.connection_string",
	"HTTP, queues, others": "http.request.body http.response.body http.request.body.content http.request.header.authorization http.response.header.set_cookie url.query graphql.document " +
		"messaging.message.body messaging.message.payload messaging.kafka.message.key exception.message exception.stacktrace error.message rpc.jsonrpc.error_message process.command_args " +
		"process.command_line airflow.dag_run.conf prefect.state.message message user.email user.full_name",
	"people's own": "user_prompt system_prompt user.question chat_history answer llm.response rag.context.documents request.payload completion_text customer_message transcript " +
		"generatedText userPrompt toolArguments system_prompt_v2 rag.context retrieved_docs rag.passages reply summary request_json sql email",
}

// otherKeys are attributes beside them that stay as they are.
const otherKeys = "gen_ai.request.model gen_ai.response.model gen_ai.operation.name gen_ai.output.type gen_ai.tool.name gen_ai.tool.call.id gen_ai.response.finish_reasons gen_ai.conversation.id " +
	"llm.token_count.prompt llm.token_count.completion llm.token_count.prompt_details.cache_input llm.cost.prompt llm.model_name input.mime_type output.mime_type openinference.span.kind " +
	"traceloop.span.kind traceloop.entity.name db.system.name db.query.summary db.operation.name db.namespace http.request.method http.route http.request.body.size http.response.status_code " +
	"messaging.message.body.size messaging.message.id messaging.destination.name rpc.method exception.type error.type url.path ai.model.id ai.response.msToFirstChunk ai.usage.inputTokens " +
	"mlflow.spanType mlflow.chat.tokenUsage haystack.component.type haystack.component.visits validator.name validator.on_fail prefect.state.name airflow.dag_id user.id session.id client.address " +
	"prompt_version prompt_tokens ml.input.type ml.input.tokens ml.output.valid ml.output.required_repair ml.pipeline.name ml.request.id ml.inference.queue_wait_ms"

// TestPrivacyKeys: with deploy/privacy the values of every such key are gone, on spans, events and in logs, as text, as a list
// and as a map; so are messages of failures and the queries of addresses; and all other attributes stay.
func TestPrivacyKeys(t *testing.T) {
	t.Parallel()
	const secret = "my account is 4711"
	data := t.TempDir()
	logs := filepath.Join(data, "logs.json")
	toFile := "yaml:{exporters: {file/logs: {path: " + logs + ", flush_interval: 100ms}}, service: {pipelines: {logs/services: {exporters: [file/logs]}}}}"
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush, stack.Root(t, "deploy/privacy/otelcol.yaml"), toFile))

	content := func(to pcommon.Map) {
		for _, keys := range contentKeys {
			for i, key := range strings.Fields(keys) {
				switch i % 3 {
				case 0:
					to.PutStr(key, secret+"\nand "+secret)
				case 1:
					to.PutEmptySlice(key).AppendEmpty().SetStr(secret)
				default:
					to.PutEmptyMap(key).PutStr("is", secret)
				}
			}
		}
	}
	id := pcommon.TraceID{7, 7, 15: 9}
	traces := genAICall(id)
	for _, rs := range traces.ResourceSpans().All() {
		rs.Resource().Attributes().PutStr("process.command_line", secret)
		span := rs.ScopeSpans().At(0).Spans().At(0)
		content(span.Attributes())
		for _, key := range strings.Fields(otherKeys) {
			if _, there := span.Attributes().Get(key); !there {
				span.Attributes().PutStr(key, "stays")
			}
		}
		span.Attributes().PutStr("url.full", "http://shop/search?q="+secret)
		span.Attributes().PutStr("http.target", "/search?q="+secret)
		span.Status().SetCode(2)
		span.Status().SetMessage("ValueError: " + secret)
		event := span.Events().AppendEmpty()
		event.SetName("exception")
		content(event.Attributes())
	}
	export(t, running, traces)
	records := plog.NewLogs()
	scope := records.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	structured := scope.LogRecords().AppendEmpty()
	content(structured.Attributes())
	call := structured.Body().SetEmptyMap().PutEmptySlice("tool_calls").AppendEmpty().SetEmptyMap().PutEmptyMap("function")
	call.PutStr("name", "look_up")
	call.PutStr("arguments", secret)
	plain := scope.LogRecords().AppendEmpty()
	plain.SetEventName("gen_ai.user.message")
	plain.Body().SetStr(secret)
	scope.LogRecords().AppendEmpty().Body().SetStr("an ordinary line stays")
	exportLogs(t, running.GRPC, records)

	for _, span := range untilKept(t, running, id, 2) {
		for _, keys := range contentKeys {
			for _, key := range strings.Fields(keys) {
				assert.Regexp(t, `^(\*{4}\n?)+$`, span.Text(key), key)
			}
		}
		for _, key := range strings.Fields(otherKeys) {
			assert.NotContains(t, span.Text(key), "****", key)
			assert.NotEmpty(t, span.Text(key), key)
		}
		assert.Equal(t, "http://shop/search?****", span.Text("url.full"))
		assert.Equal(t, "/search?****", span.Text("http.target"))
	}
	file, err := os.ReadFile(running.KeptFile())
	require.NoError(t, err)
	assert.NotContains(t, string(file), "4711")
	stack.Until(t, running.Process, "the logs", func(context.Context) error {
		file, err = os.ReadFile(logs)
		if err == nil && !strings.Contains(string(file), "an ordinary line stays") {
			err = errors.New("the line is not there")
		}
		return err
	})
	assert.NotContains(t, string(file), "4711")
	assert.Contains(t, string(file), "look_up", "the name of the tool stays")
}

func exportLogs(t *testing.T, endpoint string, records plog.Logs) {
	t.Helper()
	connection, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer connection.Close()
	response, err := plogotlp.NewGRPCClient(connection).Export(t.Context(), plogotlp.NewExportRequestFromLogs(records))
	require.NoError(t, err)
	require.Zero(t, response.PartialSuccess().RejectedLogRecords(), response.PartialSuccess().ErrorMessage())
}
