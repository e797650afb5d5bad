package alerts

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/value"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
)

const (
	// step is the time between two evaluations by Prometheus' clock.
	step = time.Minute
	// requests come in a step.
	requests = 60
	root     = "../.."
)

var stale = math.Float64frombits(value.StaleNaN)

// incident is a bad day: of a GPU queue, the feature store, the model's outputs and the tokenizer at once.
var incident = shop.Rates{
	FeatureCascade: 0.30, LongQueue: 0.60, ShortQueue: 0.004, Revalidated: 0.35,
	ColdStart: 0.05, Unavailable: 0.05, Failed: 0.15, LongCompute: 0.003, LooseTypes: 0.2,
}

// expected are the alerts that an incident raises.
var expected = []string{
	"MLErrorBudgetBurnsFast", "MLComponentReloaded", "MLFeatureStoreFallbackSlow", "MLFeaturesUnavailable", "MLGPUQueueOverCompute",
	"MLRevalidationRising", "MLRevalidationShareRising", "MLSignalUnusual", "MLStageErrors", "MLStageSlow",
}

// TestLive plays the article's traffic, an incident, and the article's traffic. ALERTS_NORMAL, hours of the first, makes
// it longer.
func TestLive(t *testing.T) {
	before := 5 * time.Hour
	if hours := os.Getenv("ALERTS_NORMAL"); hours != "" {
		n, err := strconv.Atoi(hours)
		require.NoError(t, err, "ALERTS_NORMAL is hours")
		before = time.Duration(n) * time.Hour
	}
	l := start(t)
	l.phase("normal", before, shop.ArticleRates, func(minute int, firing map[string]int) {
		assert.Empty(t, firing, "minute %d of normal traffic", minute)
	})
	seen := map[string]int{}
	l.phase("incident", 75*time.Minute, incident, func(minute int, firing map[string]int) {
		for alert := range firing {
			if _, ok := seen[alert]; !ok {
				seen[alert] = minute
			}
		}
	})
	for _, alert := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("incident: %s fires after %d minutes", alert, seen[alert])
	}
	assert.Equal(t, slices.Sorted(slices.Values(expected)), slices.Sorted(maps.Keys(seen)))

	// Windows of an hour still have the incident in them, those of a burn rate six hours.
	last := map[string]int{}
	l.phase("normal again", 8*time.Hour, shop.ArticleRates, func(minute int, firing map[string]int) {
		for alert := range firing {
			last[alert] = minute
		}
	})
	for _, alert := range slices.Sorted(maps.Keys(last)) {
		t.Logf("normal again: %s is over after %d minutes", alert, last[alert]+1)
		limit := 90
		if alert == "MLErrorBudgetBurnsFast" || alert == "MLErrorBudgetBurnsSlowly" {
			limit = 7 * 60
		}
		assert.Less(t, last[alert], limit, alert)
	}
}

// live is a running collector, its traffic and Prometheus.
type live struct {
	t          *testing.T
	collector  *collector.Collector
	services   *shop.Shop
	prometheus *prometheus
	began, now time.Time
	sent       int
	seed       uint64
}

func start(t *testing.T) *live {
	t.Helper()
	addresses, err := collector.FreeAddresses()
	require.NoError(t, err)
	binary := os.Getenv("OTELCOL_ML_BIN")
	if binary == "" {
		binary = filepath.Join(root, "bin/otelcol-ml")
	}
	dir := t.TempDir()
	running, err := collector.Start(t.Context(), collector.Options{
		Binary: binary, Addresses: addresses, DataDir: dir, Log: filepath.Join(dir, "collector.log"),
		Configs: []string{
			filepath.Join(root, "otelcol.yaml"),
			"yaml:connectors::mlmetrics::metrics_flush_interval: 50ms",
		},
		Env: []string{"OTELCOL_ML_DECISION_WAIT=1s"}, OwnGroup: true,
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		stopping, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		assert.NoError(t, running.Stop(stopping))
	})
	services, err := shop.Open(t.Context(), shop.Config{Endpoint: addresses.GRPC})
	require.NoError(t, err)
	t.Cleanup(func() {
		closing, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		assert.NoError(t, services.Close(closing))
	})
	files, err := filepath.Glob(filepath.Join(root, "deploy/prometheus/rules*.yaml"))
	require.NoError(t, err)
	at := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	return &live{t: t, collector: running, services: services, prometheus: startPrometheus(t, files...), began: at, now: at}
}

// phase plays traffic for a time by Prometheus' clock, and evaluates the rules every step.
func (l *live) phase(name string, lasts time.Duration, rates shop.Rates, each func(minute int, firing map[string]int)) {
	l.t.Helper()
	l.seed++
	from := time.Now()
	source := shop.NewSource(l.seed, rates, time.Now().Add(-time.Hour), time.Millisecond)
	steps := int(lasts / step)
	for minute := range steps {
		for range requests {
			l.sent += len(l.services.Play(source.Next()).Spans)
		}
		require.NoError(l.t, l.services.Flush(l.t.Context()))
		l.scrape()
		each(minute, l.prometheus.evaluate(l.now))
		require.False(l.t, l.t.Failed(), "%s, minute %d", name, minute)
	}
	l.t.Logf("%s: %d minutes of %d requests in %s", name, steps, requests, time.Since(from).Round(time.Second))
}

// scrape scrapes until every span is counted, and at most five times in a step: as in reality, where scrapes are more
// frequent than exports, the zero with which a series begins is seen.
func (l *live) scrape() {
	l.t.Helper()
	const often = 5
	next := l.now.Add(step)
	var last scrape.Samples
	scrapes := 0
	store := func(at time.Time, scraped scrape.Samples) {
		l.prometheus.add(at, "otelcol-ml", "collector:9464", scraped)
		scrapes++
	}
	err := l.collector.Until(l.t.Context(), "the metrics of every span", func(ctx context.Context) error {
		scraped, err := l.collector.Metrics(ctx)
		if err != nil {
			return err
		}
		last = scraped
		if counted := int(scraped.Sum("duration_ms_count")); counted < l.sent {
			if scrapes < often-1 {
				store(l.now.Add(time.Duration(scrapes+1)*step/often), scraped)
			}
			return fmt.Errorf("duration_ms has counted %d of %d spans", counted, l.sent)
		}
		return nil
	})
	require.NoError(l.t, err)
	store(next, last)
	telemetry, err := l.collector.Telemetry(l.t.Context())
	require.NoError(l.t, err)
	for i := range telemetry {
		// The one clock among the metrics runs as fast as Prometheus'.
		if telemetry[i].Labels.Get(model.MetricNameLabel) == "otelcol_process_uptime" {
			telemetry[i].Value = next.Sub(l.began).Seconds()
		}
	}
	l.prometheus.add(next, "otelcol-ml-self", "collector:8888", telemetry)
	l.now = next
}
