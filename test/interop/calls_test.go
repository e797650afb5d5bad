package interop

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/test/interop/internal/stack"
)

// has is what a library's spans say about its calls, according to its dialect. Calls, models and errors are compared always.
type has struct {
	tokens bool
	// noStatus: a failed call may say that it is OK.
	noStatus bool
	// firstToken: streams have the time to the first token, or perhaps: of two spans of a stream one does, and either may end first.
	firstToken, perhaps bool
}

// check compares what was counted with what the library's program and its server say was done, once every span of the
// program has been counted. So what is counted twice, or not at all, has been too.
func check(t *testing.T, running *stack.Collector, d did, with has) {
	t.Helper()
	require.Positive(t, d.Calls)
	running.UntilSum(d.Spans, "ml_stage_calls_total")
	got := running.Scrape()

	calls := d.Calls + d.Failed
	assert.Equal(t, d.Attempts, got.Sum("ml_inference_attempts_sum"), "which attempt each call says that it is")
	if d.Attempts > 0 {
		assert.Equal(t, calls, got.Sum("ml_inference_attempts_count"))
	}
	assert.Equal(t, calls, got.Sum("ml_stage_calls_total", "ml_stage", "inference"), "calls: %v", stages(got))
	statuses, want := []string{"UNSET", "OK"}, d.Models
	if with.noStatus {
		statuses = append(statuses, "ERROR")
		want["small"] += d.Failed
	} else {
		assert.Equal(t, d.Failed, got.Sum("ml_stage_calls_total", "ml_stage", "inference", "status_code", "ERROR"), "failed calls")
	}
	models := map[string]float64{}
	for _, status := range statuses {
		for model, n := range got.By("ml_stage_calls_total", "ml_model_name", "ml_stage", "inference", "status_code", status) {
			models[strings.TrimPrefix(model, "openai/")] += n // LiteLLM's name of it
		}
	}
	assert.Equal(t, want, models)

	input, output := 0.0, 0.0
	if with.tokens {
		input, output = d.Input, d.Output
	}
	assert.Equal(t, input, got.Sum("ml_tokens_total", "direction", "input"), "input tokens")
	assert.Equal(t, output, got.Sum("ml_tokens_total", "direction", "output"), "output tokens")

	first := got.Sum("ml_inference_time_to_first_token_ms_sum")
	if with.firstToken && !(with.perhaps && first == 0) {
		assert.Positive(t, d.Streams)
		assert.Equal(t, d.Streams, got.Sum("ml_inference_time_to_first_token_ms_count"))
		assert.GreaterOrEqual(t, first, d.Held, "the server holds each first token for so long")
		assert.LessOrEqual(t, first, d.First, "the program had each first token after so long")
	} else {
		assert.Zero(t, first)
	}
	assert.Equal(t, d.Revalidated, got.Sum("ml_post_processing_revalidations_total"), "revalidations")
	assert.Equal(t, d.Revalidated, got.Sum("ml_signals_total"), "signals: %v", got.By("ml_signals_total", "signal"))
	if t.Failed() {
		t.Logf("counted: %v", stages(got))
	}
}

// stages shows what was counted to whoever reads a failure.
func stages(of scrape.Samples) map[string]float64 {
	all := map[string]float64{}
	for _, s := range of {
		if s.Labels.Get("__name__") == "ml_stage_calls_total" && s.Value > 0 {
			all[strings.Join([]string{s.Labels.Get("span_name"), s.Labels.Get("ml_stage"), s.Labels.Get("ml_model_name"), s.Labels.Get("status_code")}, "|")] += s.Value
		}
	}
	return all
}

// TestLiteLLM: its own spans are no children and no parents of the client's, so of the two one is to be left out. Those of
// OpenInference are parents.
func TestLiteLLM(t *testing.T) {
	for _, with := range [][]string{{"own"}, {"v2"}, {"openinference"}, {"openinference", "client"}} {
		t.Run(strings.Join(with, "+"), func(t *testing.T) {
			running, d := runLibrary(t, "gateways", "litellm_calls", with...)
			check(t, running, d, has{tokens: true, firstToken: with[0] == "v2" || len(with) > 1, perhaps: len(with) > 1})
		})
	}
}

