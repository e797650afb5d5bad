package mlsignalsprocessor

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// TestACallIsCountedOnce sends what real clients recorded, span by span and in one batch, and compares with what the
// server that they called has counted. The versions are in the README beside each file.
func TestACallIsCountedOnce(t *testing.T) {
	for file, served := range map[string]struct{ calls, input, output int64 }{
		"openinference/llama-index": {4, 50, 22},
		// The client's span of the streamed call has no parent: nothing says that it is the same.
		"openinference/llama-index-openai": {4 + 1, 50 + 14, 22 + 7},
		"openinference/openai":             {3, 36, 9},
		"openllmetry/openai":               {3, 36, 9},
		"otel_genai/openai-v2":             {3, 36, 9},
		"otel_genai/two-instrumentations":  {3, 36, 9},
		"guardrails_ai/recorded":           {9, 100, 37},
	} {
		t.Run(file, func(t *testing.T) {
			recorded := golden.ReadTraces(t, filepath.Join(dialectData, file+".input.json"))
			random := rand.New(rand.NewPCG(5, 6))
			for round := range 20 {
				batches := oneSpanEach(recorded)
				order := childrenFirst(batches, random)
				p := forgetful(t)
				if round%2 == 0 {
					batches = []ptrace.Traces{process(t, p, together(batches, order))}
				} else {
					for _, i := range order {
						process(t, p, batches[i])
					}
				}
				var calls, input, output int64
				for _, batch := range batches {
					for _, span := range spansOf(batch) {
						if stage, ok := span.Attributes().Get(vocab.Stage); ok && stage.Str() == vocab.StageInference {
							calls++
						}
						if n, ok := span.Attributes().Get(vocab.InputTokens); ok {
							input += n.Int()
						}
						if n, ok := span.Attributes().Get(vocab.OutputTokens); ok {
							output += n.Int()
						}
					}
				}
				require.Equal(t, []int64{served.calls, served.input, served.output}, []int64{calls, input, output})
			}
		})
	}
}

// TestEveryFailedValidationIsSeenOnce: Guardrails AI 0.11 leaves the outcome of a validation empty. The eight guards of the
// recording fail once each, but for the last.
func TestEveryFailedValidationIsSeenOnce(t *testing.T) {
	td := process(t, forgetful(t), golden.ReadTraces(t, filepath.Join(dialectData, "guardrails_ai/recorded.input.json")))
	revalidated := map[string]int{}
	for _, span := range spansOf(td) {
		if _, ok := span.Attributes().Get(vocab.SignalRevalidated); ok {
			revalidated[span.TraceID().String()]++
		}
	}
	assert.Len(t, revalidated, 7)
	for trace, n := range revalidated {
		assert.Equal(t, 1, n, trace)
	}
}

// TestAGenAISpanWithoutAnOperationName is inference where it names its system, its model and tokens, and is no agent.
func TestAGenAISpanWithoutAnOperationName(t *testing.T) {
	call := map[string]any{"gen_ai.system": "openai", "gen_ai.request.model": "small", "gen_ai.usage.input_tokens": int64(11), "gen_ai.usage.output_tokens": int64(4)}
	with := func(key string, value any) map[string]any {
		m := map[string]any{key: value}
		for k, v := range call {
			m[k] = v
		}
		return m
	}
	without := func(key string) map[string]any {
		m := with("x", "y")
		delete(m, key)
		return m
	}
	for name, tc := range map[string]struct {
		attrs     map[string]any
		inference bool
	}{
		"a call":                {call, true},
		"an agent":              {with("gen_ai.operation.name", "invoke_agent"), false},
		"an agent by its name":  {with("gen_ai.agent.name", "planner"), false},
		"a tool":                {with("gen_ai.tool.name", "search"), false},
		"without a model":       {without("gen_ai.request.model"), false},
		"without a system":      {without("gen_ai.system"), false},
		"the response's model":  {map[string]any{"gen_ai.provider.name": "openai", "gen_ai.response.model": "small", "gen_ai.usage.input_tokens": int64(11)}, true},
		"a call with its name":  {with("gen_ai.operation.name", "chat"), true},
		"names that others use": {map[string]any{"gen_ai.request.model": "small"}, false},
	} {
		got := derived(t, forgetful(t), nil, testSpan{name: "x", attrs: tc.attrs})
		if tc.inference {
			assert.Equal(t, "inference", got["ml.stage"], name)
			assert.Equal(t, "small", got["ml.model.name"], name)
			assert.Equal(t, int64(11), got["ml.input.tokens"], name)
		} else {
			assert.Empty(t, got, name)
		}
	}
}
