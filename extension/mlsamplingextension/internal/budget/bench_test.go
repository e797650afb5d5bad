package budget

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
)

// bench runs an Allocator on simulated time. Traces are decided in a batch each
// second, as tail_sampling does.
type bench struct {
	*Allocator
	time   time.Time
	random *rand.Rand
}

func newBench(limits Limits) *bench {
	b := &bench{time: time.Unix(1_700_000_000, 0), random: rand.New(rand.NewPCG(1, 2))}
	limits.Baseline = "baseline"
	if limits.BaselineShare == 0 {
		limits.BaselineShare = 0.03
	}
	if limits.ClassBudget == 0 {
		limits.ClassBudget = math.Inf(1)
	}
	if limits.MaxClasses == 0 {
		limits.MaxClasses = 100
	}
	b.Allocator = New(limits, func() time.Time { return b.time })
	return b
}

// stream is traces that are alike.
type stream struct {
	classes []Class
	rate    float64 // per second, of what the services made
	before  sampling.Threshold

	made, decided, kept int
	counted, variance   float64 // re-estimate of made, and the variance of that
}

func in(rate float64, signals ...string) *stream {
	s := &stream{rate: rate}
	for _, signal := range signals {
		s.classes = append(s.classes, Class{Signal: signal, Service: "inference", Model: "llama"})
	}
	return s
}

func (b *bench) run(seconds int, streams ...*stream) {
	for range seconds {
		var batch []*stream
		for _, s := range streams {
			for range b.arrivals(s.rate) {
				batch = append(batch, s)
			}
		}
		b.random.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
		for _, s := range batch {
			b.decide(s)
		}
		b.time = b.time.Add(time.Second)
	}
}

func (b *bench) decide(s *stream) {
	s.made++
	randomness := b.randomness()
	if !s.before.ShouldSample(randomness) {
		return
	}
	s.decided++
	th, keep := b.Decide(&Trace{Classes: s.classes, Randomness: randomness, Before: s.before})
	if !keep {
		return
	}
	if sampling.ThresholdLessThan(th, s.before) {
		th = s.before
	}
	s.kept++
	s.counted += th.AdjustedCount()
	s.variance += th.AdjustedCount() * (th.AdjustedCount() - 1)
}

func (b *bench) randomness() sampling.Randomness {
	r, _ := sampling.UnsignedToRandomness(b.random.Uint64() >> 8) // 56 bits are never too many
	return r
}

// arrivals is a Poisson number, by the gaps between arrivals.
func (b *bench) arrivals(rate float64) int {
	n := 0
	for t := b.random.ExpFloat64() / rate; t < 1; t += b.random.ExpFloat64() / rate {
		n++
	}
	return n
}

func reset(streams ...*stream) {
	for _, s := range streams {
		*s = stream{classes: s.classes, rate: s.rate, before: s.before}
	}
}

func keptRate(seconds int, streams ...*stream) float64 {
	sum := 0
	for _, s := range streams {
		sum += s.kept
	}
	return float64(sum) / float64(seconds)
}

func assertWhole(t *testing.T, streams ...*stream) {
	t.Helper()
	for _, s := range streams {
		assert.Equal(t, s.decided, s.kept, "%v must be kept whole", s.classes)
	}
}

// assertCounts checks the numbers estimated from the kept traces, within four standard deviations.
func assertCounts(t *testing.T, streams ...*stream) {
	t.Helper()
	for _, s := range streams {
		assert.InDelta(t, s.made, s.counted, 4*math.Sqrt(s.variance)+1e-6*float64(s.made), "%v: %d kept", s.classes, s.kept)
	}
}
