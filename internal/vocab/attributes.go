package vocab

import "math"

// Type is the one type that a key's value has.
type Type uint8

// The types of values.
const (
	String Type = iota
	Int
	Double
	Bool
)

func (t Type) String() string {
	return [...]string{"string", "int", "double", "bool"}[t]
}

// Attribute says what a key means: its type and, for numbers, the range of
// values that can be true.
type Attribute struct {
	Key  string
	Type Type
	// Min and Max bound a number, both inclusive. No infinite number is in a range.
	Min, Max float64
	// Stage is where the attribute is found; a span without a stage that carries it is of this stage.
	// Empty where the attribute says nothing about the stage.
	Stage string
	// Derived is true where mlsignals computes the value.
	Derived bool
	// Meaning is one line for the documentation.
	Meaning string
}

// mostCount is more than one span can have of anything. A single number near 2^63, an unsigned -1 for instance, would end
// every sum that it is part of.
const mostCount = 1e12

// mostRatio is far above every ratio that a wait and a computation can have.
const mostRatio = 1e9

// unbounded admits every finite number.
const unbounded = math.MaxFloat64

// Attributes is the vocabulary of span attributes, in the order of the documentation, which has the derived ones in a table
// of their own. What the spans of requests have comes first: a reading.Set finds its first 64 sooner.
var Attributes = []Attribute{
	{Key: RequestID, Type: String, Meaning: "request ID, as in the application's logs"},
	{Key: ModelName, Type: String, Meaning: "name of the model"},
	{Key: ModelVersion, Type: String, Meaning: "version of the model"},
	{Key: ExperimentVariant, Type: String, Meaning: "variant of an experiment (A/B test) that the request got, such as `control`"},
	{Key: InputType, Type: String, Meaning: "type of the input"},
	{Key: ClientID, Type: String, Meaning: "who sent the request"},
	{Key: DeviceType, Type: String, Meaning: "type of the device, such as `cuda`"},
	{Key: DeviceID, Type: String, Meaning: "ID of the device"},
	{Key: InputSizeBytes, Type: Int, Max: 1e15, Meaning: "size of the input in bytes"},
	{Key: InputTokens, Type: Int, Max: mostCount, Meaning: "tokens of the input"},
	{Key: OutputTokens, Type: Int, Max: mostCount, Meaning: "tokens of the output"},
	{Key: CachedTokens, Type: Int, Max: mostCount, Meaning: "tokens of the input that a prompt cache had; part of `ml.input.tokens` where the service counts so"},
	{Key: CacheWriteTokens, Type: Int, Max: mostCount, Meaning: "tokens of the input that were written to a prompt cache"},
	{Key: ReasoningTokens, Type: Int, Max: mostCount, Meaning: "tokens of the output that the model used to reason; part of `ml.output.tokens`"},
	{Key: BatchSize, Type: Int, Max: mostCount, Meaning: "requests in the batch"},
	{Key: BatchMaxSeqLen, Type: Int, Max: mostCount, Meaning: "longest sequence of the batch in tokens"},

	{Key: FeaturesRequested, Type: Int, Max: mostCount, Stage: StageFeatureExtraction, Meaning: "features asked for"},
	{Key: FeaturesCacheHits, Type: Int, Max: mostCount, Stage: StageFeatureExtraction, Meaning: "features found in the cache"},
	{Key: FeaturesCacheMisses, Type: Int, Max: mostCount, Stage: StageFeatureExtraction, Meaning: "features not found in the cache"},
	{Key: FeaturesRetrieved, Type: Int, Max: mostCount, Stage: StageFeatureExtraction, Meaning: "features found at all"},
	{Key: FeaturesUnavailable, Type: Int, Max: mostCount, Stage: StageFeatureExtraction, Meaning: "features found nowhere"},
	{Key: FeaturesHitRate, Type: Double, Max: 1, Stage: StageFeatureExtraction, Meaning: "cache hits / (hits + misses), 0 to 1"},
	{Key: FeaturesCacheLookup, Type: Double, Max: LongestMS, Stage: StageFeatureExtraction, Meaning: "time of the cache lookup in ms"},
	{Key: FeaturesDBLookup, Type: Double, Max: LongestMS, Stage: StageFeatureExtraction, Meaning: "time of the database lookup in ms"},

	{Key: QueueWait, Type: Double, Max: LongestMS, Stage: StageInference, Meaning: "wait for the GPU in ms"},
	{Key: ForwardPass, Type: Double, Max: LongestMS, Stage: StageInference, Meaning: "compute on the GPU in ms"},
	{Key: TimeToFirstToken, Type: Double, Max: LongestMS, Stage: StageInference, Meaning: "time to the first output token in ms"},
	{Key: Prefill, Type: Double, Max: LongestMS, Stage: StageInference, Meaning: "compute for the prompt in ms; part of the forward pass"},
	{Key: Decode, Type: Double, Max: LongestMS, Stage: StageInference, Meaning: "compute for the output tokens after the first in ms; part of the forward pass"},
	{Key: TimePerOutputToken, Type: Double, Max: LongestMS, Stage: StageInference, Meaning: "time for each output token after the first in ms"},
	{Key: TokensPerSecond, Type: Double, Max: mostCount, Stage: StageInference, Meaning: "output tokens a second, over the whole call"},
	{Key: KVTransfer, Type: Double, Max: LongestMS, Stage: StageInference, Meaning: "transfer of the KV cache from another server or tier in ms"},
	{Key: Preemptions, Type: Int, Max: mostCount, Stage: StageInference, Meaning: "times that the request lost its place in the batch and had to be recomputed"},
	{Key: InferenceAttempts, Type: Int, Max: mostCount, Stage: StageInference, Meaning: "which attempt at the same call this is, 1 for the first; above 1 those before it failed"},
	{Key: GPUMemoryAllocated, Type: Double, Max: mostCount, Stage: StageInference, Meaning: "GPU memory in use in MB"},
	{Key: GPUMemoryReserved, Type: Double, Max: mostCount, Stage: StageInference, Meaning: "GPU memory held by the allocator in MB"},

	{Key: GPUUtilization, Type: Double, Max: 100, Meaning: "how busy the GPU was, 0 to 100"},

	{Key: ValidationAttempts, Type: Int, Max: mostCount, Stage: StagePostProcessing, Meaning: "validations of the output until it passed, 1 when it passed at once"},
	{Key: OutputValid, Type: Bool, Stage: StagePostProcessing, Meaning: "the output passed validation in the end"},
	{Key: OutputRequiredRepair, Type: Bool, Stage: StagePostProcessing, Meaning: "the output was repaired before it passed"},

	{Key: PipelineSuccess, Type: Bool, Stage: StageRequest, Meaning: "the request succeeded end to end"},
	{Key: PipelineLatency, Type: Double, Max: LongestMS, Stage: StageRequest, Meaning: "latency of the request in ms"},

	{Key: Stage, Type: String, Derived: true, Meaning: "stage of the pipeline, the same in every dialect"},
	{Key: QueueComputeRatio, Type: Double, Max: mostRatio, Derived: true, Meaning: "queue wait / forward pass; absent when the forward pass is 0"},
	{Key: FeaturesDBShare, Type: Double, Max: 1, Derived: true, Meaning: "database lookup / the span's duration"},
	{Key: SignalQueueBound, Type: Bool, Derived: true, Meaning: "the request waited longer for the GPU than the GPU worked for it"},
	{Key: SignalHighQueueWait, Type: Bool, Derived: true, Meaning: "the request waited long for the GPU"},
	{Key: SignalFeatureCascade, Type: Bool, Derived: true, Meaning: "features came from the database, and that took most of the span"},
	{Key: SignalFeaturesUnavailable, Type: Bool, Derived: true, Meaning: "at least one feature was found nowhere"},
	{Key: SignalRevalidated, Type: Bool, Derived: true, Meaning: "the output failed validation at least once"},
	{Key: SignalColdStart, Type: Bool, Derived: true, Meaning: "the span loads or initialises a component"},
	{Key: ColdStartComponent, Type: String, Derived: true, Meaning: "what was loaded"},
	{Key: ColdStartDuration, Type: Double, Max: LongestMS, Derived: true, Meaning: "how long the load took in ms"},
	{Key: ColdStartReload, Type: Bool, Derived: true, Meaning: "this instance had loaded the component before; absent where that cannot be known"},
	{Key: ColdStartRepeated, Type: Bool, Derived: true, Meaning: "another span shows the same start, and is marked and counted for it; this one may have its time"},

	{Key: EvaluationAccuracy, Type: Double, Max: 1, Meaning: "accuracy of the trained model, 0 to 1"},
	{Key: EvaluationF1, Type: Double, Max: 1, Meaning: "F1 score of the trained model, 0 to 1"},
	{Key: EvaluationAUC, Type: Double, Max: 1, Meaning: "area under the ROC curve of the trained model, 0 to 1"},
	{Key: EvaluationLoss, Type: Double, Min: -unbounded, Max: unbounded, Meaning: "loss of the trained model"},

	{Key: EvaluationBaselineAccuracy, Type: Double, Max: 1, Meaning: "accuracy of the model that the trained one is compared with, 0 to 1"},
	{Key: EvaluationBaselineF1, Type: Double, Max: 1, Meaning: "F1 score of the model that the trained one is compared with, 0 to 1"},
	{Key: EvaluationBaselineAUC, Type: Double, Max: 1, Meaning: "area under the ROC curve of the model that the trained one is compared with, 0 to 1"},

	{Key: EvaluationAssessment, Type: Double, Min: -mostCount, Max: mostCount, Meaning: "score that a scorer or a judge gave to one output; passed is 1, failed 0"},

	{Key: DataSource, Type: String, Stage: StageDataIngestion, Meaning: "where the data comes from: a path, a table, a topic"},
	{Key: DataRecordsRead, Type: Int, Max: mostCount, Stage: StageDataIngestion, Meaning: "records read"},
	{Key: DataSizeBytes, Type: Int, Max: 1e15, Stage: StageDataIngestion, Meaning: "size of what was read in bytes"},
	{Key: DataParsingErrors, Type: Int, Max: mostCount, Stage: StageDataIngestion, Meaning: "records that could not be parsed"},
	{Key: DataSuite, Type: String, Meaning: "name of the checks of the data: the suite of Great Expectations, the schema of pandera"},
	{Key: DataRows, Type: Int, Max: mostCount, Meaning: "rows of the data that was checked"},
	{Key: DataNullShare, Type: Double, Max: 1, Meaning: "share of missing values in the data that was checked, 0 to 1"},
	{Key: DataChecks, Type: Int, Max: mostCount, Meaning: "checks of the data that were evaluated"},
	{Key: DataChecksFailed, Type: Int, Max: mostCount, Meaning: "checks of the data that failed"},
	{Key: EngineeredFeatures, Type: Int, Max: mostCount, Stage: StageFeatureEngineering, Meaning: "features computed for each record"},
	{Key: EngineeringCompute, Type: Double, Max: LongestMS, Stage: StageFeatureEngineering, Meaning: "time of the computation of features in ms"},
	{Key: TransformationErrors, Type: Int, Max: mostCount, Stage: StageFeatureEngineering, Meaning: "records for which the features could not be computed"},
	{Key: TrainingEpochs, Type: Int, Max: mostCount, Stage: StageTraining, Meaning: "epochs trained"},
	{Key: TrainingLoss, Type: Double, Min: -unbounded, Max: unbounded, Stage: StageTraining, Meaning: "loss of the training, the newest value"},
	{Key: TrainingLearningRate, Type: Double, Max: unbounded, Stage: StageTraining, Meaning: "learning rate"},
	{Key: ArtifactSizeBytes, Type: Int, Max: 1e15, Stage: StageModelRegistration, Meaning: "size of the model's artifact in bytes"},
	{Key: ArtifactUpload, Type: Double, Max: LongestMS, Stage: StageModelRegistration, Meaning: "upload of the artifact to the registry in ms"},
	{Key: DeploymentStrategy, Type: String, Stage: StageDeployment, Meaning: "strategy of the rollout, such as `canary`"},
	{Key: DeploymentCanary, Type: Double, Max: 100, Stage: StageDeployment, Meaning: "share of the traffic that the new version gets, 0 to 100"},
	{Key: DeploymentHealthy, Type: Bool, Stage: StageDeployment, Meaning: "the health checks passed in the end"},
	{Key: DeploymentFailedHealthChecks, Type: Int, Max: mostCount, Stage: StageDeployment, Meaning: "health checks that failed"},

	{Key: TaskQueueWait, Type: Double, Max: LongestMS, Meaning: "time from queued to started of an orchestrator's task or run in ms; not the wait for the GPU"},
	{Key: TaskAttempts, Type: Int, Max: mostCount, Meaning: "runs of an orchestrator's task so far, 1 when it was not retried"},
}

var indexByKey = func() map[string]int {
	m := make(map[string]int, len(Attributes))
	for i := range Attributes {
		m[Attributes[i].Key] = i
	}
	return m
}()

// AttributeKeys returns the keys of all span attributes.
func AttributeKeys() []string {
	keys := make([]string, len(Attributes))
	for i := range Attributes {
		keys[i] = Attributes[i].Key
	}
	return keys
}

// Lookup returns the definition of a span attribute, nil if the vocabulary does not have the key.
func Lookup(key string) *Attribute {
	if i, ok := indexByKey[key]; ok {
		return &Attributes[i]
	}
	return nil
}

// Index returns the position of a key in Attributes, -1 where the vocabulary does not have it.
func Index(key string) int {
	if i, ok := indexByKey[key]; ok {
		return i
	}
	return -1
}
