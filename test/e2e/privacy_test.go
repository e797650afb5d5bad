package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestPrivacy: with deploy/privacy the contents of prompts are neither in the file of kept traces nor on the page, and the
// span is counted. With a hash, equal contents are equal, and the key is in no file.
func TestPrivacy(t *testing.T) {
	t.Parallel()
	const secret, key = "my account is 4711", "0123456789abcdef0123456789abcdef"
	for name, env := range map[string][]string{"masked": nil, "hashed": {"OTELCOL_ML_CONTENT_HASH=hmac-sha256", "OTELCOL_ML_CONTENT_KEY=" + key}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := stack.CollectorOptions(t, stack.FastFlush, stack.Root(t, "deploy/privacy/otelcol.yaml"))
			options.Env = append(env, "OTELCOL_ML_DECISION_WAIT=1s")
			running := stack.StartCollector(t, options)
			id := pcommon.TraceID{7, 7, 15: 7}
			traces := genAICall(id)
			for _, rs := range traces.ResourceSpans().All() {
				span := rs.ScopeSpans().At(0).Spans().At(0)
				span.Attributes().PutStr("gen_ai.input.messages", secret)
				span.Attributes().PutEmptySlice("gen_ai.output.messages").AppendEmpty().SetStr(secret)
				event := span.Events().AppendEmpty()
				event.SetName("gen_ai.content.prompt")
				event.Attributes().PutStr("gen_ai.prompt", secret)
			}
			export(t, running, traces)

			untilSum(t, running, running.MetricsURL(), 1, "ml_stage_calls_total", "ml_stage", "inference", "service_name", "shop")
			hidden := map[string]bool{}
			for _, span := range untilKept(t, running, id, 2) {
				hidden[span.Text("gen_ai.input.messages")] = true
			}
			require.Len(t, hidden, 1)
			if name == "masked" {
				assert.True(t, hidden["****"], "%v", hidden)
			} else {
				assert.NotContains(t, hidden, "****")
			}
			file, err := os.ReadFile(running.KeptFile())
			require.NoError(t, err)
			assert.NotContains(t, string(file), "4711")
			stack.Until(t, running.Process, "the page of the trace", func(ctx context.Context) error {
				request, err := http.NewRequestWithContext(ctx, http.MethodGet, running.ViewURL()+"traces/"+id.String()+".json", http.NoBody)
				if err != nil {
					return err
				}
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					return err
				}
				defer response.Body.Close()
				if response.StatusCode != http.StatusOK {
					return fmt.Errorf("status %s", response.Status)
				}
				page, err := io.ReadAll(response.Body)
				if err != nil {
					return err
				}
				assert.Contains(t, string(page), "gen_ai.input.messages")
				assert.NotContains(t, string(page), "4711")
				return nil
			})
			assert.NotContains(t, running.Log(), "4711")
			assert.NotContains(t, running.Log(), key)
		})
	}
}
