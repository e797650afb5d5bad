package scrape

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Counted are values by PromQL selector, such as `ml_signals_total{signal="queue_bound"}`.
type Counted map[string]float64

// countedLine starts the line in which an example says what its services did.
const countedLine = "counted "

// ReadCounted reads what an example has written about what its services did, by the metric that has to say the same.
func ReadCounted(output string) (Counted, error) {
	for line := range strings.Lines(output) {
		said, is := strings.CutPrefix(line, countedLine)
		if !is {
			continue
		}
		var c Counted
		if err := json.Unmarshal([]byte(said), &c); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		return c, nil
	}
	return nil, fmt.Errorf("no line begins with %q", countedLine)
}

// Is returns an error that names every selector whose series do not add up to its value. A selector without
// a series counts as 0, as a counter that never rose.
func (c Counted) Is(samples Samples) error {
	var all []error
	for selector, want := range c {
		matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
		if err != nil {
			return fmt.Errorf("%s: %w", selector, err)
		}
		if got := samples.matching(matchers); got != want {
			all = append(all, fmt.Errorf("%s is %v, must be %v", selector, got, want))
		}
	}
	return errors.Join(all...)
}

func (s Samples) matching(matchers []*labels.Matcher) (sum float64) {
	for _, sample := range s {
		if all := labels.Selector(matchers); all.Matches(sample.Labels) {
			sum += sample.Value
		}
	}
	return sum
}
