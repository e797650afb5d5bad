package rules

import (
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/pattern"
)

// stageWords maps words of task names to stages of a training pipeline. Whole
// words are compared: train_model has "train", restrain has not.
var stageWords = map[string]string{
	"ingest": vocab.StageDataIngestion, "ingestion": vocab.StageDataIngestion,
	"extract": vocab.StageDataIngestion, "download": vocab.StageDataIngestion,

	"feature": vocab.StageFeatureEngineering, "features": vocab.StageFeatureEngineering,
	"featurize": vocab.StageFeatureEngineering, "preprocess": vocab.StageFeatureEngineering,
	"preprocessing": vocab.StageFeatureEngineering, "transform": vocab.StageFeatureEngineering,

	"train": vocab.StageTraining, "training": vocab.StageTraining, "trainer": vocab.StageTraining,
	"fit": vocab.StageTraining, "finetune": vocab.StageTraining, "finetuning": vocab.StageTraining,

	"evaluate": vocab.StageEvaluation, "evaluation": vocab.StageEvaluation, "eval": vocab.StageEvaluation,
	"test": vocab.StageEvaluation, "validate": vocab.StageEvaluation, "validation": vocab.StageEvaluation,

	"register": vocab.StageModelRegistration, "registration": vocab.StageModelRegistration,
	"registry": vocab.StageModelRegistration, "publish": vocab.StageModelRegistration,

	"deploy": vocab.StageDeployment, "deployment": vocab.StageDeployment, "rollout": vocab.StageDeployment,
	"canary": vocab.StageDeployment,
}

// stageFrom is a compiled dialect.StageFrom.
type stageFrom struct {
	slot  int // of the attribute, -1 for the span's name
	words map[string]string
}

func newStageFrom(b *builder, d *dialect.StageFrom) *stageFrom {
	f := &stageFrom{slot: -1, words: d.Words}
	if d.Attribute != "" {
		f.slot = b.slot(d.Attribute)
	}
	return f
}

// stage returns the stage in a name, "" for none. The last word with a stage
// counts, so train_features is feature engineering.
func (f *stageFrom) stage(sc *Scratch) string {
	name := sc.name
	if f.slot >= 0 {
		v, ok := sc.attribute(f.slot)
		if !ok {
			return ""
		}
		name = v.Str()
	}
	stage := ""
	for word := range pattern.Words(name) {
		if s, ok := f.words[word]; ok {
			stage = s
		} else if s, ok := stageWords[word]; ok {
			stage = s
		}
	}
	return stage
}
