package traffic

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// Reason is why a trace is worth keeping. A trace may have several.
type Reason uint16

// The reasons: one for each policy of otelcol.yaml that looks at what happened.
const (
	Slow Reason = 1 << iota
	Failed
	Revalidated
	HighQueueWait
	QueueBound
	FeatureCascade
	FeaturesUnavailable
	ColdStart
)

// Reasons are all of them, with the name of the policy in otelcol.yaml.
var Reasons = []struct {
	Reason Reason
	Policy string
}{
	{Slow, "slow-requests"},
	{Failed, "errors"},
	{Revalidated, "multi-attempt-validation"},
	{HighQueueWait, "high-gpu-queue"},
	{QueueBound, "gpu-queue-over-compute"},
	{FeatureCascade, "feature-store-fallback"},
	{FeaturesUnavailable, "features-unavailable"},
	{ColdStart, "cold-starts"},
}

// seenBy are the reasons that only one service's spans show. Slow and failed requests show in several.
var seenBy = [Services]Reason{
	Extractor: FeatureCascade | FeaturesUnavailable,
	Assembler: ColdStart,
	Inference: HighQueueWait | QueueBound,
	Post:      Revalidated,
}

// Types are the types that a trace's attributes are sent in.
type Types uint8

// The article's types, integers where doubles are expected, and numeric strings for all numbers.
const (
	Articles Types = iota
	Integers
	Strings
)

// Sent is what is known of one trace. Spans and Late are bits, one for each of its slots.
type Sent struct {
	// Reasons are those that its spans show. In time are those that show before the decision.
	Reasons, InTime Reason
	// Spans are the trace's, and Late those of them that are sent after its decision.
	Spans, Late uint16
	Types       Types
	// Baseline is whether the probabilistic policy keeps the trace.
	Baseline bool
	// Unsure is whether its spans may have come after the decision because the machine was busy.
	Unsure bool
}

// Kept is whether a collector with otelcol.yaml keeps the trace.
func (s Sent) Kept() bool { return s.InTime != 0 || s.Baseline }

// RootLate is whether the root is sent after the decision.
func (s Sent) RootLate() bool { return s.Late&(1<<root) != 0 }

// Policies of otelcol.yaml that are no reason by themselves.
const (
	baseline        = "baseline"
	slowWithoutRoot = "slow-without-root"
)

// Policies are those of otelcol.yaml that keep the trace.
func (s Sent) Policies() (names []string) {
	for _, of := range Reasons {
		switch {
		case s.InTime&of.Reason == 0:
		case of.Reason == Slow && s.RootLate():
			names = append(names, slowWithoutRoot)
		default:
			names = append(names, of.Policy)
		}
	}
	if s.Baseline {
		names = append(names, baseline)
	}
	return names
}

// Policies are all policies of otelcol.yaml.
func Policies() []string {
	names := []string{slowWithoutRoot, baseline}
	for _, of := range Reasons {
		names = append(names, of.Policy)
	}
	return names
}

// reasons are a request's.
func reasons(r shop.Request) Reason {
	var all Reason
	for reason, is := range map[Reason]bool{
		Slow: r.Slower(truth.SlowRequest), Failed: r.Failed(), Revalidated: r.Revalidated(),
		HighQueueWait: r.HighQueueWait(), QueueBound: r.QueueBound(),
		FeatureCascade: r.FeatureCascade(), FeaturesUnavailable: r.FeaturesUnavailable(), ColdStart: r.ColdStart(),
	} {
		if is {
			all |= reason
		}
	}
	return all
}

func newSent(r shop.Request, id pcommon.TraceID, types Types) Sent {
	all := reasons(r)
	return Sent{Reasons: all, InTime: all, Types: types, Baseline: truth.InBaseline(trace.TraceID(id))}
}

// holdBack marks a service's spans as late: what only they show comes after the decision.
func (s *Sent) holdBack(service Service) {
	s.InTime &^= seenBy[service]
	s.Late = s.Spans & slotsOf[service]
}

func at(t time.Time) pcommon.Timestamp { return pcommon.NewTimestampFromTime(t) }
