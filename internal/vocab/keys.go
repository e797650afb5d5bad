// Package vocab defines the vocabulary that all components share: the names of the ml.* attributes, their types and
// valid ranges, the stages, the signals and the events. docs/vocabulary.md describes it. Its tables do not change, so
// any number of goroutines may use them.
package vocab

import (
	"slices"
	"strings"
)

// Resource attributes.
const (
	ServiceName           = "service.name"
	ServiceInstanceID     = "service.instance.id"
	PipelineName          = "ml.pipeline.name"
	DeploymentEnvironment = "deployment.environment"
	// DeploymentEnvironmentName is the newer convention for DeploymentEnvironment.
	DeploymentEnvironmentName = "deployment.environment.name"
)

// InstanceKeys are the resource attributes that distinguish the replicas of a service, the most specific first.
// Without any of them replicas cannot be distinguished: two containers of one service often have the same process ID.
// Virtual machines need the keys of the host, although all containers of a node share them.
var InstanceKeys = []string{
	ServiceInstanceID, "k8s.pod.uid", "k8s.pod.name", "container.id", "faas.instance", "host.name", "host.id",
}

// HostKeys are the resource attributes that name the machine, the one to name a GPU's machine by first: in a pod,
// host.name is the pod's.
var HostKeys = []string{"k8s.node.name", "host.name"}

// Span attributes that services send.
const (
	RequestID      = "ml.request.id"
	ModelName      = "ml.model.name"
	ModelVersion   = "ml.model.version"
	InputType      = "ml.input.type"
	InputSizeBytes = "ml.input.size_bytes"
	InputTokens    = "ml.input.tokens"
	OutputTokens   = "ml.output.tokens"
	// CachedTokens and CacheWriteTokens are part of InputTokens, ReasoningTokens of OutputTokens.
	CachedTokens     = "ml.input.cached_tokens"
	CacheWriteTokens = "ml.input.cache_write_tokens"
	ReasoningTokens  = "ml.output.reasoning_tokens"
	ClientID         = "ml.client.id"
	// ExperimentVariant is on the span or its resource, as the model's name is.
	ExperimentVariant = "ml.experiment.variant"
	DeviceType        = "ml.device.type"
	DeviceID          = "ml.device.id"
	BatchSize         = "ml.batch.size"
	BatchMaxSeqLen    = "ml.batch.max_seq_len"
	PipelineSuccess   = "ml.pipeline.success"
	PipelineLatency   = "ml.pipeline.latency_ms"

	FeaturesRequested   = "ml.features.requested_count"
	FeaturesCacheHits   = "ml.features.cache_hits"
	FeaturesCacheMisses = "ml.features.cache_misses"
	FeaturesRetrieved   = "ml.features.retrieved_count"
	FeaturesUnavailable = "ml.features.unavailable_count"
	FeaturesHitRate     = "ml.features.cache_hit_rate"
	FeaturesCacheLookup = "ml.features.cache_lookup_ms"
	FeaturesDBLookup    = "ml.features.db_lookup_ms"

	QueueWait        = "ml.inference.queue_wait_ms"
	ForwardPass      = "ml.inference.forward_pass_ms"
	TimeToFirstToken = "ml.inference.time_to_first_token_ms"

	Prefill            = "ml.inference.prefill_ms"
	Decode             = "ml.inference.decode_ms"
	TimePerOutputToken = "ml.inference.time_per_output_token_ms"
	TokensPerSecond    = "ml.inference.tokens_per_second"
	KVTransfer         = "ml.inference.kv_transfer_ms"
	Preemptions        = "ml.inference.preemptions"
	InferenceAttempts  = "ml.inference.attempts"

	GPUMemoryAllocated = "ml.gpu.memory_allocated_mb"
	GPUMemoryReserved  = "ml.gpu.memory_reserved_mb"
	GPUUtilization     = "ml.gpu.utilization_percent"

	ValidationAttempts   = "ml.post_processing.validation_attempts"
	OutputValid          = "ml.output.valid"
	OutputRequiredRepair = "ml.output.required_repair"

	EvaluationAccuracy = "ml.evaluation.accuracy"
	EvaluationF1       = "ml.evaluation.f1"
	EvaluationAUC      = "ml.evaluation.auc"
	EvaluationLoss     = "ml.evaluation.loss"
	// EvaluationAssessment is of one output, where the others are of a model.
	EvaluationAssessment = "ml.evaluation.assessment"

	EvaluationBaselineAccuracy = "ml.evaluation.baseline_accuracy"
	EvaluationBaselineF1       = "ml.evaluation.baseline_f1"
	EvaluationBaselineAUC      = "ml.evaluation.baseline_auc"

	DataSource        = "ml.data.source"
	DataRecordsRead   = "ml.data.records_read"
	DataSizeBytes     = "ml.data.size_bytes"
	DataParsingErrors = "ml.data.parsing_errors"

	DataSuite        = "ml.data.suite"
	DataRows         = "ml.data.rows"
	DataNullShare    = "ml.data.null_share"
	DataChecks       = "ml.data.checks"
	DataChecksFailed = "ml.data.checks_failed"

	EngineeredFeatures   = "ml.feature_engineering.feature_count"
	EngineeringCompute   = "ml.feature_engineering.compute_ms"
	TransformationErrors = "ml.feature_engineering.transformation_errors"

	TrainingEpochs       = "ml.training.epochs"
	TrainingLoss         = "ml.training.loss"
	TrainingLearningRate = "ml.training.learning_rate"

	ArtifactSizeBytes = "ml.registration.artifact_size_bytes"
	ArtifactUpload    = "ml.registration.upload_ms"

	DeploymentStrategy           = "ml.deployment.strategy"
	DeploymentCanary             = "ml.deployment.canary_percent"
	DeploymentHealthy            = "ml.deployment.healthy"
	DeploymentFailedHealthChecks = "ml.deployment.failed_health_checks"

	TaskQueueWait = "ml.task.queue_wait_ms"
	TaskAttempts  = "ml.task.attempts"
)

