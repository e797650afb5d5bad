package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/report"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// testQueries asks the article's queries word for word.
func testQueries(t *testing.T, prometheus *stack.Prometheus, sent []shop.Sent) {
	observed := truth.Histograms(sent)

	t.Run("feature store p95", func(t *testing.T) {
		prometheus := prometheus.In(t)
		want := quantiles(observed["ml_feature_extraction_db_lookup_ms"], bounds(t, prometheus, "ml_feature_extraction_db_lookup_ms"))
		got := prometheus.By(report.PromQLFallback, "service_name")
		require.Equal(t, []string{"ml.feature_extractor"}, slices.Collect(maps.Keys(got)))
		assert.InEpsilon(t, want["ml.feature_extractor"], got["ml.feature_extractor"], sumTolerance)
	})

	t.Run("revalidation average", func(t *testing.T) {
		prometheus := prometheus.In(t)
		assert.Empty(t, prometheus.Ask(report.PromQLRevalidation), "the average is under 1.3")
		attempts := observed["ml_post_processing_validation_attempts"]
		average := prometheus.Number(report.RevalidationAverage)
		assert.InEpsilon(t, truth.Sum(attempts)/float64(len(attempts)), average, sumTolerance)
	})

	t.Run("five slowest stages", func(t *testing.T) {
		prometheus := prometheus.In(t)
		want := quantiles(observed["duration_ms"], bounds(t, prometheus, "duration_ms"))
		slowest := slices.SortedFunc(maps.Keys(want), func(a, b string) int { return -cmp.Compare(want[a], want[b]) })[:5]
		got := prometheus.Ask(report.PromQLStages)
		require.Len(t, got, 5)
		for i, sample := range got {
			assert.Equal(t, slowest[i], string(sample.Metric["service_name"]), "place %d", i+1)
			assert.InEpsilon(t, want[slowest[i]], float64(sample.Value), sumTolerance)
		}
	})
}

// quantiles is the p95 of each service.
func quantiles(observations []truth.Observation, bounds []float64) map[string]float64 {
	p95 := map[string]float64{}
	for service, values := range truth.ByService(observations) {
		p95[service] = truth.Quantile(0.95, values, bounds)
	}
	return p95
}

// bounds are a histogram's finite upper bounds, ascending.
func bounds(t *testing.T, prometheus *stack.Prometheus, metric string) []float64 {
	t.Helper()
	var bounds []float64
	for _, sample := range prometheus.Ask("group by (le) (" + metric + "_bucket)") {
		bound, err := strconv.ParseFloat(string(sample.Metric[model.BucketLabel]), 64)
		require.NoError(t, err)
		bounds = append(bounds, bound)
	}
	require.NotEmpty(t, bounds)
	slices.Sort(bounds)
	return bounds[:len(bounds)-1] // the last is +Inf
}

// degradedRates are a model's whose outputs need well over 1.3 attempts.
var degradedRates = shop.Rates{Revalidated: 0.5, LooseTypes: 0.3}

// testRevalidation adds a degraded pipeline: the alert's expression becomes true for it, and only for it.
func testRevalidation(t *testing.T, running *collector.Collector, prometheus *stack.Prometheus, healthy []shop.Sent) {
	search := open(t, running, shop.Config{Pipeline: "search", Prefix: "search."})
	source := shop.NewSource(9, degradedRates, time.Now().Add(-time.Minute), time.Millisecond)
	var degraded []shop.Sent
	for range requests * 2 {
		degraded = append(degraded, search.Play(source.Next()))
	}
	require.NoError(t, search.Flush(t.Context()))
	untilCounted(prometheus, `ml_pipeline_name="search"`, degraded)

	assert.Equal(t, truth.Counters(degraded)["ml_signals_total"].Values,
		prometheus.By(`sum by (signal) (ml_signals_total{ml_pipeline_name="search"})`, "signal"))

	attempts := func(sent []shop.Sent) []truth.Observation {
		return truth.Histograms(sent)["ml_post_processing_validation_attempts"]
	}
	average := func(observations []truth.Observation) float64 {
		return truth.Sum(observations) / float64(len(observations))
	}
	require.Less(t, average(attempts(healthy)), 1.3)
	require.Greater(t, average(attempts(degraded)), 1.3)

	const each = `sum by (ml_pipeline_name) (rate(ml_post_processing_validation_attempts_sum[10m]))
/ sum by (ml_pipeline_name) (rate(ml_post_processing_validation_attempts_count[10m])) > 1.3`
	got := prometheus.By(each, "ml_pipeline_name")
	require.Equal(t, []string{"search"}, slices.Collect(maps.Keys(got)))
	assert.InEpsilon(t, average(attempts(degraded)), got["search"], sumTolerance)

	pending := `count by (ml_pipeline_name) (ALERTS{alertname="MLRevalidationRising"})`
	prometheus.UntilEqual("sum("+pending+")", 1) // by a rule evaluation after the scrape
	assert.Equal(t, map[string]float64{"search": 1}, prometheus.By(pending, "ml_pipeline_name"))

	all := append(attempts(healthy), attempts(degraded)...)
	require.Greater(t, average(all), 1.3, "for the article's own expression, which is over all pipelines")
	assert.InEpsilon(t, average(all), prometheus.Number(report.PromQLRevalidation), sumTolerance)
}

// testRules looks whether the server has loaded the rules of deploy/prometheus and evaluates all of it.
func testRules(t *testing.T, prometheus *stack.Prometheus) {
	stack.Until(t, prometheus.Process, "the rules to be evaluated", func(ctx context.Context) error {
		loaded, err := prometheus.Rules(ctx, nil)
		if err != nil {
			return err
		}
		if len(loaded.Groups) == 0 {
			return errors.New("no rule groups are loaded")
		}
		for _, group := range loaded.Groups {
			for _, rule := range group.Rules {
				if err := evaluated(rule); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func evaluated(rule any) error {
	var name, failure string
	var health v1.RuleHealth
	switch r := rule.(type) {
	case v1.AlertingRule:
		name, health, failure = r.Name, r.Health, r.LastError
	case v1.RecordingRule:
		name, health, failure = r.Name, r.Health, r.LastError
	}
	if health != v1.RuleHealthGood {
		return fmt.Errorf("rule %q (%T) is %s: %s", name, rule, health, failure)
	}
	return nil
}
