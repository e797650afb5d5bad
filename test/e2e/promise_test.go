package e2e

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stored"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/traffic"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

const (
	promised = 200_000
	// shippedWait is decision_wait in otelcol.yaml, and in the article's file.
	shippedWait = 10 * time.Second
	// ofContrib are the metrics of tail_sampling, which decides inside mltailsampling too.
	ofContrib = "otelcol_processor_tail_sampling_"
)

// TestPromise proves what the article promises: 3 to 8 % of traces stored, and every one of them with a signal, an error or a long duration, whole. It
// sends 200,000 traces of known truth to a collector with otelcol.yaml as it is, and the same to one with the article's
// own file. It is not parallel to other tests: both share the machine with nothing else.
func TestPromise(t *testing.T) {
	options := stack.CollectorOptions(t)
	options.Env = nil // otelcol.yaml with its own decision_wait
	shipped := stack.StartCollector(t, options)
	options = stack.CollectorOptions(t)
	options.Configs, options.Env = []string{"testdata/article-sampling.yaml"}, nil
	article := stack.StartCollector(t, options)

	run, err := traffic.Open(traffic.Config{
		To: []string{shipped.GRPC, article.GRPC}, Seed: 1820, Traces: promised, Rates: shop.ArticleRates,
		Wave: 1000, Every: 300 * time.Millisecond, Apart: 3 * time.Second, AtMost: shippedWait - time.Second, Repeated: 0.02, Late: 0.01,
	})
	require.NoError(t, err)
	began := time.Now()
	require.NoError(t, run.Send(t.Context()))
	sending := time.Since(began)
	unsure := count(run.Sent, func(s traffic.Sent) bool { return s.Unsure })
	require.Less(t, unsure, promised/10, "the machine is too busy: spans came so late that the collector had to decide without them")
	untilAllDecided(t, shipped, promised, func(s scrape.Samples) int { return collector.SamplingOf(s).Decided })
	untilAllDecided(t, article, promised, func(s scrape.Samples) int { return int(s.Sum(ofContrib + "global_count_traces_sampled")) })
	require.NoError(t, run.SendLate(t.Context()))
	untilLateSeen(t, shipped, run.Sent)

	t.Logf("%d traces, %d spans in %v; the spans of a trace up to %v apart, of %d traces longer; the collector's memory at most %d MB",
		promised, spansOf(run.Sent), sending.Round(time.Second), run.Spread.Round(time.Millisecond), unsure, peakMemory(t, shipped)>>20)
	t.Run("nothing lost on the way", func(t *testing.T) { testNothingLost(t, shipped, run.Sent) })
	matched := longQueueMatches(t, article)
	t.Run("every policy", func(t *testing.T) { testPolicies(t, shipped, run.Sent) })
	stack.Stop(t, shipped.Process)
	stack.Stop(t, article.Process)
	kept := readStored(t, shipped, run.Sent)
	t.Run("kept traces", func(t *testing.T) { testPromise(t, run.Sent, kept) })
	t.Run("named policies", func(t *testing.T) { testNamedPolicies(t, shipped, run.Sent) })
	t.Run("the article's file", func(t *testing.T) { testArticleFile(t, run.Sent, kept, readStored(t, article, run.Sent), matched) })
}

// testPromise: each trace that must be kept is there whole, and of the rest those that the probabilistic policy's hash keeps.
func testPromise(t *testing.T, sent []traffic.Sent, kept traffic.Stored) {
	stored, rest, baseline := 0, 0, 0
	for i, s := range sent {
		if kept[i] != 0 {
			stored++
		}
		if s.Unsure {
			continue
		}
		if s.Kept() {
			require.Equal(t, s.Spans, kept[i], "spans of trace %d, kept for %b or the baseline %v", i, s.InTime, s.Baseline)
		} else {
			require.Zero(t, kept[i], "spans of trace %d, routine", i)
		}
		if s.InTime == 0 {
			rest++
			if kept[i] != 0 {
				baseline++
			}
		}
	}
	share := percent(stored, len(sent))
	t.Logf("kept %d traces, %.2f %%; of %d routine ones %d, %.2f %%", stored, share, rest, baseline, percent(baseline, rest))
	tooLate := count(sent, func(s traffic.Sent) bool { return s.Reasons != 0 && !s.Kept() })
	t.Logf("%d traces were lost because the only span with a reason to keep it came after the decision", tooLate)
	assert.True(t, 3 <= share && share <= 8, "%.2f %% of the traces are kept, not 3 to 8", share)
	// Five standard deviations of the binomial distribution: a sound collector passes but for once in a million runs.
	want := truth.Baseline * float64(rest)
	assert.InDelta(t, want, float64(baseline), 5*math.Sqrt(want*(1-truth.Baseline)), "of %d routine traces", rest)
}

// testNothingLost asks the collector itself.
func testNothingLost(t *testing.T, running *collector.Collector, sent []traffic.Sent) {
	telemetry, err := running.Telemetry(t.Context())
	require.NoError(t, err)
	for _, metric := range []string{
		"otelcol_processor_mltailsampling_decided_early", ofContrib + "sampling_policy_evaluation_error",
		"otelcol_processor_memory_limiter_refused_spans", "otelcol_receiver_refused_spans", "otelcol_exporter_send_failed_spans",
	} {
		assert.Zero(t, telemetry.Sum(metric), metric)
	}
	assert.Equal(t, len(sent), collector.SamplingOf(telemetry).Arrived)
	assert.Zero(t, telemetry.Sum("otelcol_processor_mltailsampling_dropped_traces", "reason", "too_large"))
	assert.GreaterOrEqual(t, telemetry.Sum("otelcol_receiver_accepted_spans"), float64(spansOf(sent)))
}

