package mlsignalsprocessor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestGenAIConventions(t *testing.T) {
	cfg := defaultConfig()
	cfg.GenAI = true
	p := newTestProcessor(t, cfg)
	out := derived(t, p, map[string]any{"service.name": "vllm"}, testSpan{name: "llm_request", duration: 2 * time.Second, attrs: map[string]any{
		"gen_ai.latency.time_in_queue": 0.1, "gen_ai.latency.time_to_first_token": 0.4, "gen_ai.latency.e2e": 2.0,
		"gen_ai.usage.prompt_tokens": 512, "gen_ai.usage.completion_tokens": 101, "gen_ai.request.model_name": "Qwen3-32B",
	}})
	for key, want := range map[string]any{
		"gen_ai.operation.name": "generate_content", "gen_ai.provider.name": "vllm", "gen_ai.request.model": "Qwen3-32B",
		"gen_ai.usage.input_tokens": int64(512), "gen_ai.usage.output_tokens": int64(101), "gen_ai.response.time_to_first_chunk": 0.4,
	} {
		assert.Equal(t, want, out[key], key)
	}

	own := map[string]any{"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-5-mini", "gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 7}
	out = derived(t, p, map[string]any{"service.name": "bot"}, testSpan{name: "chat", duration: time.Second, attrs: own})
	assert.Equal(t, "openai", out["gen_ai.provider.name"])
	assert.NotContains(t, out, "gen_ai.operation.name", "what the span has stays as it is")

	out = derived(t, p, map[string]any{"ml.pipeline.name": "rank"}, testSpan{name: "ml.inference", duration: time.Second, attrs: map[string]any{"ml.inference.forward_pass_ms": 9.5}})
	for key := range out {
		assert.NotContains(t, key, "gen_ai.", "no call of a language model")
	}
}
