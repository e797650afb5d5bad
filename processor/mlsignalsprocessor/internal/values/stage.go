package values

import "github.com/otelcol-ml/otelcol-ml/internal/vocab"

// stageAttributes has the attributes that belong to each stage, in the order of vocab.Stages.
var stageAttributes = func() (all []struct {
	stage      string
	attributes Set
}) {
	for _, stage := range vocab.Stages {
		var s Set
		for i, a := range vocab.Attributes {
			if a.Stage == stage {
				s.Add(i)
			}
		}
		if !s.Empty() {
			all = append(all, struct {
				stage      string
				attributes Set
			}{stage, s})
		}
	}
	return all
}()

// StageAttributes has every attribute that belongs to a stage.
var StageAttributes = func() (s Set) {
	for _, of := range stageAttributes {
		s = s.Or(of.attributes)
	}
	return s
}()

// HasStageAttribute reports whether the span carries an attribute of a stage, readable or not.
func (r *Values) HasStageAttribute() bool {
	return r.Known.Meets(&StageAttributes) || r.Invalid.Meets(&StageAttributes)
}

// Lookups has the times of lookups.
var Lookups = Bits(FeaturesCacheLookup, FeaturesDBLookup)

// FillStage derives the stage from the attributes of a span without a stage,
// except those in but. Of several stages the first of vocab.Stages counts.
func (r *Values) FillStage(but Set) {
	if !r.Missing(Stage) || !r.HasStageAttribute() {
		return
	}
	tell := r.Known.Or(r.Invalid).Without(but)
	for i := range stageAttributes {
		if of := &stageAttributes[i]; tell.Meets(&of.attributes) {
			r.FillText(Stage, of.stage)
			return
		}
	}
}
