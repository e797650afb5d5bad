package tiers

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// samplerOptions are those of a sampler with an overlay of deploy/ on a host of its own.
func samplerOptions(t testing.TB, overlay, host, port string) collector.Options {
	t.Helper()
	options := stack.CollectorOptions(t, stack.Root(t, overlay), stack.Root(t, "test/e2e/tiers/testdata/arrived.yaml"), stack.FastFlush)
	options.Addresses = onHost(t, host, port)
	options.Env = []string{decisionWait}
	return options
}

// decisionWait is shorter than sampler.yaml's 15 s, and longer than a gateway's retries spread the spans of a trace.
const decisionWait = "OTELCOL_ML_DECISION_WAIT=10s"

// startGateway starts one of the first tier with a configuration of deploy/.
func startGateway(t testing.TB, config, host string, env ...string) *collector.Collector {
	t.Helper()
	return stack.StartCollector(t, gatewayOptions(t, config, host, env...))
}

func gatewayOptions(t testing.TB, config, host string, env ...string) collector.Options {
	t.Helper()
	options := stack.CollectorOptions(t)
	options.Configs = []string{stack.Root(t, config)}
	options.Addresses = onHost(t, host, freePort(t, host))
	options.Env = env
	return options
}

// kill ends a process at once, as the kernel does when memory runs out.
func kill(t testing.TB, running *collector.Collector) {
	t.Helper()
	require.NoError(t, syscall.Kill(running.PID(), syscall.SIGKILL))
	<-running.Exited()
}

// number reads a metric of a collector about itself.
func number(t testing.TB, running *collector.Collector, metric string, labels ...string) int {
	t.Helper()
	telemetry, err := running.Telemetry(t.Context())
	require.NoError(t, err)
	return int(telemetry.Sum(metric, labels...))
}

// sampling reads what a sampler has, and has decided on.
func sampling(t testing.TB, running *collector.Collector) collector.Sampling {
	t.Helper()
	sampling, err := running.Sampling(t.Context())
	require.NoError(t, err)
	return sampling
}

// until waits for a condition of several collectors' own metrics, each metric added up over them.
func until(t testing.TB, of []*collector.Collector, what string, condition func(sum func(metric string, labels ...string) int) error) {
	t.Helper()
	stack.Until(t, of[0].Process, what, func(ctx context.Context) error {
		var failed error
		err := condition(func(metric string, labels ...string) (sum int) {
			for _, c := range of {
				telemetry, err := c.Telemetry(ctx)
				if err != nil {
					failed = err
					return 0
				}
				sum += int(telemetry.Sum(metric, labels...))
			}
			return sum
		})
		if failed != nil {
			return failed
		}
		return err
	})
}

// untilDecided waits until samplers have decided on everything that they have.
func untilDecided(t testing.TB, samplers ...*collector.Collector) {
	t.Helper()
	stack.Until(t, samplers[0].Process, "decisions on all traces", func(ctx context.Context) error {
		for _, s := range samplers {
			sampling, err := s.Sampling(ctx)
			if err != nil {
				return err
			}
			if sampling.Decided < sampling.Arrived {
				return fmt.Errorf("%d of %d are decided", sampling.Decided, sampling.Arrived)
			}
		}
		return nil
	})
}

// untilCounted waits until Prometheus has every span of what was sent, added up over the samplers, also over those
// that have ended since.
func untilCounted(prometheus *stack.Prometheus, sent []shop.Sent) {
	for metric, observations := range truth.Histograms(sent) {
		prometheus.UntilEqual("sum(last_over_time("+metric+"_count[1h]))", float64(len(observations)))
	}
	for metric, counter := range truth.Counters(sent) {
		prometheus.UntilEqual("sum(last_over_time("+metric+"[1h]))", counter.Total())
	}
}

// found is what became of the traces that were sent.
type found struct {
	// missing are traces that must be kept, and those of the baseline, of which nothing is kept.
	missing []shop.Sent
	// partial are kept traces that lack spans.
	partial []shop.Sent
	// repeated are kept traces with spans that are there twice.
	repeated       []shop.Sent
	mustKeep, kept int
}

// look compares what samplers have kept with what was sent: traces that must be kept and the baseline, nothing else.
func look(t testing.TB, sent []shop.Sent, samplers ...*collector.Collector) found {
	t.Helper()
	all := kept.Traces{}
	for _, s := range samplers {
		traces, err := kept.Read(s.KeptFile())
		require.NoError(t, err)
		for id, trace := range traces {
			all[id] = append(all[id], trace...)
		}
	}
	return compare(t, sent, all)
}

func compare(t testing.TB, sent []shop.Sent, all kept.Traces) found {
	t.Helper()
	var f found
	for _, s := range sent {
		trace, isKept := all[[16]byte(s.TraceID)]
		if truth.MustKeep(s) {
			f.mustKeep++
		}
		if !isKept {
			if toKeep(s) {
				f.missing = append(f.missing, s)
			}
			continue
		}
		f.kept++
		assert.True(t, toKeep(s), "trace %s is kept, and neither one that must be kept nor in the baseline", s.TraceID)
		different := map[string]bool{}
		for _, span := range trace {
			different[span.SpanID().String()] = true
		}
		if len(different) < len(s.Spans) {
			f.partial = append(f.partial, s)
		}
		if len(trace) > len(different) {
			f.repeated = append(f.repeated, s)
		}
	}
	return f
}

func toKeep(s shop.Sent) bool { return truth.MustKeep(s) || truth.InBaseline(s.TraceID) }

// untilKept waits until the samplers' files have what is to be kept: the file exporter writes a moment after the decision.
func untilKept(t testing.TB, sent []shop.Sent, samplers ...*collector.Collector) {
	t.Helper()
	stack.Until(t, samplers[0].Process, "the kept traces in the files", func(context.Context) error {
		want := 0
		for _, s := range sent {
			if toKeep(s) {
				want++
			}
		}
		have := map[[16]byte]bool{}
		for _, s := range samplers {
			traces, err := kept.Read(s.KeptFile())
			if err != nil {
				return err
			}
			for id := range traces {
				have[id] = true
			}
		}
		n := 0
		for _, s := range sent {
			if have[s.TraceID] {
				n++
			}
		}
		if n < want {
			return fmt.Errorf("%d of %d", n, want)
		}
		return nil
	})
}

func ids(sent []shop.Sent) string {
	var text []string
	for _, s := range sent {
		text = append(text, s.TraceID.String())
	}
	return strings.Join(text, " ")
}
