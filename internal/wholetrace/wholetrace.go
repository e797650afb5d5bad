// Package wholetrace carries in the context of a batch whether the batch is a whole trace. mltailsampling knows this,
// and the components after it need not find out. A queue or batcher in between drops the context; the extent is then
// Unknown. The functions may be called concurrently.
package wholetrace

import "context"

// Extent is the relation of a batch to its trace. The component that receives a batch with an extent other than
// Unknown owns the batch, unless it is marked as read-only.
type Extent uint8

const (
	// Unknown is the extent of a batch that may have spans of several traces.
	Unknown Extent = iota
	// Whole is the extent of a batch with all spans of one trace that had arrived before the decision, and no other
	// spans.
	Whole
	// Late is the extent of a batch with spans of one trace that arrived after the decision.
	Late
	// Passed is the extent of a batch with spans of a trace that is passed on without a decision, such as a training
	// run.
	Passed
)

type key struct{}

// With returns a context with the extent of its batch.
func With(ctx context.Context, e Extent) context.Context { return context.WithValue(ctx, key{}, e) }

// From returns the extent in a context.
func From(ctx context.Context) Extent {
	e, _ := ctx.Value(key{}).(Extent)
	return e
}
