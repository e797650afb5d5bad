package alerts

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
)

// prometheus is Prometheus' storage, engine and rules, with a clock of its own.
type prometheus struct {
	t      testing.TB
	db     *tsdb.DB
	groups []*rules.Group
	// gone are the series of the scrape before, by target, for their staleness markers.
	gone map[string]map[uint64]labels.Labels
}

func startPrometheus(t testing.TB, ruleFiles ...string) *prometheus {
	t.Helper()
	options := tsdb.DefaultOptions()
	options.RetentionDuration = int64(30 * 24 * time.Hour / time.Millisecond)
	options.StripeSize = 64 // few series
	db, err := tsdb.Open(t.TempDir(), slog.New(slog.DiscardHandler), nil, options, nil)
	require.NoError(t, err)
	db.DisableCompactions()
	t.Cleanup(func() { require.NoError(t, db.Close()) })

	expressions := parser.NewParser(parser.Options{})
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 50_000_000, Timeout: time.Minute, Parser: expressions})
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc: rules.EngineQueryFunc(engine, db), Appendable: db, Queryable: db, Context: t.Context(),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
		Logger:     slog.New(slog.DiscardHandler), Parser: expressions,
	})
	loaded, errs := manager.LoadGroups(step, labels.EmptyLabels(), "", nil, false, ruleFiles...)
	require.Empty(t, errs)
	p := &prometheus{t: t, db: db, gone: map[string]map[uint64]labels.Labels{}}
	for _, group := range loaded {
		p.groups = append(p.groups, group)
		for _, rule := range group.Rules() {
			if alert, ok := rule.(*rules.AlertingRule); ok {
				alert.SetRestored(true) // or ALERTS is not written
			}
		}
	}
	require.NotEmpty(t, p.groups)
	slices.SortFunc(p.groups, func(a, b *rules.Group) int {
		if a.File() != b.File() {
			return compare(filepath.Base(a.File()), filepath.Base(b.File()))
		}
		return compare(a.Name(), b.Name())
	})
	return p
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// add stores a scrape of a target, as Prometheus does: with job and instance, and with a staleness marker for each
// series that is there no more.
func (p *prometheus) add(at time.Time, job, instance string, scraped scrape.Samples) {
	p.t.Helper()
	appender := p.db.Appender(p.t.Context())
	put := func(of labels.Labels, value float64) {
		_, err := appender.Append(0, of, at.UnixMilli(), value)
		require.NoError(p.t, err, of)
	}
	there := map[uint64]labels.Labels{}
	for _, s := range scraped {
		builder := labels.NewBuilder(s.Labels)
		for _, target := range [][2]string{{model.JobLabel, job}, {model.InstanceLabel, instance}} {
			if own := s.Labels.Get(target[0]); own != "" {
				builder.Set(model.ExportedLabelPrefix+target[0], own)
			}
			builder.Set(target[0], target[1])
		}
		of := builder.Labels()
		there[of.Hash()] = of
		put(of, s.Value)
	}
	p.end(put, job, instance, there, 1)
	require.NoError(p.t, appender.Commit())
}

// down stores that a target could not be scraped.
func (p *prometheus) down(at time.Time, job, instance string) {
	p.t.Helper()
	appender := p.db.Appender(p.t.Context())
	p.end(func(of labels.Labels, value float64) {
		_, err := appender.Append(0, of, at.UnixMilli(), value)
		require.NoError(p.t, err, of)
	}, job, instance, nil, 0)
	require.NoError(p.t, appender.Commit())
}

// end ends a scrape: with staleness markers for the series that are there no more, and with up.
func (p *prometheus) end(put func(labels.Labels, float64), job, instance string, there map[uint64]labels.Labels, up float64) {
	for hash, of := range p.gone[instance] {
		if _, ok := there[hash]; !ok {
			put(of, stale)
		}
	}
	p.gone[instance] = there
	put(labels.FromStrings(model.MetricNameLabel, "up", model.JobLabel, job, model.InstanceLabel, instance), up)
}

// evaluate evaluates every rule, and returns the labels of the alerts that fire, by what identify says. A rule that fails
// fails the test.
func (p *prometheus) evaluate(at time.Time) map[string]labels.Labels {
	p.t.Helper()
	firing := map[string]labels.Labels{}
	for _, group := range p.groups {
		group.Eval(p.t.Context(), at)
		for _, rule := range group.Rules() {
			require.NoError(p.t, rule.LastError(), "%s %s", group.Name(), rule.Name())
			alert, ok := rule.(*rules.AlertingRule)
			if !ok {
				continue
			}
			for _, active := range alert.ActiveAlerts() {
				if active.State == rules.StateFiring {
					firing[identify(active.Labels)] = active.Labels
				}
			}
		}
	}
	return firing
}

// identify names an alert, its pipeline, and what tells it from others of the pipeline.
func identify(of labels.Labels) string {
	name := of.Get(model.AlertNameLabel)
	for _, key := range []string{
		"ml_pipeline_name", "ml_stage", "signal", "slo", "measure", "component", "ml_device_id", "model_name", "suite", "metric", "key", "reason", "collector",
		"exporter", "bound",
	} {
		if key == "ml_stage" && of.Get("measure") != "" {
			continue
		}
		if v := of.Get(key); v != "" {
			name += " " + v
		}
	}
	switch of.Get(model.AlertNameLabel) {
	case "MLFirstTokenSlow", "MLOutputTokenSlow", "MLGPUQueueOverCompute":
		name += " " + of.Get("ml_model_name")
	}
	return name
}
