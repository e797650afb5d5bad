package rules

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// One key comes in seconds, in nanoseconds or as -1 for unknown.
func TestAmbiguousUnits(t *testing.T) {
	d, err := dialect.Parse("engine.yaml", []byte(`
name: engine
rules:
  - name: request
    match: {span_names: [request]}
    set:
      - {to: ml.inference.queue_wait_ms, attribute: wait, units: [s, ns], unknown: [-1]}
      - {to: ml.inference.forward_pass_ms, attribute: total, minus: wait, units: [s, ns], unknown: [-1]}
`))
	require.NoError(t, err)
	set := Compile([]*dialect.Dialect{d}, Options{})

	const absent = -1.0
	for _, tc := range []struct {
		name        string
		wait, total any
		queue, pass float64
		bad         []string
	}{
		{name: "seconds", wait: 0.5, total: 1.9, queue: 500, pass: 1400},
		{name: "seconds as text", wait: "0.5", total: "1.9", queue: 500, pass: 1400},
		{name: "a whole second", wait: 1, total: 1.9, queue: 1000, pass: 900},
		{name: "nanoseconds", wait: 500_000_000, total: 1_900_000_000, queue: 500, pass: 1400},
		{name: "nanoseconds as a double", wait: 5e8, total: 1.9e9, queue: 500, pass: 1400},
		{name: "zero", wait: 0, total: 1.9, queue: 0, pass: 1900},
		{name: "unknown", wait: -1, total: 1.9, queue: absent, pass: absent},
		{name: "unknown as a double", wait: -1.0, total: -1, queue: absent, pass: absent},
		{name: "negative", wait: -0.25, total: 1.9, queue: absent, pass: absent, bad: []string{"wait"}},
		{name: "too many seconds for the span, and not a whole number of nanoseconds", wait: 2.75, total: 1.9, queue: absent, pass: absent, bad: []string{"wait"}},
		{name: "too many whole seconds for the span", wait: 3, total: 1.9, queue: absent, pass: absent, bad: []string{"wait"}},
		{name: "too many whole seconds for the span, as a double", wait: 3.0, total: 1.9, queue: absent, pass: absent, bad: []string{"wait"}},
		{name: "a microsecond in nanoseconds", wait: 1000, total: 1_900_000_000, queue: 0.001, pass: 1899.999},
		{name: "each value for itself", wait: 1500, total: 2.0, queue: 0.0015, pass: 1999.9985},
		{name: "too long in every unit", wait: 7_000_000_000, total: 1.9, queue: absent, pass: absent, bad: []string{"wait"}},
		{name: "text", wait: "soon", total: 1.9, queue: absent, pass: absent, bad: []string{"wait"}},
		{name: "a wait longer than the whole", wait: 1.5, total: 1.0, queue: 1500, pass: absent, bad: []string{"total"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			span := ptrace.NewSpan()
			span.SetName("request")
			span.SetStartTimestamp(1_000_000_000)
			span.SetEndTimestamp(3_000_000_000)
			require.NoError(t, span.Attributes().FromRaw(map[string]any{"wait": tc.wait, "total": tc.total}))

			sc, out := set.NewScratch(), &Outcome{}
			set.Resource(pcommon.NewMap(), sc)
			set.Scope("", sc)
			set.Apply(span, sc, out)
			for i, want := range map[int]float64{values.QueueWait: tc.queue, values.ForwardPass: tc.pass} {
				if want == absent {
					assert.True(t, sc.Missing(i))
				} else {
					assert.InDelta(t, want, sc.Number[i], 1e-9)
				}
			}
			assert.ElementsMatch(t, tc.bad, sc.BadSources)
		})
	}
}
