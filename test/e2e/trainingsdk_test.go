package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// pipelineStage is a stage as somebody writes it who follows the lesson: its span's name and what it tracks, no ml.*.
type pipelineStage struct {
	name, stage string
	lasts       time.Duration
	tracks      []attribute.KeyValue
	// kept is what the kept span says of it.
	kept map[string]any
}

var lesson = []pipelineStage{
	{
		"data-ingestion", "data_ingestion", 40 * time.Minute,
		[]attribute.KeyValue{attribute.String("data.source", "s3://churn/2026-11"), attribute.Int("data.records_read", 1_200_000), attribute.Int("data.file_size_bytes", 3_000_000_000), attribute.Int("data.parsing_errors", 17)},
		map[string]any{"ml.data.source": "s3://churn/2026-11", "ml.data.records_read": int64(1_200_000), "ml.data.size_bytes": int64(3_000_000_000), "ml.data.parsing_errors": int64(17)},
	},
	{
		"feature_engineering", "feature_engineering", 20 * time.Minute,
		[]attribute.KeyValue{attribute.Int("features.count", 240), attribute.Int("features.transformation_errors", 5), attribute.Float64("features.computation_time_ms", 900_000)},
		map[string]any{"ml.feature_engineering.feature_count": int64(240), "ml.feature_engineering.transformation_errors": int64(5), "ml.feature_engineering.compute_ms": 900_000.0},
	},
	{
		"ModelTraining", "training", 3 * time.Hour,
		[]attribute.KeyValue{attribute.Int("training.epochs", 30), attribute.Float64("training.loss", 0.21), attribute.Float64("training.learning_rate", 0.001), attribute.Float64("training.gpu_utilization", 87), attribute.Float64("model.accuracy", 0.93)},
		map[string]any{"ml.training.epochs": int64(30), "ml.training.loss": 0.21, "ml.training.learning_rate": 0.001, "ml.gpu.utilization_percent": 87.0, "ml.evaluation.accuracy": 0.93},
	},
	{
		"Model Evaluation", "evaluation", 10 * time.Minute,
		[]attribute.KeyValue{attribute.Float64("model.accuracy", 0.92), attribute.Float64("model.f1", 0.81), attribute.Float64("model.auc", 0.95), attribute.Float64("baseline.accuracy", 0.9)},
		map[string]any{"ml.evaluation.accuracy": 0.92, "ml.evaluation.f1": 0.81, "ml.evaluation.auc": 0.95, "ml.evaluation.baseline_accuracy": 0.9},
	},
	{
		"MODEL_REGISTRATION", "model_registration", 5 * time.Minute,
		[]attribute.KeyValue{attribute.String("model.name", "churn"), attribute.String("model.version", "7"), attribute.Int("model.artifact_size", 240_000_000), attribute.Float64("registry.upload_time_ms", 41_000)},
		map[string]any{"ml.model.name": "churn", "ml.model.version": "7", "ml.registration.artifact_size_bytes": int64(240_000_000), "ml.registration.upload_ms": 41_000.0},
	},
	{
		"model-deployment", "deployment", 15 * time.Minute,
		[]attribute.KeyValue{attribute.String("rollout.strategy", "canary"), attribute.Float64("canary.percentage", 5), attribute.Bool("health_check.passed", true)},
		map[string]any{"ml.deployment.strategy": "canary", "ml.deployment.canary_percent": 5.0, "ml.deployment.healthy": true},
	},
}

// TestTrainingRunOfTheSDK: a run by OpenTelemetry's own SDK, four and a half hours long, of which each stage is exported when
// it has ended and several decision waits after the one before. It is kept whole, is on the page and is in the metrics.
func TestTrainingRunOfTheSDK(t *testing.T) {
	t.Parallel()
	options := stack.CollectorOptions(t, stack.FastFlush)
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s"}
	running := stack.StartCollector(t, options)

	id := runPipeline(t, running)

	spans := untilKept(t, running, id, len(lesson)+1)
	require.Len(t, spans, len(lesson)+1)
	byName := map[string]kept.Span{}
	for _, span := range spans {
		byName[span.Name()] = span
	}
	require.Contains(t, byName, "pipeline-run")
	for _, one := range lesson {
		require.Contains(t, byName, one.name)
		got := byName[one.name].Attributes().AsRaw()
		assert.Equal(t, one.stage, got["ml.stage"], one.name)
		for key, value := range one.kept {
			assert.Equal(t, value, got[key], "%s: %s", one.name, key)
		}
	}
	testRunOnPage(t, running)
	testRunInMetrics(t, running)
	stack.Stop(t, running.Process)
}

