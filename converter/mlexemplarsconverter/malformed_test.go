package mlexemplarsconverter

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"
)

// odd are configurations that the collector refuses, for reasons that it tells better.
var odd = []string{
	"{}",
	"service: 5",
	"service: {pipelines: []}",
	"service: {pipelines: {traces: [mlmetrics]}}",
	"service: {pipelines: {traces: {exporters: mlmetrics}}}",
	"service: {pipelines: {traces: {exporters: [{mlmetrics: 1}]}}}",
	"service: {pipelines: {traces: }}",
	"service: {pipelines: {tracks: {exporters: [mlmetrics]}}}",
	"service: {pipelines: {traces/sample: {processors: [tail_sampling/none]}}}",
	"service: {pipelines: {traces/sample: {processors: [/]}}}",
	"connectors: []",
	"connectors: {mlmetrics: 5}",
	"connectors: {mlmetrics: [exemplars]}",
	"connectors: {mlmetrics: {exemplars: 5}}",
	"connectors: {mlmetrics: {exemplars: {signals: {a: 1}}}}",
	"connectors: {mlmetrics: {exemplars: {latency_threshold: soon}}}",
	"connectors: {/: {}, forward: }",
	"connectors: {mltraining: {to: 5}}\nservice: {pipelines: {traces: {exporters: [mlmetrics, mltraining]}, traces/sample: {receivers: [mltraining]}}}",
	"processors: tail_sampling",
	"processors: {tail_sampling: [1]}",
	"processors: {tail_sampling: {policies: 5}}",
	"processors: {tail_sampling: {policies: {name: a}}}",
	"processors: {tail_sampling: {policies: [latency]}}",
	"processors: {tail_sampling: {policies: [null]}}",
	"processors: {tail_sampling: {policies: [{type: [latency]}]}}",
	"processors: {tail_sampling: {policies: [{type: latency, latency: {threshold_ms: long}}]}}",
	"processors: {tail_sampling: {policies: [{type: latency, latency: {threshold_ms: -9223372036854775808}}]}}",
	"processors: {tail_sampling: {policies: [{type: latency, latency: {threshold_ms: 9223372036854775807}}]}}",
	"processors: {tail_sampling: {policies: [{type: and, and: {and_sub_policy: 5}}]}}",
	"processors: {tail_sampling: {policies: [{type: and, and: {and_sub_policy: [{type: and}]}}]}}",
	"processors: {tail_sampling: {policies: [{type: probabilistic, probabilistic: {sampling_percentage: .nan}}]}}",
	"processors: {tail_sampling: {policies: [{type: probabilistic, probabilistic: {sampling_percentage: -.inf}}]}}",
	"processors: {tail_sampling: {policies: [{type: string_attribute, string_attribute: {key: ml.stage, values: ['(', ''], enabled_regex_matching: true}}]}}",
	"processors: {tail_sampling: {decision_wait: -5s}}",
	"processors: {tail_sampling: {decision_wait: 106751991167300d}}",
	"processors: {tail_sampling: {policies: [{type: ml_sampling}]}}",
	"extensions: {ml_sampling: 5}\nprocessors: {tail_sampling: {policies: [{type: ml_sampling}]}}",
	"extensions: [ml_sampling]",
}

// TestOddShapes are no error of the converter's: what reads a setting says what is wrong with it.
func TestOddShapes(t *testing.T) {
	for _, config := range odd {
		_, _, err := resolve(t, one, config)
		require.NoError(t, err, config)
	}
	for _, unread := range []string{"{type: latency, latency: {threshold_ms: long}}", "5"} {
		conf, _, err := resolve(t, one, sampling(failed+","+unread))
		require.NoError(t, err)
		require.Nil(t, rules(t, conf, "mlmetrics"), "nothing is written by halves")
	}
}

// FuzzConvert lays anything over a good configuration: the converter neither fails badly nor changes what is not its own.
func FuzzConvert(f *testing.F) {
	for _, config := range odd {
		f.Add(config)
	}
	for _, policies := range []string{usual, foreign, rare} {
		f.Add(sampling(policies))
	}
	f.Add(exemplars("latency_threshold: 1ms, signals: [all]"))
	f.Fuzz(func(t *testing.T, config string) {
		load := func() (conf *confmap.Conf, ok bool) {
			conf = confmap.New()
			for _, yaml := range []string{one, config} {
				retrieved, err := confmap.NewRetrievedFromYAML([]byte(yaml))
				if err != nil {
					return nil, false
				}
				layer, err := retrieved.AsConf()
				if err != nil || conf.Merge(layer) != nil {
					return nil, false
				}
			}
			return conf, true
		}
		before, ok := load()
		if !ok {
			return // the collector refuses it before it asks converters
		}
		after, _ := load()
		err := NewFactory().Create(confmap.ConverterSettings{Logger: zap.NewNop()}).Convert(t.Context(), after)
		if err != nil {
			require.ErrorContains(t, err, "connectors::mlmetrics")
		}
		for _, conf := range []*confmap.Conf{before, after} {
			for _, key := range conf.AllKeys() {
				if path := strings.Split(key, "::"); path[0] == "connectors" && len(path) > 1 && strings.Contains(path[1], "mlmetrics") {
					conf.Delete(strings.Join(path[:2], "::"))
				}
			}
		}
		require.ElementsMatch(t, before.AllKeys(), after.AllKeys())
	})
}
