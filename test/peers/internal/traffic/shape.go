package traffic

import "fmt"

// Shape says how many label sets the traffic has.
type Shape struct {
	// Pipelines is how many values ml.pipeline.name has. It is a label of every span.
	Pipelines int
	// Models is how many values ml.model.name has in each pipeline. The gateway's and the inference span carry it.
	Models int
}

const (
	// plain is how many kinds of span there are without a model's name, and so of label sets in each pipeline.
	plain = 8
	// named is how many there are with one.
	named = 2
	// maxPipelines keeps the number of distinct resources realistic.
	maxPipelines = 50
)

// Series is how many label sets the durations have, by span name.
func (s Shape) Series() int { return s.Pipelines * (plain + named*s.Models) }

// ShapeOf returns the shape with exactly so many series.
func ShapeOf(series int) (Shape, error) {
	for p := min(maxPipelines, series/(plain+named)); p > 0; p-- {
		if rest := series/p - plain; series%p == 0 && rest >= named && rest%named == 0 {
			return Shape{Pipelines: p, Models: rest / named}, nil
		}
	}
	return Shape{}, fmt.Errorf("series: found %d, must be an even number of at least %d", series, plain+named)
}
