package interop

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tried is a row of the README's table of libraries.
type tried struct {
	// run is the test, or a part of it.
	run string
	// pins is the file of requirements/, or node.
	pins string
	// packages are those that made the spans, and the library that they are about.
	packages []string
	// compared is what the server and the program say, and result what the collector made of it where it is not the same.
	compared, result string
}

const calls = "calls by model, failed ones, tokens"

var triedLibraries = []tried{
	{"TestLiteLLM/own", "gateways", []string{"litellm"}, calls + ", no time to the first token; completion, acompletion, a stream, embedding, text completion, tool call", "the same; `num_retries` are inside of one span"},
	{"TestLiteLLM/v2", "gateways", []string{"litellm"}, "the same with `LITELLM_OTEL_V2`, and first tokens", "the same; calls that are not asynchronous have no span"},
	{"TestLiteLLM/openinference", "gateways", []string{"litellm", "openinference-instrumentation-litellm"}, calls, "the same; text completions have no span, the model is `openai/small`"},
	{"TestLiteLLM/openinference+client", "gateways", []string{"litellm", "openinference-instrumentation-litellm", "openinference-instrumentation-openai"}, calls + ", first tokens", "the same: counted once; the first token is lost where LiteLLM's span ends before the client's"},
	{"TestLiteLLMProxy", "gateways", []string{"litellm", "fastapi"}, calls + ", guardrails before and after the call, one that stops an answer", "the same; what a guardrail stops is a failed call"},
	{"TestInstructor", "gateways", []string{"instructor", "openinference-instrumentation-instructor", "openinference-instrumentation-openai"}, calls + ", answers until one fitted", "the same"},
	{"TestPydanticAI/pydantic_ai", "agents", []string{"pydantic-ai-slim"}, calls + ", first tokens, tool calls, arguments and an output that failed validation", "the same; an output that failed validation is a second call only"},
	{"TestPydanticAI/pydantic_ai+client", "agents", []string{"pydantic-ai-slim", "openinference-instrumentation-openai"}, calls + ", first tokens", "the same: counted once"},
	{"TestLangChain/openinference", "agents", []string{"langchain-core", "langchain-openai", "langgraph", "openinference-instrumentation-langchain"}, calls + "; prompts, a retriever, a graph with a tool", "the same; embeddings and first tokens have no span"},
	{"TestLangChain/openllmetry", "agents", []string{"langchain-core", "langchain-openai", "langgraph", "opentelemetry-instrumentation-langchain"}, calls, "the same; embeddings and first tokens have no span"},
	{"TestLangChain/openllmetry+client", "agents", []string{"opentelemetry-instrumentation-langchain", "opentelemetry-instrumentation-openai"}, calls + ", embeddings", "the same: counted once"},
	{"TestLangChain/langsmith", "agents", []string{"langsmith", "langchain-core", "langgraph"}, calls + "; prompts, a retriever, a graph with a tool", "the same: prompts and retrievers are no calls; embeddings and first tokens have no span, and a failed call may say that it is OK"},
	{"TestHaystack/own", "agents", []string{"haystack-ai", "opentelemetry-haystack"}, "calls, failed ones, a validator that sends the answer back, a ranker without a model", "the same; neither model nor tokens are on the spans"},
	{"TestHaystack/own+client", "agents", []string{"haystack-ai", "opentelemetry-haystack", "openinference-instrumentation-openai"}, calls + ", first tokens", "the same: counted once"},
	{"TestHaystack/openinference", "agents", []string{"haystack-ai", "openinference-instrumentation-haystack"}, calls, "the same; tokens of embeddings are on no span"},
	{"TestHaystack/openinference+client", "agents", []string{"haystack-ai", "openinference-instrumentation-haystack", "openinference-instrumentation-openai"}, calls + ", first tokens", "the same: counted once"},
	{"TestAnthropic/own", "agents", []string{"anthropic"}, calls + ", first tokens, attempts of the client", "the same"},
	{"TestAnthropic/openinference", "agents", []string{"anthropic", "openinference-instrumentation-anthropic"}, calls + ", first tokens, attempts of the client", "the same: counted once"},
	{"TestAISDK", "node", []string{"ai", "@ai-sdk/openai-compatible"}, calls + ", first tokens, attempts; generateText, streamText, generateObject, streamObject, tools, embed, embedMany", "the same"},
	{"TestOpenAIClient/openinference", "libraries", []string{"openai", "openinference-instrumentation-openai"}, calls + ", first tokens; chat, a stream, embeddings", "the same; the client's retries are inside of one span"},
	{"TestOpenAIClient/openllmetry", "libraries", []string{"openai", "opentelemetry-instrumentation-openai"}, calls, "the same; the client's retries are inside of one span"},
	{"TestOpenAIClient/opentelemetry", "libraries", []string{"openai", "opentelemetry-instrumentation-openai-v2"}, calls, "the same; the client's retries are inside of one span"},
	{"TestLlamaIndex", "libraries", []string{"llama-index-core", "openinference-instrumentation-llama-index", "openinference-instrumentation-openai"}, "calls, tokens", "the same: counted once"},
	{"TestMLflow/own", "mlflow", []string{"mlflow-skinny", "openai"}, calls + ", first tokens, scores of the scorers of an evaluation", "the same; tokens of embeddings are on no span, the client's retries are inside of one"},
	{"TestMLflow/genai", "mlflow", []string{"mlflow-skinny", "openai"}, "the same with `MLFLOW_ENABLE_OTEL_GENAI_SEMCONV`", "the same without first tokens and scores, which are on no span then"},
	{"TestGreatExpectations", "great_expectations", []string{"great_expectations", "pandas"}, "checks, failed ones by check and column, rows, share of missing values", "the same"},
	{"TestGuardrailsAI", "libraries", []string{"guardrails-ai"}, "calls, tokens, answers that failed a validation, for each action on failure", "the same"},
	{"TestCountedTwice/litellm_calls+own+client", "gateways", []string{"litellm", "openinference-instrumentation-openai"}, "calls", "counted twice, as the [page of the dialects](../../docs/dialects.md#what-is-counted-once-and-what-nobody-can-see) says: nothing ties the spans together"},
	{"TestCountedTwice/langchain_calls+openinference+client", "agents", []string{"openinference-instrumentation-langchain", "openinference-instrumentation-openai"}, "calls", "counted twice"},
	{"TestCountedTwice/langchain_calls+langsmith+client", "agents", []string{"langsmith", "openinference-instrumentation-openai"}, "calls", "counted twice"},
	{"TestCountedTwice/anthropic_calls+openllmetry", "agents", []string{"anthropic", "opentelemetry-instrumentation-anthropic"}, "calls", "counted twice"},
}

