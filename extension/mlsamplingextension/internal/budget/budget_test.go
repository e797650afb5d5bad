package budget

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuietTrafficIsKept(t *testing.T) {
	b := newBench(Limits{Budget: 100})
	errors, slow, rest := in(3, "error"), in(5, "slow"), in(1000, "baseline")
	b.run(120, errors, slow, rest)
	assertWhole(t, errors, slow)
	assert.InDelta(t, 0.03, float64(rest.kept)/float64(rest.made), 0.003)
	assertCounts(t, rest)
}

func TestBaselineIsBoundToo(t *testing.T) {
	b := newBench(Limits{Budget: 100})
	errors, rest := in(3, "error"), in(8000, "baseline")
	b.run(10, errors, rest)
	reset(errors, rest)
	b.run(60, errors, rest)
	assertWhole(t, errors)
	assert.InEpsilon(t, 100, keptRate(60, errors, rest), 0.1)
	assertCounts(t, rest)
}

// TestIncident is the case that the policy is for: half of all traffic gets a
// signal, most of it several at once.
func TestIncident(t *testing.T) {
	const before, settle, incident = 60, 3, 300
	b := newBench(Limits{Budget: 100})
	rest := in(980, "baseline")
	queue := in(4, "queue_bound")
	both := in(4, "high_queue_wait", "queue_bound")
	all := in(2, "high_queue_wait", "queue_bound", "slow")
	rare := []*stream{in(2, "revalidated"), in(0.2, "cold_start"), in(1, "error"), in(1, "error", "queue_bound"), in(0.1, "features_unavailable")}
	everything := append([]*stream{rest, queue, both, all}, rare...)

	b.run(before, everything...)
	assertWhole(t, everything[1:]...)

	reset(everything...)
	rest.rate, queue.rate, both.rate, all.rate = 490, 100, 200, 200
	b.run(settle, everything...)
	onset := keptRate(settle, everything...)
	t.Logf("kept per second in the first %d s: %.0f", settle, onset)
	assert.Less(t, onset, 110.0)
	assertWhole(t, rare...)
	assertCounts(t, everything...)

	reset(everything...)
	b.run(incident, everything...)
	t.Logf("kept per second after that: %.1f", keptRate(incident, everything...))
	assertWhole(t, rare...)
	assert.InEpsilon(t, 100, keptRate(incident, everything...), 0.1)
	assertCounts(t, everything...)
	for _, abundant := range []*stream{rest, queue, both, all} {
		assert.Less(t, abundant.kept, abundant.made/3, "%v", abundant.classes)
		assert.Greater(t, abundant.kept, incident, "%v must not starve", abundant.classes)
	}

	rest.rate, queue.rate, both.rate, all.rate = 980, 4, 4, 2
	b.run(settle, everything...)
	reset(everything...)
	b.run(60, everything...)
	assertWhole(t, everything[1:]...)
}

// TestOverlap: a class within another one has a share of its own, and both together are within the budget.
func TestOverlap(t *testing.T) {
	for _, signals := range [][]string{{"a", "z"}, {"z", "a"}} {
		b := newBench(Limits{Budget: 100})
		inner := in(200, "a", "z")
		outer := in(800, signals[1])
		b.run(20, inner, outer)
		reset(inner, outer)
		b.run(200, inner, outer)
		assert.InEpsilon(t, 100, keptRate(200, inner, outer), 0.05, "%v", signals)
		assertCounts(t, inner, outer)
	}
}

// TestAdapts steps the load. The first second at the new one goes over the budget by a third for each time that it is e
// times of what was expected; the next ones make up for that.
func TestAdapts(t *testing.T) {
	const budget = 50
	for _, step := range []struct{ from, to float64 }{
		{0.1, 600}, {10, 5000}, {200, 1000}, {400, 900}, {100, 200}, {1000, 1300}, {1000, 1000}, {5000, 400}, {900, 400},
	} {
		t.Run(fmt.Sprintf("%v to %v", step.from, step.to), func(t *testing.T) {
			b := newBench(Limits{Budget: budget})
			s := in(step.from, "queue_bound")
			b.run(60, s)
			s.rate = step.to
			reset(s)
			var seconds []float64 // on average over random numbers: without the noise of the choice
			for range 15 {
				b.run(1, s)
				seconds = append(seconds, b.expected)
			}
			t.Logf("%.0f", seconds)
			assertCounts(t, s)
			times := max(1, step.to/max(step.from, budget))
			assert.LessOrEqual(t, seconds[0], budget*(1.3+math.Log(times)/3))
			for i, kept := range seconds[1:] {
				assert.LessOrEqual(t, kept, 1.1*budget, "second %d", i+2)
			}
			sum := 0.0
			for i, kept := range seconds {
				if sum += kept; i >= 5 {
					assert.LessOrEqual(t, sum, 1.1*budget*float64(i+1), "the first %d seconds", i+1)
				}
			}
			for i, kept := range seconds[7:] {
				assert.InEpsilon(t, budget, kept, 0.2, "second %d", i+8)
			}
			reset(s)
			b.run(60, s)
			assert.InEpsilon(t, budget, keptRate(60, s), 0.1)
			assertCounts(t, s)
		})
	}
}

