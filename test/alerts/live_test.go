package alerts

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
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

// badDay is of a GPU queue, the feature store, the model's outputs and the tokenizer at once.
var badDay = shop.Rates{
	FeatureCascade: 0.30, LongQueue: 0.60, ShortQueue: 0.004, Revalidated: 0.35,
	ColdStart: 0.05, Unavailable: 0.05, Failed: 0.15, LongCompute: 0.003, LooseTypes: 0.2,
}

// expected are the alerts that the incident raises, with the pipeline, and what tells one from another.
var expected = []string{
	// The shop.
	"MLComponentReloaded recommendation tokenizer",
	"MLErrorBudgetBurnsFast recommendation success",
	"MLFeatureStoreFallbackSlow recommendation",
	"MLFeaturesUnavailable recommendation",
	"MLGPUQueueOverCompute recommendation session-transformer",
	"MLGPUQueueOverCompute recommendation two-tower",
	"MLRevalidationRising recommendation",
	"MLRevalidationShareRising recommendation",
	"MLSignalUnusual recommendation cold_start",
	"MLSignalUnusual recommendation feature_cascade",
	"MLSignalUnusual recommendation features_unavailable",
	"MLSignalUnusual recommendation high_queue_wait",
	"MLSignalUnusual recommendation queue_bound",
	"MLSignalUnusual recommendation revalidated",
	"MLStageErrors recommendation inference",
	"MLStageErrors recommendation post_processing",
	"MLStageErrors recommendation request",
	"MLStageSlow recommendation feature_extraction",
	"MLStageSlow recommendation inference",
	"MLStageSlow recommendation post_processing",
	"MLStageSlow recommendation request",
	// The others: minuteOf.
	"MLCanaryWorse ranking duration_ms",
	"MLErrorBudgetBurnsSlowly checkout success",
	"MLFirstTokenSlow assistant chat",
	"MLGPUBusyLooksHealthy vision 0",
	"MLGPUQueueOverCompute vision detector",
	"MLInferenceStalled search",
	"MLInvalidValuesRising ml.batch.size",
	"MLOutputTokenSlow assistant chat",
	"MLRequestsRefused malformed",
	"MLServerQueueStuck search searcher",
	"MLServiceSilent embedding",
	"MLServiceSilent search",
	"MLSignalUnusual vision queue_bound",
	"MLSpansNotRecognised",
	"MLStageSlow assistant inference",
}

// expectedOfDays need a day of normal traffic before, as a training pipeline runs once a day, or an incident of two hours.
var expectedOfDays = []string{
	"MLErrorBudgetBurnsSlowly recommendation goodput",
	"MLDataChecksFailing nightly orders",
	"MLDataErrorsRising nightly",
	"MLDataVolumeFell nightly",
	"MLEvaluationScoreFell nightly accuracy",
}

// pages are the notifications that wake somebody, by group: one for each cause.
var pages = []string{"recommendation", "search"}

