package builtin

import (
	"time"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// training returns the metrics of training pipelines, in the order of their
// stages. A pipeline runs once a day or a week; gauges show the newest run.
func training() []metric.Definition {
	suite := metric.Label{Name: "suite", Field: span(vocab.DataSuite)}
	// A span without these attributes is counted in ml.stage.calls only.
	deployments := []metric.Condition{{Field: alternative(vocab.DeploymentStrategy, vocab.DeploymentHealthy), Exists: new(true)}}
	all := []metric.Definition{
		split("outcome", counter("ml.data.records", "Records of data ingestion and feature engineering: those read, those that could not be parsed, those whose features could not be computed", "{record}", metric.Value{}),
			is("read", attribute(vocab.DataRecordsRead)), is("parsing_error", attribute(vocab.DataParsingErrors)),
			is("transformation_error", attribute(vocab.TransformationErrors))),
		counter("ml.data.read", "Bytes read by data ingestion", "By", attribute(vocab.DataSizeBytes)),
		gauge(vocab.DataRows, "Rows of the data that was checked, the newest value", attribute(vocab.DataRows), suite),
		gauge(vocab.DataNullShare, "Share of missing values in the data that was checked, 0 to 1, the newest value", attribute(vocab.DataNullShare), suite),
		counter(vocab.DataChecks, "Checks of the data that were evaluated", "{check}", attribute(vocab.DataChecks), suite),
		counter(vocab.DataChecksFailed, "Checks of the data that failed", "{check}", attribute(vocab.DataChecksFailed), suite),
		counter("ml.data.check_failures", "Checks of the data that failed, by what was wrong", "{check}",
			metric.Value{Source: metric.Count, Event: vocab.EventDataCheckFailed}, suite,
			metric.Label{Name: "check", Field: metric.Field{Origin: metric.Event, Key: vocab.EventCheck}},
			metric.Label{Name: "column", Field: metric.Field{Origin: metric.Event, Key: vocab.EventColumn}}),
		gauge(vocab.EngineeredFeatures, "Features computed for each record, the newest value", attribute(vocab.EngineeredFeatures)),
		split("metric", gauge("ml.training.value", "What the training was at or came to, the newest value", metric.Value{}),
			is("epochs", attribute(vocab.TrainingEpochs)), is("loss", attribute(vocab.TrainingLoss)),
			is("learning_rate", attribute(vocab.TrainingLearningRate))),
		split("metric", gauge("ml.evaluation.score", "Score of the trained model, and of the baseline that it is compared with, the newest value", metric.Value{}),
			is("accuracy", attribute(vocab.EvaluationAccuracy)), is("f1", attribute(vocab.EvaluationF1)),
			is("auc", attribute(vocab.EvaluationAUC)), is("loss", attribute(vocab.EvaluationLoss)),
			is("baseline_accuracy", attribute(vocab.EvaluationBaselineAccuracy)), is("baseline_f1", attribute(vocab.EvaluationBaselineF1)),
			is("baseline_auc", attribute(vocab.EvaluationBaselineAUC))),
		histogram(vocab.EvaluationAssessment, "Scores of single outputs, by the span's name, which is the scorer's", assessments, attribute(vocab.EvaluationAssessment), intrinsic(metric.SpanName)),
		gauge("ml.registration.artifact_size", "Size of the registered artifact in bytes, the newest value", attribute(vocab.ArtifactSizeBytes)),
		histogram(vocab.ArtifactUpload, "Upload of the artifact to the registry in ms", longMS, attribute(vocab.ArtifactUpload)),
		when(deployments, counter("ml.deployments", "Deployments with a strategy or health checks, by both", "{deployment}",
			metric.Value{Source: metric.Count},
			metric.Label{Name: "strategy", Field: span(vocab.DeploymentStrategy)},
			metric.Label{Name: "healthy", Field: span(vocab.DeploymentHealthy)})),
		gauge(vocab.DeploymentCanary, "Share of the traffic that the new version gets in percent, the newest value", attribute(vocab.DeploymentCanary)),
	}
	for i := range all {
		all[i].Expiration = new(7 * 24 * time.Hour) // a model is trained once a day or a week
	}
	return all
}
