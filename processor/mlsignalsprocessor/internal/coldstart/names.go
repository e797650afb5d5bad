// Package coldstart tells which spans load or initialise a component, and
// whether an instance does so for the first time.
package coldstart

import "github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"

// DefaultSpanNames are the names under which services load components.
var DefaultSpanNames = []string{
	"*_init", "*_load", "*_warmup", "*_cold_start",
	"*.init", "*.load", "*.warmup",
	"init_*", "load_*", "warmup_*", "warm_up_*", "initialize_*",
}

// Names finds the component in the name of a span.
type Names struct {
	patterns []dialect.Pattern
	index    *dialect.Index
}

// NewNames compiles patterns such as *_init. What the * stands for is the component.
func NewNames(patterns []string) (*Names, error) {
	n := &Names{}
	for _, text := range patterns {
		p, err := dialect.ParsePattern(text)
		if err != nil {
			return nil, err
		}
		n.patterns = append(n.patterns, p)
	}
	n.index = dialect.NewIndex(n.patterns)
	return n, nil
}

// Component returns what a span of this name loads, "" where the name says no
// such thing. Of several patterns that fit, the first of the list counts. A
// name that a pattern gives without a star is its own component.
func (n *Names) Component(span string) string {
	first := len(n.patterns)
	n.index.Each(span, func(i int) { first = min(first, i) })
	if first == len(n.patterns) {
		return ""
	}
	if component := n.patterns[first].Capture(span); component != "" {
		return component
	}
	return span
}
