package mltrainingconnector

import (
	"regexp"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// stages are those of a training pipeline.
var stages = map[string]bool{
	vocab.StageDataIngestion: true, vocab.StageFeatureEngineering: true, vocab.StageTraining: true,
	vocab.StageEvaluation: true, vocab.StageModelRegistration: true, vocab.StageDeployment: true,
}

// hasTrainingStage tells whether a span is a stage of a training pipeline.
func hasTrainingStage(span ptrace.Span) bool {
	v, ok := span.Attributes().Get(vocab.Stage)
	return ok && v.Type() == pcommon.ValueTypeStr && stages[v.Str()]
}

// names tells which names of pipelines are of training. It remembers what it has found for the first so many, because
// matching takes longer than all else that a small batch needs.
type names struct {
	expression *regexp.Regexp
	mutex      sync.RWMutex
	found      map[string]bool
}

const namesRemembered = 1000

// newNames returns nil for an empty expression: no name is of training.
func newNames(expression string) (*names, error) {
	if expression == "" {
		return nil, nil
	}
	compiled, err := regexp.Compile(expression)
	return &names{expression: compiled, found: map[string]bool{}}, err
}

// train tells whether a resource says by its name that it trains. Its every span is then of a run.
func (n *names) train(resource pcommon.Resource) bool {
	if n == nil {
		return false
	}
	v, ok := resource.Attributes().Get(vocab.PipelineName)
	return ok && v.Type() == pcommon.ValueTypeStr && n.match(v.Str())
}

func (n *names) match(name string) bool {
	n.mutex.RLock()
	trains, ok := n.found[name]
	n.mutex.RUnlock()
	if ok {
		return trains
	}
	trains = n.expression.MatchString(name)
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if len(n.found) < namesRemembered {
		n.found[strings.Clone(name)] = trains
	}
	return trains
}
