package mlmetricsconnector

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/builtin"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

func TestDefaultConfigIsValid(t *testing.T) {
	require.NoError(t, createDefaultConfig().(*Config).Validate())
}

// TestValidate reads testdata/invalid.yaml: each document has a configuration and the errors that it must give.
func TestValidate(t *testing.T) {
	file, err := confmaptest.LoadConf(filepath.Join("testdata", "invalid.yaml"))
	require.NoError(t, err)
	var cases map[string]struct {
		Config map[string]any `mapstructure:"config"`
		Errors []string       `mapstructure:"errors"`
	}
	require.NoError(t, file.Unmarshal(&cases))
	require.Greater(t, len(cases), 40)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			config := createDefaultConfig().(*Config)
			err := confmap.NewFromStringMap(tc.Config).Unmarshal(config)
			require.NotEmpty(t, tc.Errors)
			if err == nil { // not the shape is wrong
				err = config.Validate()
			}
			require.Error(t, err)
			for _, expected := range tc.Errors {
				require.ErrorContains(t, err, expected)
			}
			_, list, isDecoders := strings.Cut(err.Error(), "error(s):\n\n'' ")
			if !isDecoders {
				list = err.Error()
			}
			require.Len(t, strings.Split(strings.TrimSpace(list), "\n"), len(tc.Errors), "%v", err)
		})
	}
}

// TestValidConfigs builds the connector with every configuration that the tests or the README show.
func TestValidConfigs(t *testing.T) {
	paths, err := filepath.Glob("testdata/golden/*/config.yaml")
	require.NoError(t, err)
	for _, path := range paths {
		conf, err := confmaptest.LoadConf(path)
		require.NoError(t, err)
		requireBuilds(t, path, conf)
	}
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	examples := 0
	for _, block := range strings.Split(string(readme), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		retrieved, err := confmap.NewRetrievedFromYAML([]byte(block))
		require.NoError(t, err, block)
		whole, err := retrieved.AsConf()
		require.NoError(t, err, block)
		conf, err := whole.Sub("connectors::mlmetrics")
		require.NoError(t, err)
		requireBuilds(t, block, conf)
		examples++
	}
	require.Positive(t, examples)
}

func requireBuilds(t *testing.T, name string, conf *confmap.Conf) {
	t.Helper()
	config := createDefaultConfig().(*Config)
	require.NoError(t, conf.Unmarshal(config), name)
	require.NoError(t, config.Validate(), name)
	_, err := newMetricsConnector(connectortest.NewNopSettings(NewFactory().Type()), config, consumertest.NewNop(), time.Now)
	require.NoError(t, err, name)
}

// TestMetricsOverrideTheConnectorsLimits distinguishes 0 (no limit, never) from absent keys.
func TestMetricsOverrideTheConnectorsLimits(t *testing.T) {
	config := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"series_limit": 1, "series_expiration": "15s",
		"metrics": map[string]any{
			"duration_ms":   map[string]any{"series_limit": 0, "series_expiration": "0s"},
			"ml.batch.size": map[string]any{"enabled": true},
		},
	}).Unmarshal(config))
	require.NoError(t, config.Validate())
	clock := newClock()
	c, sink := newTestConnector(t, config, clock.Now)
	require.NoError(t, c.ConsumeTraces(context.Background(), golden.ReadTraces(t, "../../testdata/article/flamegraph.json")))
	for range 4 {
		clock.advance(time.Minute)
		_, err := c.flush(context.Background())
		require.NoError(t, err)
	}
	all := sink.AllMetrics()
	spans := golden.ReadTraces(t, "../../testdata/article/flamegraph.json").SpanCount()
	require.Equal(t, spans, durations(t, all[len(all)-1]).Len(), "each span has a series of its own, and keeps it")
	for _, m := range all[len(all)-1].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() == "ml.stage.calls" { // the connector's one series has expired, the overflow series stays
			require.Equal(t, 1, m.Sum().DataPoints().Len())
		}
	}
}

func TestDefaultBucketsAreInTheUnitOfTheDuration(t *testing.T) {
	metric := MetricConfig{Kind: "histogram", Duration: true, Unit: "s"}
	m := metric.define("acme.duration")
	require.Equal(t, 0.001, m.Buckets[0])
	require.Equal(t, 3600.0, m.Buckets[len(m.Buckets)-1])
	require.Equal(t, 1.0, builtin.DefaultBuckets[0])
}

// TestAttributesNamedLikeAFieldOfTheSpan are read where from says so.
func TestAttributesNamedLikeAFieldOfTheSpan(t *testing.T) {
	for from, origin := range map[string]metric.Origin{
		"": metric.Intrinsic, "resource": metric.Resource, "event": metric.Event, "span_or_resource": metric.SpanOrResource,
	} {
		p := &problems{}
		require.Equal(t, origin, field(metric.StatusCode, from, "acme.event").Origin, from)
		checkField(metric.StatusCode, from, "acme.event", "", p)
		require.Empty(t, p.list, from)
	}
}
