package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// mayBeEmpty are the queries that have no answer here, by a part of them, with the reason. The test fails where one has.
var mayBeEmpty = map[string]string{
	"DCGM_FI_DEV_GPU_UTIL":                       "no DCGM exporter runs here",
	"offset 1d":                                  "the server has run for a minute",
	"offset 1w":                                  "the server has run for a minute",
	"otelcol_connector_mlmetrics_overflowed":     "no series limit is reached",
	"otelcol_connector_mlmetrics_invalid_values": "no value is invalid",
	"otelcol_exporter_queue_size":                "the shipped exporters have no queue",
}

// TestDashboards asks a real Prometheus every query of every panel and of every variable of deploy/grafana, with classic
// and with native histograms. None fails, and none is empty that should not be.
func TestDashboards(t *testing.T) {
	t.Parallel()
	for _, form := range []struct {
		folder, setting string
		native          bool
	}{
		{"dashboards", "yaml:connectors::mlmetrics::histograms::type: explicit", false},
		{"dashboards-native", "yaml:connectors::mlmetrics::histograms::type: exponential", true},
	} {
		t.Run(form.folder, func(t *testing.T) {
			t.Parallel()
			running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush, form.setting,
				"yaml:service::telemetry::metrics::level: detailed"))
			var prometheus *stack.Prometheus
			if form.native {
				prometheus = stack.StartPrometheusNative(t, running.Addresses.Metrics, running.Addresses.Telemetry)
			} else {
				prometheus = stack.StartPrometheus(t, nil, running.Addresses.Metrics, running.Addresses.Telemetry)
			}
			export(t, running, everyMetric(1))
			services := open(t, running, shop.Config{})
			source := shop.NewSource(91, healthyRates, time.Now().Add(-time.Minute), time.Millisecond)
			for range 1500 {
				services.Play(source.Next())
			}
			require.NoError(t, services.Flush(t.Context()))
			stack.Until(t, prometheus.Process, "spans of both kinds, and their increase", func(ctx context.Context) error {
				export(t, running, everyMetric(byte(time.Now().Unix())))
				for _, expression := range []string{`ml_pipeline_requests_total > 100`, `increase(ml_inference_preemptions_total[5m]) > 0`, `ml_deployment_canary_percent`} {
					if answer, _, err := prometheus.Query(ctx, expression, time.Now()); err != nil || len(answer.(model.Vector)) == 0 {
						return fmt.Errorf("%s: %v %w", expression, answer, err)
					}
				}
				return nil
			})
			files, err := filepath.Glob(stack.Root(t, "deploy/grafana/"+form.folder) + "/*.json")
			require.NoError(t, err)
			require.Len(t, files, 9)
			used := map[string]bool{}
			for _, file := range files {
				d := readDashboard(t, file)
				require.NotEmpty(t, d.panels, file)
				for _, p := range d.panels {
					for _, target := range p.Targets {
						expression := filledIn(target.Expr)
						value, _, err := prometheus.Query(t.Context(), expression, time.Now())
						if !assert.NoError(t, err, "%s, %s:\n%s", d.Title, p.Title, expression) {
							continue
						}
						has := hasNumber(value)
						reason := ""
						for part, because := range mayBeEmpty {
							if strings.Contains(expression, part) {
								reason, used[part] = because, true
							}
						}
						if reason != "" {
							assert.False(t, has, "%s, %s has an answer, though %s:\n%s", d.Title, p.Title, reason, expression)
						} else {
							assert.True(t, has, "%s, %s is empty:\n%s", d.Title, p.Title, expression)
						}
					}
				}
				for _, v := range d.Templating.List {
					if v.Type != "query" {
						continue
					}
					m := labelValues.FindStringSubmatch(v.Query)
					require.NotNil(t, m, v.Query)
					values, _, err := prometheus.LabelValues(t.Context(), m[2], []string{m[1]}, time.Now().Add(-time.Hour), time.Now())
					require.NoError(t, err)
					assert.NotEmpty(t, values, "%s: %s", d.Title, v.Name)
				}
			}
			for _, panel := range []string{"Latency", "Wait, p95, by device", "Lookup in the database"} {
				untilExemplar(t, prometheus, files, panel, form.native)
			}
			assert.Len(t, used, len(mayBeEmpty), "an exception is no longer needed: %v", used)
		})
	}
}

// untilExemplar waits until a panel has a trace to click on.
func untilExemplar(t *testing.T, prometheus *stack.Prometheus, files []string, panel string, native bool) {
	t.Helper()
	var expressions []string
	for _, file := range files {
		for _, p := range readDashboard(t, file).panels {
			for _, target := range p.Targets {
				if p.Title == panel && target.Exemplar {
					expressions = append(expressions, filledIn(target.Expr))
				}
			}
		}
	}
	require.NotEmpty(t, expressions, panel)
	stack.Until(t, prometheus.Process, "exemplars of "+panel, func(ctx context.Context) error {
		for _, expression := range expressions {
			answer, err := prometheus.QueryExemplars(ctx, expression, time.Now().Add(-time.Hour), time.Now())
			if err != nil {
				return err
			}
			for _, of := range answer {
				if len(of.Exemplars) > 0 {
					return nil
				}
			}
		}
		return fmt.Errorf("none yet, native histograms: %v", native)
	})
}

