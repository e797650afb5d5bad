package mlsignalsprocessor

import (
	"bytes"
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/metadatatest"
)

// TestTimesThatCannotBe: a span without a duration gets no value that is made of one, and is counted.
func TestTimesThatCannotBe(t *testing.T) {
	for name, tc := range map[string]struct {
		start, end pcommon.Timestamp
		reason     string
	}{
		"start unset":     {0, startTime, "no_start"},
		"start near zero": {5, startTime, "too_long"},
		"end of 2^64-1":   {startTime, math.MaxUint64, "too_long"},
		"57 years":        {startTime, startTime + pcommon.Timestamp(57*365*24*time.Hour), "too_long"},
		"end unset":       {startTime, 0, "end_before_start"},
	} {
		for span, want := range map[string]map[string]any{
			"ml.pipeline.request":      {"ml.stage": "request", "ml.pipeline.success": true},
			"tokenizer_init":           {"ml.stage": "tokenization"},
			"image_preprocessor_init":  {},
			"ml.feature_extraction":    {"ml.stage": "feature_extraction", "ml.features.db_lookup_ms": 770.0},
			"llm_request":              {"ml.stage": "inference", "gen_ai.latency.time_in_queue": 0.5},
			"kn.queueproxy.wait":       {"ml.stage": "inference"},
			"ml.training.pipeline_run": {},
		} {
			t.Run(name+"/"+span, func(t *testing.T) {
				tel := componenttest.NewTelemetry()
				t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
				telemetry, err := newTelemetry(tel.NewTelemetrySettings(), component.NewID(metadata.Type))
				require.NoError(t, err)
				p, err := newSignalsProcessor(defaultConfig(), telemetry)
				require.NoError(t, err)
				require.NoError(t, telemetry.observe(p))

				td := traces(t, pipeline, testSpan{name: span})
				one := spansOf(td)[0]
				one.SetStartTimestamp(tc.start)
				one.SetEndTimestamp(tc.end)
				for _, key := range []string{"ml.features.db_lookup_ms", "gen_ai.latency.time_in_queue"} {
					if v, ok := want[key]; ok {
						one.Attributes().PutDouble(key, v.(float64))
					}
				}
				process(t, p, td)

				assert.Equal(t, want, one.Attributes().AsRaw())
				metadatatest.AssertEqualProcessorMlsignalsMalformedSpans(t, tel, []metricdata.DataPoint[int64]{
					{Value: 1, Attributes: attribute.NewSet(attribute.String("reason", tc.reason), attribute.String("processor", "mlsignals"))},
				}, metricdatatest.IgnoreTimestamp())
			})
		}
	}
}

// twice gives a span a second value under the keys that it has.
func twice(t *testing.T, td ptrace.Traces, second map[string]any) {
	t.Helper()
	span := spansOf(td)[0]
	doubled := pcommon.NewMap()
	require.NoError(t, doubled.FromRaw(second))
	// A map puts one value under a key only: a key of another name is renamed in the encoded span.
	for key, v := range doubled.All() {
		v.CopyTo(span.Attributes().PutEmpty(renamed(key)))
	}
	encoded := encode(t, td)
	for key := range doubled.All() {
		require.Equal(t, 1, bytes.Count(encoded, []byte(renamed(key))))
		encoded = bytes.Replace(encoded, []byte(renamed(key)), []byte(key), 1)
	}
	decoded, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(encoded)
	require.NoError(t, err)
	decoded.CopyTo(td)
}

// renamed is as long as the key.
func renamed(key string) string { return "_" + key[1:] }

// TestTheFirstOfTwoValuesCounts: in what is read, in what a rule asks for, and in a resource.
func TestTheFirstOfTwoValuesCounts(t *testing.T) {
	for name, tc := range map[string]struct {
		first, second, adds map[string]any
	}{
		"of the vocabulary": {
			map[string]any{"ml.inference.queue_wait_ms": 10.0, "ml.inference.forward_pass_ms": 20.0},
			map[string]any{"ml.inference.queue_wait_ms": 5000.0},
			map[string]any{"ml.stage": "inference", "ml.inference.queue_compute_ratio": 0.5},
		},
		"of a dialect's own": {
			map[string]any{"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": int64(7)},
			map[string]any{"gen_ai.usage.input_tokens": int64(700)},
			map[string]any{"ml.stage": "inference", "ml.input.tokens": int64(7)},
		},
		"of a condition": {
			map[string]any{"openinference.span.kind": "CHAIN"},
			map[string]any{"openinference.span.kind": "LLM"},
			map[string]any{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			td := traces(t, nil, testSpan{name: "x", attrs: tc.first, duration: time.Second})
			twice(t, td, tc.second)
			span := spansOf(process(t, forgetful(t), td))[0]
			added := map[string]any{}
			i := 0
			for key, v := range span.Attributes().All() {
				if i++; i > len(tc.first)+len(tc.second) {
					added[key] = v.AsRaw()
				}
			}
			assert.Equal(t, tc.adds, added)
		})
	}
}

// TestBoolsAsText: what Python and gateways write instead of a bool is one, for what is read and for what a rule asks for.
func TestBoolsAsText(t *testing.T) {
	for _, text := range []string{"false", "False", "FALSE"} {
		assert.Equal(t, map[string]any{"ml.stage": "post_processing", "ml.output.valid": false, "ml.signal.revalidated": true},
			derived(t, forgetful(t), nil, testSpan{name: "guard", attrs: map[string]any{"type": "guardrails/guard", "validation_passed": text}}), text)
	}
	for _, text := range []string{"true", "True", "TRUE"} {
		span := testSpan{name: "invoke", attrs: map[string]any{"faas.coldstart": text}}
		assert.Equal(t, true, derived(t, forgetful(t), nil, span)["ml.signal.cold_start"], text)
	}
}

// TestAnEmptyTextHidesNothing: it is filled from what the dialect knows besides, and a pipeline without a name is none.
func TestAnEmptyTextHidesNothing(t *testing.T) {
	td := process(t, forgetful(t), traces(t, map[string]any{"llmisvc.name": "llama"},
		testSpan{name: "llm_request", duration: time.Second, attrs: map[string]any{"gen_ai.latency.e2e": 1.0, "ml.model.name": "", "ml.stage": ""}}))
	attrs := spansOf(td)[0].Attributes().AsRaw()
	assert.Equal(t, "llama", attrs["ml.model.name"])
	assert.Equal(t, "inference", attrs["ml.stage"])

	none := map[string]any{"service.name": "s", "ml.pipeline.name": ""}
	assert.Empty(t, derived(t, forgetful(t), none, testSpan{name: "image_preprocessor_init", duration: time.Second}))
}
