package e2e

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestExemplarsFollowOtherPolicies changes the policies and nothing else: exemplars point at what these keep, and only
// at that.
func TestExemplarsFollowOtherPolicies(t *testing.T) {
	t.Parallel()
	policies := stack.Root(t, "test/e2e/testdata/otherpolicies.yaml")
	options := stack.CollectorOptions(t, stack.FastFlush, policies)
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=12s"}
	running := stack.StartCollector(t, options)
	assert.Contains(t, running.Log(), `policy "probes" of processors::tail_sampling drops traces that another policy keeps`)
	prometheus := stack.StartPrometheus(t, nil, running.Addresses.Metrics)

	services := open(t, running, shop.Config{})
	var sent []shop.Sent
	reasons := map[pcommon.TraceID]string{}
	// A busy machine may send a wave so late that nothing but the hash chooses: then there is another one.
	for wave := uint64(1); ; wave++ {
		source := shop.NewSource(wave, tellingRates, time.Now().Add(-2*time.Second), time.Millisecond)
		for range 400 {
			s := services.Play(source.Next())
			sent = append(sent, s)
			switch slow, tenth := s.Slower(300*time.Millisecond), inTenth(s.TraceID); {
			case slow && !s.Slower(800*time.Millisecond) && !tenth:
				reasons[pcommon.TraceID(s.TraceID)] = "slower than 300 ms"
			case tenth && !slow:
				reasons[pcommon.TraceID(s.TraceID)] = "a tenth"
			}
		}
		require.NoError(t, services.Flush(t.Context()))
		untilCounted(prometheus, `job="otelcol-ml"`, sent)
		found := map[string]int{}
		for id := range exemplarTraces(t, prometheus) {
			found[reasons[id]]++
		}
		if found["slower than 300 ms"] > 0 && found["a tenth"] > 0 {
			break
		}
		require.Less(t, wave, uint64(10), "exemplars' traces by the reason why they are kept: %v", found)
	}

	stored := untilDecided(t, running, len(sent))
	for id, series := range exemplarTraces(t, prometheus) {
		require.NotEmpty(t, stored[id], "%v point at trace %s, which is not kept", series, id)
	}
	lost := 0
	for _, s := range sent {
		if len(s.Signals()) > 0 && stored[pcommon.TraceID(s.TraceID)] == nil {
			lost++
		}
	}
	require.NotZero(t, lost, "so signals by which the shipped policies would have kept traces do not count here")
}

// inTenth is whether the policy of testdata/otherpolicies.yaml keeps a trace.
func inTenth(id trace.TraceID) bool {
	hash := fnv.New64a()
	hash.Write([]byte("pepper"))
	hash.Write(id[:])
	return float64(hash.Sum64()) <= math.MaxUint64*0.1
}

// TestExemplarRulesAreShown: print-config says what became of the policies, as the converter's README has it.
func TestExemplarRulesAreShown(t *testing.T) {
	t.Parallel()
	output, err := exec.CommandContext(t.Context(), stack.CollectorBinary(t), "print-config", "--format", "json",
		"--config", stack.Root(t, "otelcol.yaml"), "--config", stack.Root(t, "test/e2e/testdata/otherpolicies.yaml")).Output()
	require.NoError(t, err)
	var config struct {
		Connectors struct {
			MLMetrics struct {
				Exemplars map[string]any `json:"exemplars"`
			} `json:"mlmetrics"`
		} `json:"connectors"`
	}
	require.NoError(t, json.Unmarshal(output, &config))
	assert.Equal(t, map[string]any{
		"enabled": true, "signals": []any{}, "errors": false, "latency_threshold": 300e6,
		"sampling_percentage": 10.0, "hash_seed": "pepper", "decision_wait": 10e9, // ns
		// No policy keeps these, but mltraining sends them past the policies.
		"stages": []any{"data_ingestion", "feature_engineering", "training", "evaluation", "model_registration", "deployment"},
	}, config.Connectors.MLMetrics.Exemplars)
}

// TestExemplarRuleTooWide is refused before anything starts.
func TestExemplarRuleTooWide(t *testing.T) {
	t.Parallel()
	validate := func(setting string) (string, error) {
		output, err := exec.CommandContext(t.Context(), stack.CollectorBinary(t), "validate",
			"--config", stack.Root(t, "otelcol.yaml"), "--config", "yaml:connectors::mlmetrics::exemplars::"+setting).CombinedOutput()
		return string(output), err
	}
	output, err := validate("latency_threshold: 500ms")
	require.Error(t, err)
	assert.Contains(t, output, `connectors::mlmetrics::exemplars::latency_threshold is 500ms, but processors::tail_sampling keeps traces longer than 800ms (policy "slow-requests"): remove it, the rule follows the policy, or write 800ms or more`)
	output, err = validate("latency_threshold: 900ms")
	require.NoError(t, err, output)
}