// testPolicies compares what each policy counts with what was sent in time, which unsure traces leave open.
func testPolicies(t *testing.T, running *collector.Collector, sent []traffic.Sent) {
	telemetry, err := running.Telemetry(t.Context())
	require.NoError(t, err)
	matches := func(policy string, is func(traffic.Sent) bool) {
		want, got := count(sent, is), policyMatches(telemetry, policy)
		unsure := count(sent, func(s traffic.Sent) bool { return s.Unsure && is(s) })
		require.NotZero(t, want, policy)
		assert.InDelta(t, want, got, float64(unsure), policy)
	}
	for _, policy := range traffic.Policies() {
		matches(policy, func(s traffic.Sent) bool { return slices.Contains(s.Policies(), policy) })
	}
}

// testNamedPolicies: each kept trace names the policies that have kept it, on its root, or on its first span where the
// root came after the decision, and says in its trace state for how many it stands.
func testNamedPolicies(t *testing.T, ended *collector.Collector, sent []traffic.Sent) {
	type where struct {
		policies []string
		onRoot   bool
		state    string
	}
	const surely, threeInAHundred = "ot=th:0", "ot=th:f851eb851eb852"
	named := map[int]where{}
	require.NoError(t, stored.Each(ended.KeptFile(), func(span ptrace.Span, _ pcommon.Resource) error {
		value, ok := span.Attributes().Get("ml.sampling.policies")
		if !ok {
			return nil
		}
		i := traffic.Index(span.TraceID())
		if _, twice := named[i]; twice && !sent[i].Unsure {
			return fmt.Errorf("two spans of trace %s name its policies", span.TraceID())
		}
		var policies []string
		for _, policy := range value.Slice().All() {
			policies = append(policies, policy.Str())
		}
		named[i] = where{policies, span.ParentSpanID().IsEmpty(), span.TraceState().AsRaw()}
		return nil
	}))
	for i, s := range sent {
		if s.Unsure {
			continue
		}
		require.ElementsMatch(t, s.Policies(), named[i].policies, "trace %d", i)
		if s.Kept() {
			require.Equal(t, !s.RootLate(), named[i].onRoot, "trace %d", i)
			state := surely
			if s.InTime == 0 {
				state = threeInAHundred
			}
			require.Equal(t, state, named[i].state, "trace %d", i)
		}
	}
}

// untilAllDecided waits until so many traces are decided.
func untilAllDecided(t *testing.T, running *collector.Collector, traces int, decided func(scrape.Samples) int) {
	t.Helper()
	stack.Until(t, running.Process, "sampling decisions", func(ctx context.Context) error {
		telemetry, err := running.Telemetry(ctx)
		if err != nil {
			return err
		}
		if n := decided(telemetry); n < traces {
			return fmt.Errorf("%d of %d traces are decided", n, traces)
		}
		return nil
	})
}

// untilLateSeen waits until the late spans have followed their traces, and none was decided again.
func untilLateSeen(t *testing.T, running *collector.Collector, sent []traffic.Sent) {
	t.Helper()
	var kept, dropped int
	for _, s := range sent {
		if s.Unsure {
			continue
		}
		if s.Kept() {
			kept += bits.OnesCount16(s.Late)
		} else {
			dropped += bits.OnesCount16(s.Late)
		}
	}
	require.NotZero(t, kept)
	stack.Until(t, running.Process, "late spans", func(ctx context.Context) error {
		sampling, err := running.Sampling(ctx)
		if err != nil {
			return err
		}
		if sampling.LateKept < kept || sampling.LateDropped < dropped {
			return fmt.Errorf("%d of %d followed a trace that was kept, %d of %d one that was not",
				sampling.LateKept, kept, sampling.LateDropped, dropped)
		}
		return nil
	})
}

// readStored reads the file of kept traces of a collector that has ended.
func readStored(t *testing.T, ended *collector.Collector, sent []traffic.Sent) traffic.Stored {
	t.Helper()
	kept := traffic.NewStored(len(sent))
	require.NoError(t, stored.Each(ended.KeptFile(), func(span ptrace.Span, _ pcommon.Resource) error {
		return kept.Add(span.TraceID(), span.SpanID())
	}))
	files, err := stored.Files(ended.KeptFile())
	require.NoError(t, err)
	t.Logf("the kept traces are in %d files", len(files))
	return kept
}

// peakMemory is the most that a process has had in memory at once, in bytes.
func peakMemory(t *testing.T, running *collector.Collector) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", running.PID()))
	require.NoError(t, err)
	_, after, found := strings.Cut(string(status), "VmHWM:")
	require.True(t, found)
	var kilobytes int
	_, err = fmt.Sscan(after, &kilobytes)
	require.NoError(t, err)
	return kilobytes << 10
}

func count(sent []traffic.Sent, is func(traffic.Sent) bool) int {
	n := 0
	for _, s := range sent {
		if is(s) {
			n++
		}
	}
	return n
}

func spansOf(sent []traffic.Sent) int {
	n := 0
	for _, s := range sent {
		n += bits.OnesCount16(s.Spans)
	}
	return n
}
