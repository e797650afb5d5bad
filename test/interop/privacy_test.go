package interop

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/test/interop/internal/stack"
)

// contents are in the prompts, answers, tool calls and statements of every program.
var contents = regexp.MustCompile(`WITH RECURSIVE|\brude\b|a kind answer|How many legs|four legs|\bcat\b|"?(legs|feet)\\*"?: ?\\*"?(\d|many)`)

// everything has all traces kept.
const everything = "yaml:processors::mltailsampling::policies: [{name: all, type: always_sample}]"

// TestPrivacy: with deploy/privacy no prompt, answer or argument that a library puts into its spans is stored, and its
// calls are counted.
func TestPrivacy(t *testing.T) {
	for _, run := range [][]string{
		{"libraries", "openai_calls", "openinference"},
		{"libraries", "openai_calls", "openllmetry"},
		{"libraries", "openai_calls", "opentelemetry"},
		{"libraries", "llama_index_calls"},
		{"libraries", "guards"},
		{"libraries", "lookups"},
		{"gateways", "litellm_calls", "own"},
		{"gateways", "litellm_calls", "v2"},
		{"gateways", "instructor_calls"},
		{"agents", "pydantic_ai_calls"},
		{"agents", "langchain_calls", "openinference"},
		{"agents", "langchain_calls", "openllmetry"},
		{"agents", "langchain_calls", "langsmith"},
		{"agents", "haystack_calls", "own"},
		{"agents", "haystack_calls", "openinference"},
		{"agents", "anthropic_calls", "own"},
		{"agents", "anthropic_calls", "openinference"},
		{"gateways", "litellm_proxy_calls"},
		{"mlflow", "mlflow_calls", "own"},
		{"mlflow", "mlflow_calls", "genai"},
	} {
		t.Run(strings.Join(run[1:], "+"), func(t *testing.T) {
			assert.Empty(t, keysOfContents(t, run, stack.Root(t, "deploy/privacy/otelcol.yaml")))
		})
	}
	t.Run("without it", func(t *testing.T) {
		run := []string{"libraries", "openai_calls", "openinference"}
		assert.Contains(t, keysOfContents(t, run), "input.value", "the test sees contents where there are some")
	})
}

// keysOfContents runs a program, keeps all of its traces and returns the keys of the attributes that have contents.
func keysOfContents(t *testing.T, run []string, settings ...string) (keys []string) {
	t.Helper()
	running, d := runLibraryWith(t, append([]string{soon, everything}, settings...), run[0], run[1], run[2:]...)
	running.UntilSum(d.Spans, "ml_stage_calls_total")
	running.Until("every span in the file of kept traces", func(context.Context) error {
		traces, err := kept.Read(running.KeptFile())
		if err != nil {
			return err
		}
		spans := 0
		for _, trace := range traces {
			spans += len(trace)
		}
		if spans != int(d.Spans) {
			return fmt.Errorf("%d, want %v", spans, d.Spans)
		}
		keys = keysWith(contents, traces)
		return nil
	})
	return keys
}

// keysWith returns the keys of attributes, of spans, their events, links and resources, whose value matches, and
// "name" and "status" for those of spans.
func keysWith(pattern *regexp.Regexp, traces kept.Traces) []string {
	keys := map[string]bool{}
	look := func(at string, attributes pcommon.Map) {
		for key, value := range attributes.All() {
			if pattern.MatchString(value.AsString()) {
				keys[at+key] = true
			}
		}
	}
	for _, trace := range traces {
		for _, span := range trace {
			look("", span.Attributes())
			look("resource ", span.Resource.Attributes())
			for _, event := range span.Events().All() {
				look("event "+event.Name()+" ", event.Attributes())
			}
			for _, link := range span.Links().All() {
				look("link ", link.Attributes())
			}
			if pattern.MatchString(span.Name()) {
				keys["name"] = true
			}
			if pattern.MatchString(span.Status().Message()) {
				keys["status"] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}