// Span attributes that mlsignals derives.
const (
	Stage             = "ml.stage"
	QueueComputeRatio = "ml.inference.queue_compute_ratio"
	FeaturesDBShare   = "ml.features.db_share"

	SignalQueueBound          = "ml.signal.queue_bound"
	SignalHighQueueWait       = "ml.signal.high_queue_wait"
	SignalFeatureCascade      = "ml.signal.feature_cascade"
	SignalFeaturesUnavailable = "ml.signal.features_unavailable"
	SignalRevalidated         = "ml.signal.revalidated"
	SignalColdStart           = "ml.signal.cold_start"

	ColdStartComponent = "ml.cold_start.component"
	ColdStartDuration  = "ml.cold_start.duration_ms"
	ColdStartReload    = "ml.cold_start.reload"

	// ColdStartRepeated is on a span that shows a cold start for which another span is marked.
	ColdStartRepeated = "ml.cold_start.repeated"

	// SignalPrefix is the prefix of the key of every signal: SignalPrefix + "queue_bound".
	SignalPrefix = "ml.signal."
)

// Span attributes of the OpenTelemetry GenAI conventions.
const (
	GenAIOperation           = "gen_ai.operation.name"
	GenAIProvider            = "gen_ai.provider.name"
	GenAISystem              = "gen_ai.system" // before v1.37
	GenAIRequestModel        = "gen_ai.request.model"
	GenAIResponseModel       = "gen_ai.response.model"
	GenAIInputTokens         = "gen_ai.usage.input_tokens"
	GenAIOutputTokens        = "gen_ai.usage.output_tokens"
	GenAICacheReadTokens     = "gen_ai.usage.cache_read.input_tokens"
	GenAICacheCreationTokens = "gen_ai.usage.cache_creation.input_tokens"
	GenAIReasoningTokens     = "gen_ai.usage.reasoning.output_tokens"
	GenAITimeToFirstChunk    = "gen_ai.response.time_to_first_chunk"
)

