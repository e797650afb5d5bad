package mlmetricsconnector

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

// TestTaskMetricsOfTheReadme sends what mlsignals makes of the orchestrators' spans
// through the example of the README. Each file is counted by hand here.
func TestTaskMetricsOfTheReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(readme), "### Tasks of orchestrators")
	require.True(t, found)
	_, block, _ := strings.Cut(section, "```yaml\n")
	block, _, _ = strings.Cut(block, "```")
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(block))
	require.NoError(t, err)
	whole, err := retrieved.AsConf()
	require.NoError(t, err)
	conf, err := whole.Sub("connectors::mlmetrics")
	require.NoError(t, err)

	for file, want := range map[string]struct {
		waits    uint64
		waited   float64 // ms, all of them
		attempts map[string]int64
	}{
		"airflow/until-3.1": {waits: 6, waited: 304_105.685, attempts: map[string]int64{"1": 3, "2": 1, "3": 1}},
		"airflow/since-3.2": {attempts: map[string]int64{"1": 3, "2": 1}},
		"argo/workflow":     {waits: 2, waited: 64_100},
		"prefect/runs":      {waits: 2, waited: 12_008, attempts: map[string]int64{"1": 4, "3": 1}},
		"ray_core/tasks":    {waits: 5, waited: 72_304},
	} {
		t.Run(file, func(t *testing.T) {
			config := createDefaultConfig().(*Config)
			require.NoError(t, conf.Unmarshal(config))
			require.NoError(t, config.Validate())
			clock := newClock()
			c, sink := newTestConnector(t, config, clock.Now)
			require.NoError(t, c.ConsumeTraces(context.Background(), golden.ReadTraces(t, "../../testdata/dialects/"+file+".expected.json")))
			for range 2 { // the first exports zeros
				clock.advance(15 * time.Second)
				_, err = c.flush(context.Background())
				require.NoError(t, err)
			}
			all := sink.AllMetrics()
			var waits uint64
			var waited float64
			var attempts map[string]int64
			for _, m := range all[len(all)-1].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
				switch m.Name() {
				case "ml.task.queue_wait_ms":
					for _, dp := range m.Histogram().DataPoints().All() {
						waits += dp.Count()
						waited += dp.Sum()
					}
				case "ml.task.runs":
					attempts = map[string]int64{}
					for _, dp := range m.Sum().DataPoints().All() {
						label, _ := dp.Attributes().Get("attempts")
						attempts[label.Str()] += dp.IntValue()
					}
				}
			}
			assert.Equal(t, want.waits, waits)
			assert.InDelta(t, want.waited, waited, 1e-6)
			assert.Equal(t, want.attempts, attempts)
		})
	}
}