// TestFirstSecond floods a new Allocator with up to 200 times its budget, many times: what is reported of that second is as far
// from the truth as its error says. Few kept traces that stand for very many would be missing most often, and with them
// the error that they have.
func TestFirstSecond(t *testing.T) {
	for _, n := range []float64{300, 1500, 6000} {
		const runs = 400
		beyond, kept := 0, 0
		for seed := range uint64(runs) {
			b := newBench(Limits{Budget: 30})
			b.random = rand.New(rand.NewPCG(seed, 9))
			queue, rest := in(n/2, "queue_bound"), in(n/2, "baseline")
			b.run(1, queue, rest)
			kept += queue.kept + rest.kept
			for _, s := range []*stream{queue, rest} {
				if math.Abs(float64(s.made)-s.counted) > 5*math.Sqrt(s.variance) {
					beyond++
				}
			}
		}
		t.Logf("%v traces: %d kept, %d of %d estimates are beyond five standard deviations", n, kept/runs, beyond, 2*runs)
		assert.Less(t, beyond, 2*runs/50)
	}
}

// TestUnbiased repeats the first second of a flood, whose traces are kept with many different probabilities: counted
// again from what is kept there are on average as many as were made.
func TestUnbiased(t *testing.T) {
	b := newBench(Limits{Budget: 50})
	flood, rest := in(0, "queue_bound"), in(200, "baseline")
	for range 400 {
		flood.rate = 2
		b.run(10, rest)
		flood.rate = 1000
		b.run(1, flood, rest)
	}
	t.Logf("%d made, %d kept, counted %.0f ± %.0f", flood.made, flood.kept, flood.counted, math.Sqrt(flood.variance))
	assert.Less(t, math.Sqrt(flood.variance), 0.05*float64(flood.made), "or this test shows nothing")
	assertCounts(t, flood, rest)
}

// TestJudgedAtAnyTime spreads the judgements and lets batches come late.
func TestJudgedAtAnyTime(t *testing.T) {
	b := newBench(Limits{Budget: 50})
	s := in(0, "slow")
	const seconds = 300
	for i := range seconds {
		late := time.Duration(0)
		if i%7 == 3 {
			late = 300 * time.Millisecond
		}
		b.time = b.time.Add(late)
		for range 1000 {
			b.decide(s)
			b.time = b.time.Add(200 * time.Microsecond)
		}
		b.time = b.time.Add(800*time.Millisecond - late)
	}
	assert.InEpsilon(t, 50, keptRate(seconds, s), 0.1)
	assertCounts(t, s)
}

func TestClassBudget(t *testing.T) {
	b := newBench(Limits{Budget: 100, ClassBudget: 10})
	queue, slow, rare := in(500, "queue_bound"), in(300, "slow"), in(2, "error")
	b.run(20, queue, slow, rare)
	reset(queue, slow, rare)
	b.run(200, queue, slow, rare)
	assert.InEpsilon(t, 10, keptRate(200, queue), 0.1)
	assert.InEpsilon(t, 10, keptRate(200, slow), 0.1)
	assertWhole(t, rare)
}

func TestKeepAll(t *testing.T) {
	b := newBench(Limits{Budget: 20, KeepAll: []string{"training"}})
	training, both, slow := in(200, "training"), in(50, "slow", "training"), in(300, "slow")
	b.run(10, training, both, slow)
	reset(training, both, slow)
	b.run(100, training, both, slow)
	assertWhole(t, training, both)
	assert.InEpsilon(t, 20, keptRate(100, slow), 0.1, "takes the whole budget")
	stats := b.Stats()
	assert.InEpsilon(t, 20, stats.KeptRate, 0.5)
	assert.InEpsilon(t, 300, stats.EvaluatedRate, 0.2)
}

