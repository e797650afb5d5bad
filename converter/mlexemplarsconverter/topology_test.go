package mlexemplarsconverter

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTopology is about which samplers judge the spans that mlmetrics sees.
func TestTopology(t *testing.T) {
	const components = `
receivers: {otlp: {}}
exporters: {debug: {}, otlp: {}}
connectors: {mlmetrics: {}, forward/a: {}, forward/b: {}, forward/c: {}, mltraining: {to: [traces/training]}, service_graph: {}}
processors:
  mlsignals: {}
  tail_sampling/slow: {decision_wait: 20s, policies: [` + slow + `, ` + failed + `]}
  tail_sampling/failed: {decision_wait: 8s, policies: [` + failed + `, ` + queued + `]}
  tail_sampling/all: {policies: [{name: everything, type: always_sample}]}
`
	slowOnly := none(m{"latency_threshold": "800ms", "errors": true, "decision_wait": "20s"})
	trainingToo := func(rules m) m {
		rules["stages"] = []any{"data_ingestion", "feature_engineering", "training", "evaluation", "model_registration", "deployment"}
		return rules
	}
	for name, test := range map[string]struct {
		traces string // service::pipelines
		want   m
	}{
		"no sampler":            {`traces: {receivers: [otlp], exporters: [mlmetrics, debug]}`, nil},
		"mlmetrics is not used": {`traces: {receivers: [otlp], processors: [tail_sampling/slow], exporters: [debug]}`, nil},
		"not in traces":         {`logs: {receivers: [otlp], processors: [tail_sampling/slow], exporters: [mlmetrics]}`, nil},
		"far behind": {`
    traces: {receivers: [otlp], exporters: [mlmetrics, forward/a]}
    traces/b: {receivers: [forward/a], processors: [mlsignals], exporters: [forward/b]}
    traces/c: {receivers: [forward/b], processors: [mlsignals, tail_sampling/slow], exporters: [debug]}`, slowOnly},
		"beside": {`
    traces: {receivers: [otlp], exporters: [mlmetrics]}
    traces/b: {receivers: [otlp], processors: [tail_sampling/slow], exporters: [debug]}`, nil},
		"an exporter has the name of a receiver": {`
    traces: {receivers: [otlp], exporters: [mlmetrics, otlp]}
    traces/b: {receivers: [otlp], processors: [tail_sampling/slow], exporters: [debug]}`, nil},
		"both of two in a row": {`
    traces: {receivers: [otlp], exporters: [mlmetrics, forward/a]}
    traces/b: {receivers: [forward/a], processors: [tail_sampling/slow], exporters: [forward/b]}
    traces/c: {receivers: [forward/b], processors: [tail_sampling/failed], exporters: [debug]}`,
			none(m{"errors": true, "decision_wait": "8s"})},
		"both of two branches": {`
    traces: {receivers: [otlp], exporters: [mlmetrics, forward/a]}
    traces/b: {receivers: [forward/a], processors: [tail_sampling/slow], exporters: [debug]}
    traces/c: {receivers: [forward/a], processors: [tail_sampling/failed], exporters: [debug]}`,
			none(m{"errors": true, "decision_wait": "8s"})},
		"one of two keeps everything": {`
    traces: {receivers: [otlp], exporters: [mlmetrics, forward/a]}
    traces/b: {receivers: [forward/a], processors: [tail_sampling/slow], exporters: [debug]}
    traces/c: {receivers: [forward/a], processors: [tail_sampling/all], exporters: [debug]}`, slowOnly},
		"of two pipelines": {`
    traces: {receivers: [otlp], exporters: [mlmetrics, forward/a]}
    traces/b: {receivers: [forward/a], processors: [tail_sampling/slow], exporters: [debug]}
    traces/c: {receivers: [otlp], exporters: [mlmetrics, forward/b]}
    traces/d: {receivers: [forward/b], processors: [tail_sampling/failed], exporters: [debug]}`,
			none(m{"errors": true, "decision_wait": "8s"})},
		"sampled before": {`
    traces: {receivers: [otlp], processors: [tail_sampling/slow], exporters: [mlmetrics, debug]}`, m{"sampling_percentage": 100.0}},
		"sampled long before": {`
    traces: {receivers: [otlp], processors: [tail_sampling/slow], exporters: [forward/a]}
    traces/b: {receivers: [forward/a], exporters: [forward/b, forward/c]}
    traces/c: {receivers: [forward/b, forward/c], exporters: [mlmetrics, debug]}`, m{"sampling_percentage": 100.0}},
		"only some of it sampled before": {`
    traces: {receivers: [otlp], processors: [tail_sampling/slow], exporters: [forward/a]}
    traces/b: {receivers: [otlp, forward/a], exporters: [mlmetrics, debug]}`, nil},
		"sampled before and behind": {`
    traces: {receivers: [otlp], processors: [tail_sampling/failed], exporters: [mlmetrics, forward/a]}
    traces/b: {receivers: [forward/a], processors: [tail_sampling/slow], exporters: [debug]}`, slowOnly},
		"training runs go another way": {`
    traces: {receivers: [otlp], exporters: [mlmetrics, forward/a]}
    traces/a: {receivers: [forward/a], exporters: [mltraining]}
    traces/training: {receivers: [mltraining], exporters: [debug]}
    traces/b: {receivers: [mltraining], processors: [tail_sampling/slow], exporters: [debug]}`, trainingToo(none(slowOnly))},
		"training runs are sampled all the same": {`
    traces: {receivers: [otlp], exporters: [mlmetrics, mltraining]}
    traces/training: {receivers: [mltraining], exporters: [forward/a]}
    traces/b: {receivers: [mltraining], exporters: [forward/a]}
    traces/c: {receivers: [forward/a], processors: [tail_sampling/slow], exporters: [debug]}`, slowOnly},
		"training runs are sampled first": {`
    traces: {receivers: [otlp], exporters: [mlmetrics, forward/a]}
    traces/a: {receivers: [forward/a], processors: [tail_sampling/slow], exporters: [mltraining]}
    traces/training: {receivers: [mltraining], exporters: [debug]}
    traces/b: {receivers: [mltraining], exporters: [debug]}`, slowOnly},
		"a store beside the samplers does not have training runs alone": {`
    traces: {receivers: [otlp], exporters: [mlmetrics, mltraining, forward/a]}
    traces/training: {receivers: [mltraining], exporters: [debug]}
    traces/b: {receivers: [mltraining, forward/a], processors: [tail_sampling/slow], exporters: [debug]}`, slowOnly},
		"in a circle, which the collector refuses": {`
    traces: {receivers: [otlp, forward/b], exporters: [mlmetrics, forward/a]}
    traces/b: {receivers: [forward/a, mltraining], processors: [tail_sampling/slow], exporters: [forward/b, mltraining]}
    traces/training: {receivers: [mltraining], exporters: [mltraining, forward/a]}`, slowOnly},
	} {
		t.Run(name, func(t *testing.T) {
			conf, warnings, err := resolve(t, components, "service:\n  pipelines:\n    "+test.traces)
			require.NoError(t, err)
			assert.Equal(t, test.want, rules(t, conf, "mlmetrics"))
			assert.Empty(t, warnings)
		})
	}
}

// TestSeveralConnectors have rules of their own.
func TestSeveralConnectors(t *testing.T) {
	conf, _, err := resolve(t, one, sampling(slow), `
connectors: {mlmetrics/before: {exemplars: }, " mlmetrics / off ": {exemplars: {enabled: false}}, mlmetrics/idle: }
service:
  pipelines:
    traces/kept: {receivers: [otlp], processors: [tail_sampling], exporters: [mlmetrics/before]}
    traces/off: {receivers: [otlp], processors: [tail_sampling], exporters: [mlmetrics/off]}`)
	require.NoError(t, err)
	assert.Equal(t, none(m{"latency_threshold": "800ms"}), rules(t, conf, "mlmetrics"))
	assert.Equal(t, m{"sampling_percentage": 100.0}, rules(t, conf, "mlmetrics/before"))
	assert.Equal(t, m{"enabled": false}, rules(t, conf, " mlmetrics / off "))
	assert.Nil(t, conf.Get("connectors::mlmetrics/idle"))
}