var (
	labelValues = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
	variable    = regexp.MustCompile(`\$[a-z_]+`)
)

// filledIn is a query with all values of the variables.
func filledIn(expression string) string {
	return variable.ReplaceAllStringFunc(expression, func(name string) string {
		switch name {
		case "$__rate_interval", "$__range":
			return "5m"
		case "$environment", "$pipeline", "$service", "$model", "$instance":
			return ".*"
		default:
			panic(name)
		}
	})
}

// hasNumber reports whether an answer has a number, or a native histogram.
func hasNumber(value model.Value) bool {
	for _, sample := range value.(model.Vector) {
		if sample.Histogram != nil || !math.IsNaN(float64(sample.Value)) {
			return true
		}
	}
	return false
}

type grafanaPanel struct {
	Title   string
	Targets []struct {
		Expr     string
		Exemplar bool
	}
}

type grafanaDashboard struct {
	Title      string
	Panels     []struct{ grafanaPanel }
	Templating struct {
		List []struct{ Name, Type, Query string }
	}
	panels []grafanaPanel
}

func readDashboard(t *testing.T, file string) grafanaDashboard {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var d grafanaDashboard
	require.NoError(t, json.Unmarshal(text, &d))
	for _, p := range d.Panels {
		if len(p.Targets) > 0 {
			d.panels = append(d.panels, p.grafanaPanel)
		}
	}
	return d
}

// everyMetric are spans of a language model and of a training run, with what the demo's requests do not have.
func everyMetric(n byte) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "llm")
	rs.Resource().Attributes().PutStr("ml.pipeline.name", "chat")
	rs.Resource().Attributes().PutStr("deployment.environment", "test")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	span := func(name, stage string, attributes map[string]any) ptrace.Span {
		s := spans.AppendEmpty()
		s.SetTraceID(pcommon.TraceID{14: 7, 15: n})
		s.SetSpanID(pcommon.SpanID{6: byte(spans.Len()), 7: n})
		s.SetName(name)
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		s.SetStartTimestamp(s.EndTimestamp() - 1e9)
		for key, value := range attributes {
			_ = s.Attributes().PutEmpty(key).FromRaw(value)
		}
		s.Attributes().PutStr("ml.stage", stage)
		s.Attributes().PutStr("ml.model.name", "chat-8b")
		s.Attributes().PutStr("ml.model.version", "2")
		return s
	}
	span("chat", "inference", map[string]any{
		"ml.device.id": "0", "ml.inference.queue_wait_ms": 20.0, "ml.inference.forward_pass_ms": 900.0, "ml.batch.size": 4,
		"ml.inference.time_to_first_token_ms": 200.0, "ml.inference.prefill_ms": 150.0, "ml.inference.decode_ms": 750.0,
		"ml.inference.time_per_output_token_ms": 8.0, "ml.inference.tokens_per_second": 100.0, "ml.inference.kv_transfer_ms": 5.0,
		"ml.inference.preemptions": 1, "ml.inference.attempts": 2, "ml.input.tokens": 1000, "ml.output.tokens": 100,
		"ml.input.cached_tokens": 500, "ml.output.reasoning_tokens": 40,
		"ml.gpu.memory_allocated_mb": 9000.0, "ml.gpu.memory_reserved_mb": 10000.0, "ml.gpu.utilization_percent": 72.0,
	})
	for _, variant := range []string{"a", "b"} {
		of := func(attributes map[string]any) map[string]any {
			attributes["ml.experiment.variant"] = variant
			return attributes
		}
		span("chat.request", "request", of(map[string]any{"ml.pipeline.success": variant == "a", "ml.pipeline.latency_ms": 900.0}))
		span("chat", "inference", of(map[string]any{"ml.inference.queue_wait_ms": 950.0, "ml.inference.forward_pass_ms": 50.0}))
		span("validate", "post_processing", of(map[string]any{"ml.post_processing.validation_attempts": 2}))
	}
	checked := span("data-ingestion", "data_ingestion", map[string]any{
		"ml.data.records_read": 1000, "ml.data.size_bytes": 5000, "ml.data.parsing_errors": 1,
		"ml.data.suite": "orders", "ml.data.checks": 20, "ml.data.checks_failed": 1, "ml.data.null_share": 0.01,
	})
	failed := checked.Events().AppendEmpty()
	failed.SetName("ml.data.check_failed")
	failed.Attributes().PutStr("check", "not_null")
	failed.Attributes().PutStr("column", "price")
	span("relevance", "evaluation", map[string]any{"ml.evaluation.assessment": 0.8})
	span("model-training", "training", map[string]any{"ml.training.epochs": 3, "ml.training.loss": 0.2, "ml.training.learning_rate": 0.001})
	span("evaluation", "evaluation", map[string]any{"ml.evaluation.accuracy": 0.93, "ml.evaluation.baseline_accuracy": 0.91})
	span("registration", "model_registration", map[string]any{"ml.registration.artifact_size_bytes": 1_000_000, "ml.registration.upload_ms": 500.0})
	span("deployment", "deployment", map[string]any{"ml.deployment.strategy": "canary", "ml.deployment.canary_percent": 10.0, "ml.deployment.healthy": true})
	return td
}