// TestReadmeListsWhatIsTried: its table is that above with the versions that are installed, and each run is of a test that exists.
func TestReadmeListsWhatIsTried(t *testing.T) {
	var b strings.Builder
	b.WriteString("| Run | Library and version | Compared | Counted |\n|---|---|---|---|\n")
	versions := map[string]map[string]string{}
	for _, row := range triedLibraries {
		if versions[row.pins] == nil {
			versions[row.pins] = pinned(t, row.pins)
		}
		var packages []string
		for _, name := range row.packages {
			version, ok := versions[row.pins][name]
			require.True(t, ok, "%s pins no %s", row.pins, name)
			packages = append(packages, name+" "+version)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", row.run, strings.Join(packages, ", "), row.compared, row.result)
	}
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	const begin, end = "<!-- libraries: begin -->\n", "<!-- libraries: end -->"
	_, after, found := strings.Cut(string(readme), begin)
	require.True(t, found)
	table, _, found := strings.Cut(after, end)
	require.True(t, found)
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile("README.md", []byte(strings.Replace(string(readme), begin+table+end, begin+b.String()+end, 1)), 0o644))
		return
	}
	assert.Equal(t, b.String(), table, "UPDATE=1 go test -C test/interop -run TestReadme . writes it")

	tests, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var source strings.Builder
	for _, file := range tests {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		source.Write(data)
	}
	for _, row := range triedLibraries {
		name, _, _ := strings.Cut(row.run, "/")
		assert.Contains(t, source.String(), "func "+name+"(t *testing.T)")
	}
	for _, name := range regexp.MustCompile(`func (Test(?:LiteLLM|Instructor|Pydantic|LangChain|Haystack|Anthropic|AISDK|OpenAI|Llama|MLflow|Guardrails|GreatExpectations|CountedTwice)\w*)\(`).FindAllStringSubmatch(source.String(), -1) {
		assert.True(t, slices.ContainsFunc(triedLibraries, func(row tried) bool { return strings.Split(row.run, "/")[0] == name[1] }), "no row is of %s", name[1])
	}
}

// pinned are the versions of a file of requirements/, or of the packages for Node.js.
func pinned(t *testing.T, file string) map[string]string {
	t.Helper()
	if file == "node" {
		var manifest struct{ Dependencies map[string]string }
		data, err := os.ReadFile("node/package.json")
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &manifest))
		return manifest.Dependencies
	}
	data, err := os.ReadFile("requirements/" + file + ".txt")
	require.NoError(t, err)
	all := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if name, version, ok := strings.Cut(strings.TrimSpace(line), "=="); ok {
			all[name] = version
		}
	}
	return all
}