// TestSampledBefore: services sample their traces before they send them.
func TestSampledBefore(t *testing.T) {
	tenth, err := sampling.ProbabilityToThreshold(0.1)
	require.NoError(t, err)
	b := newBench(Limits{Budget: 50})
	abundant, rare := in(5000, "slow"), in(50, "error")
	abundant.before, rare.before = tenth, tenth
	b.run(20, abundant, rare)
	reset(abundant, rare)
	b.run(200, abundant, rare)
	assert.InEpsilon(t, 50, keptRate(200, abundant, rare), 0.1)
	assertWhole(t, rare)
	assertCounts(t, abundant, rare)

	// A class budget bounds what is kept, not what that stands for.
	bounded := newBench(Limits{Budget: 50, ClassBudget: 20})
	reset(abundant, rare)
	bounded.run(20, abundant)
	reset(abundant)
	bounded.run(100, abundant)
	assert.InEpsilon(t, 20, keptRate(100, abundant), 0.1)

	// One trace that claims to stand for 2^56 must not starve the others.
	wrong, err := sampling.UnsignedToThreshold(sampling.MaxAdjustedCount - 1)
	require.NoError(t, err)
	b.Decide(&Trace{Classes: rare.classes, Before: wrong})
	b.Decide(&Trace{Classes: rare.classes, Before: sampling.NeverSampleThreshold})
	b.Decide(&Trace{Classes: abundant.classes, Before: wrong})
	reset(abundant, rare)
	b.run(5, abundant, rare)
	assertWhole(t, rare)
	assert.Greater(t, keptRate(5, abundant), 20.0)
}

// TestBounded sends ever new models, services and signals.
func TestBounded(t *testing.T) {
	b := newBench(Limits{Budget: 50, MaxClasses: 20, Known: []string{"slow", "error"}})
	s := &stream{}
	const seconds = 60
	for range seconds {
		for range 400 {
			s.classes = []Class{
				{Signal: "error", Model: fmt.Sprint(b.random.Uint32())},
				{Signal: "slow", Service: fmt.Sprint(b.random.Uint32())},
				{Signal: fmt.Sprint("x", b.random.Uint32())},
			}
			b.decide(s)
		}
		b.time = b.time.Add(time.Second)
	}
	stats := b.Stats()
	assert.LessOrEqual(t, stats.Classes, 20+2+maxUnknownSignals+1)
	assert.LessOrEqual(t, len(b.sets), setsPerClass*20+stats.Classes)
	assert.LessOrEqual(t, len(stats.Signals), 2+maxUnknownSignals+1)
	assert.Positive(t, stats.Overflows)
	assert.InEpsilon(t, 50, keptRate(seconds, s), 0.3)
	assertCounts(t, s)

	b.time = b.time.Add(time.Second)
	b.Stats()
	b.time = b.time.Add(expireAfter * time.Second)
	assert.Zero(t, b.Stats().Classes, "idle classes are forgotten")
	assert.Empty(t, b.sets)
	assert.Zero(t, b.shared)
}

// TestRates: the reported rates are of the last seconds, also when nothing comes any more.
func TestRates(t *testing.T) {
	b := newBench(Limits{Budget: 10})
	assert.Zero(t, b.Stats().EvaluatedRate)
	s := in(100, "slow")
	b.run(60, s)
	stats := b.Stats()
	assert.InEpsilon(t, 100, stats.EvaluatedRate, 0.15)
	assert.InDelta(t, 10, stats.KeptRate, 4)
	assert.InEpsilon(t, 10, stats.EachClass, 0.15, "less after a second that was over the budget")
	assert.InEpsilon(t, 0.1, stats.Probability[s.classes[0]], 0.15)
	assert.Equal(t, Tally{Kept: int64(s.kept), Dropped: int64(s.made - s.kept)}, stats.Signals["slow"])
	b.time = b.time.Add(time.Minute)
	assert.Less(t, b.Stats().EvaluatedRate, 5.0)
}

func TestThreshold(t *testing.T) {
	for _, p := range []float64{1, 1 + 1e-12, 0.999999, 0.5, 0.03, 1e-4, 1e-8, 0, -1} {
		want := min(1, max(p, leastProbability))
		assert.InEpsilon(t, want, threshold(p).Probability(), 1e-3, "%v", p)
	}
}

func BenchmarkDecide(b *testing.B) {
	bench := newBench(Limits{Budget: 100})
	trace := Trace{Classes: in(0, "high_queue_wait", "queue_bound", "slow").classes}
	b.ReportAllocs()
	for b.Loop() {
		trace.Randomness = bench.randomness()
		bench.Decide(&trace)
		bench.time = bench.time.Add(100 * time.Microsecond)
	}
}

// BenchmarkSolve is the work of each second with as many classes and sets as there can be by default.
func BenchmarkSolve(b *testing.B) {
	bench := newBench(Limits{Budget: 100, MaxClasses: 500})
	s := &stream{}
	for i := range 20_000 {
		s.classes = []Class{
			{Signal: "error", Model: fmt.Sprint(i % 167)}, {Signal: "queue_bound", Model: fmt.Sprint(i % 163)}, {Signal: "slow", Model: fmt.Sprint(i % 157)},
		}
		bench.decide(s)
	}
	b.ReportMetric(float64(len(bench.sets)), "sets")
	for b.Loop() {
		bench.solve(100)
	}
}