// TestLive plays normal traffic, an incident, and normal traffic. ALERTS_NORMAL, hours of the first, makes it longer:
// with a day of it and more, training is part of it, and what follows lasts until the last alert is over.
func TestLive(t *testing.T) {
	t.Parallel()
	normal, again := 5*time.Hour, 2*time.Hour
	want := slices.Clone(expected)
	daily := false
	if hours := os.Getenv("ALERTS_NORMAL"); hours != "" {
		n, err := strconv.Atoi(hours)
		require.NoError(t, err, "ALERTS_NORMAL is hours")
		normal, again, daily = time.Duration(n)*time.Hour, 8*time.Hour, n > 25
	}
	bad := 75 * time.Minute
	if daily {
		want = append(want, expectedOfDays...)
		bad = 140 * time.Minute // MLDataVolumeFell waits for two hours
	}
	l := start(t)
	train := func(of phase) func(int) []span {
		return func(minute int) []span {
			all := minuteOf(of)
			// Once before, more than a day ago; once in the incident; and again, until most checks of the day are good.
			if daily && (minute == 5 || of == after && minute == 35) {
				all = append(all, training(of == incident)...)
			}
			return all
		}
	}
	l.play("normal", normal, shop.ArticleRates, train(before), func(minute int, firing map[string]labels.Labels) {
		assert.Empty(t, slices.Sorted(maps.Keys(firing)), "minute %d of normal traffic", minute)
	})
	l.gpu, l.queue = 72, 5
	seen, since := map[string]labels.Labels{}, map[string]int{}
	l.play("incident", bad, badDay, train(incident), func(minute int, firing map[string]labels.Labels) {
		l.queue++
		if minute == 10 || minute == 20 {
			assert.Equal(t, http.StatusBadRequest, l.others.post([]byte("no spans")))
		}
		for alert, labels := range firing {
			if _, ok := seen[alert]; !ok {
				seen[alert], since[alert] = labels, minute
			}
		}
	})
	for _, alert := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("incident: %s fires after %d minutes", alert, since[alert])
	}
	slices.Sort(want)
	assert.Equal(t, want, slices.Sorted(maps.Keys(seen)))
	assert.Equal(t, pages, notified(t, slices.Collect(maps.Values(seen))))

	l.queue, l.gpu = 0, 60
	last := map[string]int{}
	l.play("normal again", again, shop.ArticleRates, train(after), func(minute int, firing map[string]labels.Labels) {
		for alert := range firing {
			last[alert] = minute
		}
	})
	// Windows of an hour still have the incident in them, those of a burn rate six hours.
	for _, alert := range slices.Sorted(maps.Keys(last)) {
		t.Logf("normal again: %s is over after %d minutes", alert, last[alert]+1)
		name, _, _ := strings.Cut(alert, " ")
		switch {
		case !strings.HasPrefix(name, "MLErrorBudgetBurns"):
			assert.Less(t, last[alert], 100, alert)
		case daily:
			assert.Less(t, last[alert], 7*60, alert)
		}
		if _, ok := seen[alert]; !ok {
			// What follows from an incident that is over: its slow burn.
			assert.Equal(t, "MLErrorBudgetBurnsSlowly", name, alert)
		}
	}
}

// live is a running collector, its traffic and Prometheus.
type live struct {
	t          *testing.T
	collector  *collector.Collector
	services   *shop.Shop
	others     *client
	prometheus *prometheus
	began, now time.Time
	sent       int
	seed       uint64
	// gpu is the utilisation that DCGM reports, in percent; queue is what waits at the model server of search.
	gpu, queue float64
	// completed is what that has completed.
	completed float64
}

func collectorBinary() string {
	if path := os.Getenv("OTELCOL_ML_BIN"); path != "" {
		return path
	}
	return filepath.Join(root, "bin/otelcol-ml")
}

func start(t *testing.T) *live {
	t.Helper()
	addresses, err := collector.FreeAddresses()
	require.NoError(t, err)
	dir := t.TempDir()
	running, err := collector.Start(t.Context(), collector.Options{
		Binary: collectorBinary(), Addresses: addresses, DataDir: dir, Log: filepath.Join(dir, "collector.log"),
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
	return &live{
		t: t, collector: running, services: services, others: &client{t: t, url: "http://" + addresses.HTTP + "/v1/traces"},
		prometheus: startPrometheus(t, files...), began: at, now: at, gpu: 60,
	}
}

// play plays traffic for a time by Prometheus' clock, and evaluates the rules every step.
func (l *live) play(
	name string, lasts time.Duration, rates shop.Rates, others func(minute int) []span, each func(minute int, firing map[string]labels.Labels),
) {
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
		l.sent += l.others.send(others(minute)...)
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
	l.infrastructure(next)
	l.now = next
}

// infrastructure stores what a DCGM exporter and a vLLM server would expose: stubs, in the form of dcgm-exporter 4.4
// and vLLM 0.11, since there is no GPU here.
func (l *live) infrastructure(at time.Time) {
	l.prometheus.add(at, "dcgm", "gpu-1:9400", scrape.Samples{
		{Labels: labels.FromStrings("__name__", "DCGM_FI_DEV_GPU_UTIL", "gpu", "0", "UUID", "GPU-5b1c", "Hostname", "gpu-1"), Value: l.gpu},
		// Another host's GPU 0 is none of it.
		{Labels: labels.FromStrings("__name__", "DCGM_FI_DEV_GPU_UTIL", "gpu", "0", "UUID", "GPU-77aa", "Hostname", "gpu-2"), Value: 5},
	})
	if l.queue == 0 {
		l.completed += 10
	}
	l.prometheus.add(at, "vllm", "gpu-3:8000", scrape.Samples{
		{Labels: labels.FromStrings("__name__", "vllm:num_requests_waiting", "engine", "0", "model_name", "searcher"), Value: l.queue},
		{Labels: labels.FromStrings("__name__", "vllm:request_success_total", "engine", "0", "model_name", "searcher", "finished_reason", "stop"), Value: l.completed},
	})
}
