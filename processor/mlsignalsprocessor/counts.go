package mlsignalsprocessor

import (
	"strings"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/rules"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

const (
	endBeforeStartReason = iota
	noNameReason
	noResourceReason
	noStartReason
	tooLongReason
	reasons
)

var reasonNames = [reasons]string{"end_before_start", "no_name", "no_resource", "no_start", "too_long"}

// counts are what a worker counts in a batch, for the processor's own
// telemetry. Positions are those of vocab.Attributes.
type counts struct {
	dialects  []int64 // index is the dialect + 1; 0 is none
	coerced   [values.Size]int64
	invalids  [values.Size]int64
	signals   [values.Size]int64
	malformed [reasons]int64
	// badSources are values of a dialect's own attributes, by key.
	badSources map[string]int64
}

func newCounts(dialects int) counts {
	return counts{dialects: make([]int64, dialects+1), badSources: map[string]int64{}}
}

func (c *counts) invalid(sc *rules.Scratch) {
	for s := sc.Invalid; !s.Empty(); {
		c.invalids[s.Pop()]++
	}
	for _, key := range sc.BadSources {
		if i := vocab.Index(key); i < 0 || !sc.Invalid.Has(i) {
			c.badSources[strings.Clone(key)]++
		}
	}
}

func (c *counts) derived(sc *rules.Scratch) {
	for s := sc.Coerced; !s.Empty(); {
		c.coerced[s.Pop()]++
	}
	for s := sc.Derived.And(values.Signals); !s.Empty(); {
		c.signals[s.Pop()]++
	}
}
