package mlmetricsconnector

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// policy is what this test reads of a tail_sampling policy.
type policy struct {
	Name    string `mapstructure:"name"`
	Type    string `mapstructure:"type"`
	Latency struct {
		ThresholdMS int64 `mapstructure:"threshold_ms"`
	} `mapstructure:"latency"`
	StatusCode struct {
		StatusCodes []string `mapstructure:"status_codes"`
	} `mapstructure:"status_code"`
	BooleanAttribute struct {
		Key   string `mapstructure:"key"`
		Value bool   `mapstructure:"value"`
	} `mapstructure:"boolean_attribute"`
	StringAttribute struct {
		Key    string   `mapstructure:"key"`
		Values []string `mapstructure:"values"`
	} `mapstructure:"string_attribute"`
	Probabilistic struct {
		SamplingPercentage float64 `mapstructure:"sampling_percentage"`
		HashSalt           string  `mapstructure:"hash_salt"`
	} `mapstructure:"probabilistic"`
}

// TestExemplarRulesAreThePoliciesOfOtelcolYAML fails where otelcol.yaml samples by other rules than its mlmetrics
// takes exemplars by: then exemplars would point at traces that are not stored.
func TestExemplarRulesAreThePoliciesOfOtelcolYAML(t *testing.T) {
	file, err := confmaptest.LoadConf("../../otelcol.yaml")
	require.NoError(t, err)
	sampling, err := file.Sub("processors::tail_sampling")
	require.NoError(t, err)
	var policies struct {
		Policies []policy `mapstructure:"policies"`
	}
	require.NoError(t, sampling.Unmarshal(&policies, confmap.WithIgnoreUnused()))

	sub, err := file.Sub("connectors::mlmetrics")
	require.NoError(t, err)
	decisionWait := "10s" // what the connector has when the file says nothing
	if sub.IsSet("exemplars::decision_wait") {
		decisionWait = sub.Get("exemplars::decision_wait").(string)
		sub.Delete("exemplars::decision_wait") // it names an environment variable, which only the collector resolves
	}
	require.Contains(t, sampling.Get("decision_wait"), decisionWait, "both wait equally long")
	config := createDefaultConfig().(*Config)
	require.NoError(t, sub.Unmarshal(config))
	require.Equal(t, 10*time.Second, config.Exemplars.DecisionWait)

	rules := config.Exemplars.rules()
	require.NotNil(t, rules)
	require.NotEmpty(t, policies.Policies)
	var signals, stages []string
	var latency time.Duration
	var percentage float64
	errors := false
	for _, p := range policies.Policies {
		switch p.Type {
		case "latency":
			latency = time.Duration(p.Latency.ThresholdMS) * time.Millisecond
		case "status_code":
			errors = slices.Contains(p.StatusCode.StatusCodes, "ERROR")
		case "boolean_attribute":
			require.True(t, p.BooleanAttribute.Value, p.Name)
			signals = append(signals, p.BooleanAttribute.Key)
		case "string_attribute":
			require.Equal(t, vocab.Stage, p.StringAttribute.Key, p.Name)
			stages = append(stages, p.StringAttribute.Values...)
		case "probabilistic":
			percentage = p.Probabilistic.SamplingPercentage
			require.Equal(t, p.Probabilistic.HashSalt, rules.HashSeed)
		}
	}
	require.Subset(t, signals, rules.Signals, "a policy keeps every signal that exemplars trust")
	require.Subset(t, stages, rules.Stages)
	require.Equal(t, latency, rules.Latency)
	require.Equal(t, errors, rules.Errors)
	require.Equal(t, percentage, rules.Percentage)
}
