package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestGenAIConventions: one setting has the metrics of the GenAI conventions exported, in their units and buckets, and their
// attributes written, also of systems that have none of them, by the collector alone and by the second of two tiers.
// Gateways, the first of two tiers, have neither component and need no setting.
func TestGenAIConventions(t *testing.T) {
	t.Parallel()
	for name, overlays := range map[string][]string{"otelcol.yaml": nil, "the second of two tiers": {"deploy/two-tier/sampler.yaml"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := stack.CollectorOptions(t, stack.FastFlush)
			for _, overlay := range overlays {
				options.Configs = append(options.Configs, stack.Root(t, overlay))
			}
			options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s", "OTELCOL_ML_GENAI=true"}
			running := stack.StartCollector(t, options)
			id := pcommon.TraceID{7, 7, 15: 7}
			export(t, running, genAICall(id))

			stack.Until(t, running.Process, "the metrics of the conventions", func(ctx context.Context) error {
				metrics, err := running.Metrics(ctx)
				if err != nil {
					return err
				}
				for _, one := range []struct {
					name   string
					labels []string
					want   float64
				}{
					{"gen_ai_client_operation_duration_seconds_sum", []string{"gen_ai_operation_name", "chat", "gen_ai_provider_name", "openai", "gen_ai_request_model", "small"}, 2},
					{"gen_ai_client_operation_duration_seconds_bucket", []string{"le", "2.56"}, 1},
					{"gen_ai_client_operation_duration_seconds_bucket", []string{"le", "1.28"}, 0},
					{"gen_ai_client_token_usage_sum", []string{"gen_ai_token_type", "input", "gen_ai_provider_name", "openai"}, 512},
					{"gen_ai_client_token_usage_bucket", []string{"gen_ai_token_type", "input", "gen_ai_provider_name", "openai", "le", "1024.0"}, 1},
					{"gen_ai_server_request_duration_seconds_sum", nil, 1.8},
					{"gen_ai_server_time_to_first_token_seconds_sum", nil, 0.8},
					{"gen_ai_server_time_to_first_token_seconds_bucket", []string{"le", "1.0"}, 1},
					{"gen_ai_server_time_per_output_token_seconds_sum", nil, 0.01},
				} {
					if got := metrics.Sum(one.name, one.labels...); got != one.want {
						return fmt.Errorf("%s %v is %v, must be %v", one.name, one.labels, got, one.want)
					}
				}
				return nil
			})

			for _, span := range untilKept(t, running, id, 2) {
				if span.Name() != "llm_request" {
					continue
				}
				got := span.Attributes().AsRaw()
				var has []string
				for key := range got {
					if strings.HasPrefix(key, "gen_ai.") {
						has = append(has, key)
					}
				}
				assert.Subset(t, has, []string{"gen_ai.request.model", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"})
				assert.EqualValues(t, 101, got["gen_ai.usage.output_tokens"])
			}
			stack.Stop(t, running.Process)
		})
	}
}

// genAICall is a client's call by the conventions, slow enough to be kept, and vLLM's span of it, which has names of its own.
func genAICall(id pcommon.TraceID) ptrace.Traces {
	start := pcommon.NewTimestampFromTime(time.Now().Add(-3 * time.Second))
	td := ptrace.NewTraces()
	add := func(service, scope, name string, kind ptrace.SpanKind, n byte, lasts time.Duration, attributes map[string]any) {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", service)
		ss := rs.ScopeSpans().AppendEmpty()
		ss.Scope().SetName(scope)
		span := ss.Spans().AppendEmpty()
		span.SetTraceID(id)
		span.SetSpanID(pcommon.SpanID{n})
		if n > 1 {
			span.SetParentSpanID(pcommon.SpanID{n - 1})
		}
		span.SetName(name)
		span.SetKind(kind)
		span.SetStartTimestamp(start)
		span.SetEndTimestamp(start + pcommon.Timestamp(lasts))
		_ = span.Attributes().FromRaw(attributes)
	}
	add("shop", "opentelemetry.instrumentation.openai_v2", "chat small", ptrace.SpanKindClient, 1, 2*time.Second, map[string]any{
		"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "small", "gen_ai.usage.input_tokens": 512, "gen_ai.usage.output_tokens": 101,
	})
	add("vllm", "vllm.llm_engine", "llm_request", ptrace.SpanKindServer, 2, 1800*time.Millisecond, map[string]any{
		"gen_ai.latency.time_in_queue": 0.2, "gen_ai.latency.time_to_first_token": 0.8, "gen_ai.latency.e2e": 1.8, "gen_ai.response.model": "small",
		"gen_ai.usage.prompt_tokens": 512, "gen_ai.usage.completion_tokens": 101,
	})
	return td
}
