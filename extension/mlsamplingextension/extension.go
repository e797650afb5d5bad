package mlsamplingextension

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"

	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/budget"
	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/classify"
	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/extension/mlsamplingextension/internal/policy"
)

// samplingExtension has one budget, which the policies that name it share.
type samplingExtension struct {
	id         component.ID
	reader     classify.Reader
	budget     *budget.Allocator
	unreadable atomic.Int64
	telemetry  *metadata.TelemetryBuilder
}

var (
	_ extension.Extension      = (*samplingExtension)(nil)
	_ samplingpolicy.Extension = (*samplingExtension)(nil)
)

func newExtension(set extension.Settings, c *Config, now func() time.Time) *samplingExtension {
	return &samplingExtension{
		id:     set.ID,
		reader: classify.Reader{Latency: c.LatencyThreshold},
		budget: budget.New(c.limits(), now),
	}
}

func (e *samplingExtension) Start(context.Context, component.Host) error { return nil }

func (e *samplingExtension) Shutdown(context.Context) error {
	e.telemetry.Shutdown()
	return nil
}

// NewEvaluator makes the evaluator of a policy of tail_sampling. Its settings are those of
// the extension, where `validate` checks them; a policy that has some of its own is refused.
func (e *samplingExtension) NewEvaluator(_ string, settings map[string]any) (samplingpolicy.Evaluator, error) {
	if len(settings) > 0 {
		keys := slices.Sorted(maps.Keys(settings))
		return nil, fmt.Errorf("%s: found %s in the policy, must be under extensions::%s; leave only `type: %s` in the policy",
			e.id, strings.Join(keys, ", "), e.id, e.id)
	}
	return &policy.Policy{Reader: e.reader, Budget: e.budget, Unreadable: &e.unreadable}, nil
}