// runPipeline is the lesson's code, with the stages that its list names and a worker's pause after each.
func runPipeline(t *testing.T, running *collector.Collector) pcommon.TraceID {
	t.Helper()
	exporter, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(running.Addresses.GRPC), otlptracegrpc.WithInsecure())
	require.NoError(t, err)
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "churn"))))
	tracer := provider.Tracer("ml-pipeline")

	at := time.Now().Add(-5 * time.Hour)
	ctx, run := tracer.Start(t.Context(), "pipeline-run", trace.WithTimestamp(at))
	run.SetAttributes(attribute.String("data.path", "s3://churn/2026-11"))
	next := byte(1)
	for _, one := range lesson {
		_, span := tracer.Start(ctx, one.name, trace.WithTimestamp(at))
		span.SetAttributes(one.tracks...)
		at = at.Add(one.lasts)
		span.End(trace.WithTimestamp(at))
		require.NoError(t, provider.ForceFlush(t.Context()))
		for range 2 {
			untilWaitHasPassed(t, running, notInBaseline(&next))
		}
	}
	run.End(trace.WithTimestamp(at))
	require.NoError(t, provider.Shutdown(t.Context()))
	return pcommon.TraceID(run.SpanContext().TraceID())
}

var markup = regexp.MustCompile(`<[^>]*>|\s+`)

// testRunOnPage: the page of training runs has the run with its root, its stages with their times, and its scores.
func testRunOnPage(t *testing.T, running *collector.Collector) {
	t.Helper()
	stack.Until(t, running.Process, "the run on the page", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, running.Addresses.ViewURL()+"training", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		text := strings.Join(strings.Fields(markup.ReplaceAllString(string(body), " ")), " ")
		for _, part := range []string{
			"pipeline-run 4 h 30 min", "model churn", "version 7",
			"data ingestion 40 min", "feature engineering 20 min", "training 3 h", "evaluation 10 min", "model registration 5 min", "deployment 15 min",
			"accuracy 0.92", "f1 0.81", "auc 0.95", "loss 0.21",
		} {
			if !strings.Contains(text, part) {
				return fmt.Errorf("no %q in %s", part, text)
			}
		}
		return nil
	})
}

// testRunInMetrics: what a team plots or alerts on is scraped.
func testRunInMetrics(t *testing.T, running *collector.Collector) {
	t.Helper()
	stack.Until(t, running.Process, "the run's metrics", func(ctx context.Context) error {
		metrics, err := running.Metrics(ctx)
		if err != nil {
			return err
		}
		for _, one := range []struct {
			name   string
			labels []string
			want   float64
		}{
			{"ml_data_records_total", []string{"outcome", "read"}, 1_200_000},
			{"ml_data_records_total", []string{"outcome", "parsing_error"}, 17},
			{"ml_data_records_total", []string{"outcome", "transformation_error"}, 5},
			{"ml_data_read_bytes_total", nil, 3_000_000_000},
			{"ml_feature_engineering_feature_count", nil, 240},
			{"ml_training_value", []string{"metric", "epochs"}, 30},
			{"ml_training_value", []string{"metric", "loss"}, 0.21},
			{"ml_training_value", []string{"metric", "learning_rate"}, 0.001},
			{"ml_gpu_utilization_percent", nil, 87},
			{"ml_evaluation_score", []string{"metric", "f1"}, 0.81},
			{"ml_evaluation_score", []string{"metric", "auc"}, 0.95},
			{"ml_evaluation_score", []string{"metric", "baseline_accuracy"}, 0.9},
			{"ml_registration_artifact_size", nil, 240_000_000},
			{"ml_registration_upload_ms_sum", nil, 41_000},
			{"ml_deployments_total", []string{"strategy", "canary", "healthy", "true"}, 1},
			{"ml_deployment_canary_percent", nil, 5},
			{"duration_ms_sum", []string{"ml_stage", "training"}, 3 * 3600 * 1000},
		} {
			if got := metrics.Sum(one.name, one.labels...); got != one.want {
				return fmt.Errorf("%s %v is %v, must be %v", one.name, one.labels, got, one.want)
			}
		}
		return nil
	})
}
