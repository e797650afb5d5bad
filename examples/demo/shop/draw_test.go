package shop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var at = time.Date(2026, 3, 3, 14, 3, 0, 0, time.UTC)

func draw(seed uint64, rates Rates, n int) []Request {
	source := NewSource(seed, rates, at, time.Millisecond)
	requests := make([]Request, n)
	for i := range requests {
		requests[i] = source.Next()
	}
	return requests
}

func TestSameSeedSameRequests(t *testing.T) {
	assert.Equal(t, draw(5, ArticleRates, 200), draw(5, ArticleRates, 200))
	assert.NotEqual(t, draw(5, ArticleRates, 200), draw(6, ArticleRates, 200))
}

func TestRoutineRequestsShowNothing(t *testing.T) {
	for _, rates := range []Rates{{}, {LooseTypes: 1}} {
		for _, r := range draw(1, rates, 2000) {
			assert.Empty(t, r.Signals())
			assert.False(t, r.Failed())
			assert.False(t, r.Slower(800*time.Millisecond), "%v", r.Duration())
		}
	}
}

func TestEachRateShowsItsSignal(t *testing.T) {
	for name, test := range map[string]struct {
		rates Rates
		shows func(Request) bool
	}{
		"feature cascade": {Rates{FeatureCascade: 1}, Request.FeatureCascade},
		"long queue":      {Rates{LongQueue: 1}, func(r Request) bool { return r.HighQueueWait() && r.QueueBound() }},
		"short queue":     {Rates{ShortQueue: 1}, func(r Request) bool { return !r.HighQueueWait() && r.QueueBound() }},
		"revalidated":     {Rates{Revalidated: 1}, func(r Request) bool { return r.Revalidated() && !r.Failed() }},
		"cold start":      {Rates{ColdStart: 1}, Request.ColdStart},
		"unavailable":     {Rates{Unavailable: 1}, func(r Request) bool { return r.FeaturesUnavailable() && !r.FeatureCascade() }},
		"failed":          {Rates{Failed: 1}, Request.Failed},
		"long compute": {Rates{LongCompute: 1}, func(r Request) bool {
			return r.Slower(800*time.Millisecond) && len(r.Signals()) == 0
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, loose := range []float64{0, 1} {
				test.rates.LooseTypes = loose
				for _, r := range draw(2, test.rates, 500) {
					assert.True(t, test.shows(r), "%+v", r)
				}
			}
		})
	}
}

// Whatever is drawn, milliseconds with two decimals say it exactly, or sums would not add up.
func TestDurationsFitTheirRounding(t *testing.T) {
	for _, r := range draw(3, Rates{
		FeatureCascade: 0.3, LongQueue: 0.3, ShortQueue: 0.3, Revalidated: 0.3, ColdStart: 0.3, Unavailable: 0.3, LooseTypes: 0.5,
	}, 2000) {
		for _, d := range []time.Duration{
			r.Validation, r.Features.CacheLookup, r.Features.DBLookup, r.Features.Rest, r.Assembly.Tokenize,
			r.Assembly.ColdStart, r.Assembly.Rest, r.Inference.QueueWait, r.Inference.ForwardPass, r.Post.Duration,
		} {
			unit := 10 * time.Microsecond
			if r.LooseTypes {
				unit = time.Millisecond
			}
			assert.Zero(t, d%unit, "%v", d)
		}
	}
}

func TestArticleRequest(t *testing.T) {
	r := ArticleRequest(at)
	assert.Equal(t, 1820*time.Millisecond, r.Duration())
	assert.Equal(t, 823*time.Millisecond, r.Features.Duration())
	assert.Equal(t, 47*time.Millisecond, r.Assembly.Duration())
	assert.Equal(t, 895*time.Millisecond, r.Inference.Duration())
	assert.Equal(t, 2, r.Post.Attempts())
	assert.Equal(t, map[string]int{
		"feature_cascade": 1, "queue_bound": 1, "high_queue_wait": 1, "revalidated": 1, "cold_start": 1,
	}, r.Signals())
}
