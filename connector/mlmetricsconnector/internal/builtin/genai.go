package builtin

import (
	"math"
	"slices"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Bounds that the GenAI conventions ask for.
var (
	genAIDurations  = []float64{0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92}
	genAIFirstToken = []float64{0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}
	genAIPerToken   = []float64{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5}
	genAITokens     = []float64{1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864}
)

// GenAI returns the metrics of the OpenTelemetry GenAI conventions, from the
// spans of every system: names, units, labels and bounds are those of the
// conventions (docs/gen-ai/gen-ai-metrics.md, v1.41.0 and semantic-conventions-genai at 004902b8, which agree), so that
// dashboards for them work.
func GenAI() []metric.Definition {
	inference := metric.Condition{Field: span(vocab.Stage), In: []string{vocab.StageInference}}
	// Parts of a call are excluded, such as a wait or a transfer of the KV cache.
	call := metric.Condition{Field: alternative(vocab.InputTokens, vocab.OutputTokens, vocab.GenAIRequestModel, vocab.ModelName), Exists: new(true)}
	kind := func(kinds ...string) []metric.Condition {
		return []metric.Condition{inference, call, {Field: metric.Field{Origin: metric.Intrinsic, Key: metric.SpanKind}, In: kinds}}
	}
	duration := metric.Value{Source: metric.Duration, Max: math.Inf(1)}
	labels := []metric.Label{
		{Name: "gen_ai.operation.name", Field: span(vocab.GenAIOperation)},
		{Name: "gen_ai.provider.name", Field: alternative(vocab.GenAIProvider, vocab.GenAISystem)},
		{Name: "gen_ai.request.model", Field: alternative(vocab.GenAIRequestModel, vocab.ModelName)},
		{Name: "gen_ai.response.model", Field: span(vocab.GenAIResponseModel)},
	}
	// Only durations include failed calls.
	failures := append(slices.Clip(labels), metric.Label{Name: "error.type", Field: span("error.type")})
	genAI := func(name, description, unit string, labels []metric.Label, buckets []float64, when []metric.Condition, values ...metric.Value) metric.Definition {
		m := histogram(name, description, buckets, values[0])
		m.Unit, m.Values, m.When = unit, values, when
		// The service, its environment, and the labels of the conventions.
		m.Labels = append([]metric.Label{Common[0], Common[1], Common[len(Common)-1]}, labels...)
		return m
	}
	usage := genAI("gen_ai.client.token.usage", "Tokens of a call of a model", "{token}", labels, genAITokens, []metric.Condition{inference},
		is("input", attribute(vocab.InputTokens)), is("output", attribute(vocab.OutputTokens)))
	usage.SplitLabel = "gen_ai.token.type"
	return []metric.Definition{
		genAI("gen_ai.client.operation.duration", "Duration of a call of a model, as its client sees it", "s", failures, genAIDurations, kind("Client", "Internal"), duration),
		usage,
		genAI("gen_ai.server.request.duration", "Duration of a request, as the server of the model sees it", "s", failures, genAIDurations, kind("Server"), duration),
		genAI("gen_ai.server.time_to_first_token", "Time to the first output token", "s", labels, genAIFirstToken, []metric.Condition{inference}, inMS(vocab.TimeToFirstToken)),
		genAI("gen_ai.server.time_per_output_token", "Time for each output token after the first", "s", labels, genAIPerToken, []metric.Condition{inference}, inMS(vocab.TimePerOutputToken)),
	}
}

// inMS observes milliseconds, in the unit of the metric.
func inMS(key string) metric.Value {
	v := attribute(key)
	v.Milliseconds = true
	return v
}

func alternative(key string, others ...string) metric.Field {
	return metric.Field{Origin: metric.Span, Key: key, Alternatives: others}
}
