// Package wholetrace says, in the context of a batch, how much of a trace the
// batch is. mltailsampling knows, and the components behind it need not find
// out. A queue or batcher in between loses the context; then nothing is known.
package wholetrace

import "context"

// Extent is how much of a trace a batch is. A batch with any but Unknown belongs
// to the component that receives it, unless it is marked as read-only.
type Extent uint8

const (
	// Unknown says that the batch may hold spans of several traces.
	Unknown Extent = iota
	// Whole says that these are all spans of one trace that had come when it was decided, and no other spans.
	Whole
	// Late says that these are spans of one trace that came after it was decided.
	Late
	// Passed says that these are spans of a trace that is passed on as they come, such as a training run.
	Passed
)

type key struct{}

// With returns a context that says the extent of the batch that goes with it.
func With(ctx context.Context, e Extent) context.Context { return context.WithValue(ctx, key{}, e) }

// From returns the extent that a context says.
func From(ctx context.Context) Extent {
	e, _ := ctx.Value(key{}).(Extent)
	return e
}