// TestLiteLLMProxy: its own spans, those of its guardrails, and FastAPI's around them.
func TestLiteLLMProxy(t *testing.T) {
	running, d := runLibrary(t, "gateways", "litellm_proxy_calls")
	check(t, running, d, has{tokens: true})
	assert.Equal(t, 4.0, running.Scrape().Sum("ml_stage_calls_total", "ml_stage", "post_processing"), "the guardrail after each answer")
}

// TestInstructor: its span has the number of answers until one fitted, if the calls below it have spans.
func TestInstructor(t *testing.T) {
	running, d := runLibrary(t, "gateways", "instructor_calls")
	check(t, running, d, has{tokens: true})
	assert.Equal(t, d.Validations, running.Scrape().Sum("ml_post_processing_validation_attempts_sum"))
}

func TestPydanticAI(t *testing.T) {
	for _, with := range [][]string{nil, {"client"}} {
		t.Run(strings.Join(append([]string{"pydantic_ai"}, with...), "+"), func(t *testing.T) {
			running, d := runLibrary(t, "agents", "pydantic_ai_calls", with...)
			check(t, running, d, has{tokens: true, firstToken: true})
		})
	}
}

// TestAISDK: each attempt of the SDK's own is a span.
func TestAISDK(t *testing.T) {
	server := stack.UntilSays(t, stack.Program{Venv: "agents", Dir: "libraries", Args: []string{"standin.py"}}.Start(t, "standin"), "URL ")
	running := stack.StartCollector(t, soon)
	out := stack.Program{
		Dir: "node", Args: []string{"ai_sdk.mjs"},
		Env: append(running.OTLPEnvironment(), "STANDIN_URL="+server, "OTEL_SERVICE_NAME=assistant", "OTEL_RESOURCE_ATTRIBUTES=ml.pipeline.name=assistant"),
	}.Run(t, "ai_sdk")
	check(t, running, whatItDid(t, out), has{tokens: true, firstToken: true})
}

// TestLangChain: prompts, retrievers, tools and graphs are no calls of a model.
func TestLangChain(t *testing.T) {
	for _, with := range [][]string{{"openinference"}, {"openllmetry"}, {"openllmetry", "client"}, {"langsmith"}} {
		t.Run(strings.Join(with, "+"), func(t *testing.T) {
			running, d := runLibrary(t, "agents", "langchain_calls", with...)
			check(t, running, d, has{tokens: true, noStatus: with[0] == "langsmith"})
		})
	}
}

// TestCountedTwice: where docs/dialects.md says that one of two instrumentations is to be left out, calls are counted twice
// indeed. Where this test fails the page is to be changed.
func TestCountedTwice(t *testing.T) {
	for _, with := range [][]string{
		{"gateways", "litellm_calls", "own", "client"}, {"agents", "langchain_calls", "openinference", "client"}, {"agents", "langchain_calls", "langsmith", "client"},
		{"agents", "anthropic_calls", "openllmetry"},
	} {
		t.Run(strings.Join(with[1:], "+"), func(t *testing.T) {
			running, d := runLibrary(t, with[0], with[1], with[2:]...)
			running.UntilSum(d.Spans, "ml_stage_calls_total")
			assert.GreaterOrEqual(t, running.Scrape().Sum("ml_stage_calls_total", "ml_stage", "inference", "ml_model_name", "small"), 2*d.Models["small"])
		})
	}
}

// TestHaystack: generators and embedders are calls of a model, whose tokens only a client's span has.
func TestHaystack(t *testing.T) {
	for _, with := range [][]string{{"own"}, {"own", "client"}, {"openinference"}, {"openinference", "client"}} {
		t.Run(strings.Join(with, "+"), func(t *testing.T) {
			running, d := runLibrary(t, "agents", "haystack_calls", with...)
			check(t, running, d, has{tokens: with[0] != "own" || len(with) > 1, firstToken: len(with) > 1})
		})
	}
}

// TestAnthropic: the client's own spans have the number of its attempts.
func TestAnthropic(t *testing.T) {
	for _, with := range []string{"own", "openinference"} {
		t.Run(with, func(t *testing.T) {
			running, d := runLibrary(t, "agents", "anthropic_calls", with)
			check(t, running, d, has{tokens: true, firstToken: true})
		})
	}
}