// SamplingAdjustedCount is on every span that the mlsampling policy keeps: the number of spans that it represents, a
// double from 1 on.
const SamplingAdjustedCount = "ml.sampling.adjusted_count"

// SamplingPolicies is on the root span of a trace that mltailsampling kept, or on its first span if the root is
// missing: the names of the matching policies, a slice of strings.
const SamplingPolicies = "ml.sampling.policies"

// Attributes that mldiagnosis sets on the root span of a kept trace.
const (
	DiagnosisBottleneck   = "ml.diagnosis.bottleneck"
	DiagnosisShare        = "ml.diagnosis.share"
	DiagnosisCauses       = "ml.diagnosis.causes"
	DiagnosisCriticalPath = "ml.diagnosis.critical_path"
	DiagnosisPartial      = "ml.diagnosis.partial"
	DiagnosisClockSkew    = "ml.diagnosis.clock_skew"
	DiagnosisUndivided    = "ml.diagnosis.undivided"
	// DiagnosisSharesPrefix is the prefix of the key of a cause's share: DiagnosisSharesPrefix + "gpu_queue".
	DiagnosisSharesPrefix = "ml.diagnosis.shares."
)

// Span events.
const (
	EventFeaturesUnavailable = "ml.features.unavailable"
	EventHighQueueWait       = "ml.inference.high_queue_wait"
	EventValidationFailed    = "ml.output.validation_failed"
	EventDataCheckFailed     = "ml.data.check_failed"
)

// Attributes of span events.
const (
	EventCount   = "count"
	EventAttempt = "attempt"
	EventReason  = "reason"
	EventField   = "field"
	// EventCheck and EventColumn are on EventDataCheckFailed.
	EventCheck  = "check"
	EventColumn = "column"
	// EventQueueWait is on EventHighQueueWait, in milliseconds.
	EventQueueWait = "queue_wait_ms"
)

// Stages of a request, then stages of a training pipeline.
const (
	StageRequest           = "request"
	StageInputValidation   = "input_validation"
	StageFeatureExtraction = "feature_extraction"
	StageBatchAssembly     = "batch_assembly"
	StageTokenization      = "tokenization"
	StageInference         = "inference"
	StagePostProcessing    = "post_processing"

	StageDataIngestion      = "data_ingestion"
	StageFeatureEngineering = "feature_engineering"
	StageTraining           = "training"
	StageEvaluation         = "evaluation"
	StageModelRegistration  = "model_registration"
	StageDeployment         = "deployment"
)

// Stages lists every stage, requests first, each group in the order of its pipeline.
var Stages = []string{
	StageRequest, StageInputValidation, StageFeatureExtraction, StageBatchAssembly,
	StageTokenization, StageInference, StagePostProcessing,
	StageDataIngestion, StageFeatureEngineering, StageTraining,
	StageEvaluation, StageModelRegistration, StageDeployment,
}

// TrainingStages lists the stages of a training pipeline, in its order.
var TrainingStages = Stages[slices.Index(Stages, StageDataIngestion):]

// IsTrainingStage reports whether a stage is one of a training pipeline.
func IsTrainingStage(stage string) bool { return slices.Contains(TrainingStages, stage) }

// SignalName returns the name of a signal, which is its key without SignalPrefix.
func SignalName(key string) string { return strings.TrimPrefix(key, SignalPrefix) }

// Signals lists the attribute key of every signal.
var Signals = []string{
	SignalQueueBound, SignalHighQueueWait, SignalFeatureCascade,
	SignalFeaturesUnavailable, SignalRevalidated, SignalColdStart,
}
